"""A branch that holds one commit, and never more than one: the newest state.

Each state is a commit without a parent, so the branch is as large after a year as on its first day. Nobody overwrites a
state that they have not seen: a push names the commit that it replaces, and the server refuses it when the branch is at
another one. The objects of a fetch lie in a repository that the next fetch replaces, and those of a push in one that
goes with it, so nothing grows here either, however long a process stays.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import anyio

from prober.adapters.git.process import environment, run
from prober.adapters.git.remote import remote_of
from prober.adapters.git.trouble import Rejected, is_overtaken, is_without_branch, shown, trouble
from prober.core.text import clean
from prober.errors import GitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prober.adapters.git.process import Ended

_FETCHED: Final = "refs/prober/state"
_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the branch holds: a commit and its top-level files by name; None and no files where there is no branch."""

    commit: str | None
    files: Mapping[str, bytes]


class StateBranch:
    """A branch of a remote repository, given by url or absolute path.

    ``folder`` is private to this object. ``token`` is shown to ``server`` alone. Each operation ends within
    ``timeout_s`` or raises GitError, as it does for whatever git cannot do; then a push may have arrived all the same.
    """

    def __init__(
        self,
        *,
        remote: str,
        branch: str,
        folder: Path,
        token: str | None = None,
        server: str = "https://github.com",
        timeout_s: float = 30.0,
    ) -> None:
        self._remote = remote_of(remote, token=token, server=server)
        self._branch = branch
        self._folder = folder.absolute()
        self._timeout_s = timeout_s

    async def fetch(self) -> Snapshot:
        """Return the newest state; there is none on a branch, or in a repository, that nobody has pushed to."""
        doing = f"fetch {self._branch} from {self._remote.url}"
        with self._deadline(doing):
            ref = await self._ref_of(self._branch)
            shutil.rmtree(self._fetched, ignore_errors=True)
            await self._new(self._fetched)
            options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head")
            ended = await self._run(self._fetched, "fetch", *options, "--", self._remote.url, f"{ref}:{_FETCHED}")
            if ended.code and is_without_branch(ended.said):
                return Snapshot(commit=None, files={})
            if ended.code:
                raise trouble(doing, ended.said, secrets=self._remote.secrets)
            commit = await self._git(self._fetched, "rev-parse", "--verify", _FETCHED)
            return Snapshot(commit=commit.decode().strip(), files=await self._files())

    async def push(self, files: Mapping[str, bytes], *, expected: str | None, at_ms: int, subject: str) -> str:
        """Replace the commit ``expected`` (None: no branch) by one of these files alone, and return that.

        The same files, time (in whole seconds) and subject make the same commit. Raises Rejected when the branch is at
        another commit than the one expected.
        """
        with self._deadline(f"push {self._branch} to {self._remote.url}"), self._scratch() as scratch:
            await self._new(scratch)
            commit = await self._commit(scratch, files, at_ms=at_ms, subject=subject)
            await self._push(scratch, commit, self._branch, expected=expected)
            return commit

    async def keep_aside(self, commit: str, branch: str) -> None:
        """Push a commit that the last fetch brought under another name; raise Rejected when another has that name."""
        with self._deadline(f"push {branch} to {self._remote.url}"):
            await self._push(self._fetched, commit, branch, expected=None)

    async def _push(self, repository: Path, commit: str, branch: str, *, expected: str | None) -> None:
        ref = await self._ref_of(branch)
        lease = f"--force-with-lease={ref}:{expected or ''}"
        ended = await self._run(repository, "push", "--porcelain", lease, "--", self._remote.url, f"{commit}:{ref}")
        if not ended.code:
            return
        lines = ended.printed.decode(errors="replace").splitlines()
        refusal = " ".join(line.rpartition("\t")[2] for line in lines if line.startswith("!"))
        if is_overtaken(refusal, ended.said):
            where = shown(f"{branch} of {self._remote.url}", self._remote.secrets)
            raise Rejected(f"{where}: somebody else pushed meanwhile; run this again")
        said = f"{refusal}\n{ended.said}"
        raise trouble(f"push {branch} to {self._remote.url}", said, secrets=self._remote.secrets)

    async def _commit(self, repository: Path, files: Mapping[str, bytes], *, at_ms: int, subject: str) -> str:
        entries = []
        for name, content in sorted(files.items()):
            blob = await self._git(repository, "hash-object", "-w", "--stdin", content=content)
            entries.append(f"100644 blob {blob.decode().strip()}\t{name}\0".encode())
        tree = await self._git(repository, "mktree", "-z", content=b"".join(entries))
        date = f"@{at_ms // _MS} +0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        message = clean(subject).encode() + b"\n"
        commit = await self._git(repository, "commit-tree", tree.decode().strip(), content=message, **dates)
        return commit.decode().strip()

    async def _files(self) -> dict[str, bytes]:
        listed = await self._git(self._fetched, "ls-tree", "-z", _FETCHED)
        entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
        blobs = {
            name.decode(errors="replace"): about.split()[2] for about, name in entries if about.split()[1] == b"blob"
        }
        printed = await self._git(
            self._fetched, "cat-file", "--batch", content=b"".join(blob + b"\n" for blob in blobs.values())
        )
        return dict(zip(blobs, _contents(printed), strict=True))

    async def _ref_of(self, branch: str) -> str:
        ref = f"refs/heads/{branch}"
        is_plain = branch.isprintable() and not branch.startswith("-") and branch != "HEAD"
        if not is_plain or (await run(("check-ref-format", ref), env=environment())).code:
            raise UsageError(f"{clean(branch)!r}: not a name for a branch; use one such as prober-state")
        return ref

    @property
    def _fetched(self) -> Path:
        return self._folder / "fetched.git"

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        _make_private(self._folder)
        # What git was killed in may still move for a moment: that must not take the place of why it was.
        with TemporaryDirectory(prefix="push-", dir=self._folder, ignore_cleanup_errors=True) as scratch:
            yield self._folder / scratch

    async def _new(self, repository: Path) -> None:
        _make_private(repository)
        await self._git(repository, "init", "--quiet", "--bare", "--template=")

    async def _git(self, repository: Path, *arguments: str, content: bytes = b"", **variables: str) -> bytes:
        """Run git without what opens the remote, and return what it printed."""
        ended = await run((f"--git-dir={repository}", *arguments), env=environment() | variables, content=content)
        if ended.code:
            raise trouble(f"git {arguments[0]} in {repository}", ended.said, secrets=self._remote.secrets)
        return ended.printed

    async def _run(self, repository: Path, *arguments: str) -> Ended:
        """Run git with what opens the remote."""
        return await run((f"--git-dir={repository}", *arguments), env=environment(self._remote.settings))

    @contextmanager
    def _deadline(self, doing: str) -> Iterator[None]:
        try:
            with anyio.fail_after(self._timeout_s):
                yield
        except TimeoutError as error:
            raise trouble(doing, f"timed out after {self._timeout_s:g} s", secrets=self._remote.secrets) from error
        except OSError as error:
            where = error.filename or self._folder
            raise GitError(
                f"{where}: {error.strerror}; check that there is room and that this user may write"
            ) from error


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _contents(printed: bytes) -> Iterator[bytes]:
    """Yield what ``git cat-file --batch`` printed after each of its lines ``<id> <type> <size>``."""
    start = 0
    while start < len(printed):
        head_end = printed.index(b"\n", start)
        size = int(printed[start:head_end].split()[2])
        yield printed[head_end + 1 : head_end + 1 + size]
        start = head_end + size + 2
