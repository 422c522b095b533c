"""Git as a program: which surroundings it gets, and that it ends when we stop waiting for it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from prober.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anyio.abc import ByteReceiveStream, Process

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_INHERITED: Final = (
    *("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *_PROXIES,
    *map(str.upper, _PROXIES),
)
_FIXED: Final = {
    "LC_ALL": "C",  # what it says is read by us
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    "GIT_AUTHOR_NAME": "prober",
    "GIT_AUTHOR_EMAIL": "prober@invalid",
    "GIT_COMMITTER_NAME": "prober",
    "GIT_COMMITTER_EMAIL": "prober@invalid",
}
_SETTINGS: Final = (("gc.auto", "0"), ("maintenance.auto", "false"), ("core.hooksPath", os.devnull))
_OWNER_ONLY: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a git process ended: its exit code, what it printed, and what it said on stderr."""

    code: int
    printed: bytes
    said: str


def environment(settings: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Return all that git gets to see: no configuration but ours and ``settings``, and none of our own secrets."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    ssh = {"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")}
    config = {"GIT_CONFIG_COUNT": "0"}
    for n, (key, value) in enumerate((*_SETTINGS, *settings)):
        config |= {"GIT_CONFIG_COUNT": str(n + 1), f"GIT_CONFIG_KEY_{n}": key, f"GIT_CONFIG_VALUE_{n}": value}
    return inherited | ssh | _FIXED | config


async def run(arguments: Sequence[str], *, env: Mapping[str, str], content: bytes = b"") -> Ended:
    """Run git to its end with ``content`` on its stdin.

    It runs in a session of its own: Ctrl-C is ours to answer, and who gives up waiting ends git with all that it
    started. Raises GitError where there is no git.
    """
    try:
        # Shielded, and over at once: whoever gave up in here would leave behind what git has started by then.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                ["git", *arguments],
                stdin=subprocess.PIPE if content else subprocess.DEVNULL,
                cwd="/",
                env=env,
                start_new_session=True,
                umask=_OWNER_ONLY,
            )
    except OSError as error:
        raise not_started(error) from error
    async with process:
        try:
            return await _converse(process, content)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def not_started(error: OSError) -> GitError:
    """Return the error of a machine on which git could not be started."""
    return GitError(f"git: {error.strerror}; install git 2.32 or newer, on the PATH of this process")


async def _converse(process: Process, content: bytes) -> Ended:
    printed, said = bytearray(), bytearray()

    async def drain(stream: ByteReceiveStream | None, into: bytearray) -> None:
        if stream is not None:
            async for chunk in stream:
                into += chunk

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drain, process.stdout, printed)
        tasks.start_soon(drain, process.stderr, said)
        if process.stdin is not None:
            with suppress(anyio.BrokenResourceError):  # its exit code tells why it would not listen
                await process.stdin.send(content)
            await process.stdin.aclose()
    return Ended(code=await process.wait(), printed=bytes(printed), said=said.decode(errors="replace"))
