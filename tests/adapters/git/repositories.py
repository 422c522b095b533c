"""Real bare repositories, on disk and behind git's own server, and what tests want to know of them."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IDENTITY = {f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(repository: Path, *arguments: str, content: str = "") -> str:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments],
        env={**os.environ, **IDENTITY},
        input=content,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def bare(path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", "--template=", str(path)], check=True)
    return path


def commit_by_hand(repository: Path, branch: str, *, parents: int = 0) -> str:
    """Put a commit with a file and a folder on a branch, on top of so many others."""
    blob = git(repository, "hash-object", "-w", "--stdin", content="by hand")
    inner = git(repository, "mktree", content=f"100644 blob {blob}\tdeep\n")
    tree = git(repository, "mktree", content=f"100755 blob {blob}\tfile\n040000 tree {inner}\tfolder\n")
    commit = git(repository, "commit-tree", tree, "-m", "first")
    for n in range(parents):
        commit = git(repository, "commit-tree", tree, "-p", commit, "-m", f"another {n}")
    git(repository, "update-ref", f"refs/heads/{branch}", commit)
    return commit


def commands_with(text: str) -> list[int]:
    """Return the processes in whose arguments a text stands."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended
    return found


def basic(credentials: str) -> str:
    return "basic " + b64encode(credentials.encode()).decode()


@dataclass(slots=True, kw_only=True)
class Hub:
    """A server of repositories, and what it was asked. With ``refuse_with`` it answers that alone: status and body."""

    url: str
    root: Path
    wants: str | None = None
    refuse_with: tuple[int, str] | None = None
    shown_credentials: set[str | None] = field(default_factory=set)


@contextmanager
def served(root: Path, *, wants: str | None = None) -> Iterator[Hub]:
    """Serve the repositories in a folder by ``git http-backend``; ``wants`` is the Authorization it asks for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub(url=f"http://127.0.0.1:{server.server_port}", root=root, wants=wants)
    _Handler.hubs[server.server_port] = hub
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        del _Handler.hubs[server.server_port]


class _Handler(BaseHTTPRequestHandler):
    hubs: dict[int, Hub] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        hub = self.hubs[self.connection.getsockname()[1]]
        hub.shown_credentials.add(self.headers.get("Authorization"))
        if hub.refuse_with is not None:
            self._answer(hub.refuse_with[0], {"Content-Type": "text/plain"}, hub.refuse_with[1].encode())
        elif hub.wants is not None and self.headers.get("Authorization") != hub.wants:
            self._answer(401, {"WWW-Authenticate": "Basic realm=git"}, b"")
        else:
            self._answer(*self._from_backend(hub))

    do_POST = do_GET  # noqa: N815

    def _from_backend(self, hub: Hub) -> tuple[int, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(hub.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "somebody",  # who has a name may push
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = subprocess.run(["git", "http-backend"], env=environ, input=sent, capture_output=True, check=True).stdout
        head, _, body = told.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return int(headers.pop("Status", "200").split()[0]), headers, body

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
