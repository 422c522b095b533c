"""What a branch of one commit promises, in real repositories."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.git import GitError, Rejected, Snapshot
from prober.errors import UsageError
from tests.adapters.git.repositories import bare, commit_by_hand, git
from tests.fakes import T0

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.git import StateBranch
    from tests.adapters.git.conftest import NewBranch

pytestmark = pytest.mark.anyio
FILES = {"prober.db": bytes(range(256)) * 40, "README.md": b"# State\n", "empty": b"", "a name \N{SNOWMAN}": b"\n\n"}


async def save(branch: StateBranch, text: str, expected: str | None) -> str:
    return await branch.push({"file": text.encode()}, expected=expected, at_ms=T0, subject="State")


def head(remote: Path, branch: str = "prober-state") -> str:
    return git(remote, "rev-parse", "--verify", branch)


async def test_a_repository_that_nobody_has_pushed_to_has_no_state(new_branch: NewBranch) -> None:
    assert await new_branch().fetch() == Snapshot(commit=None, files={})


async def test_a_missing_branch_is_no_state_whatever_else_is_there(remote: Path, new_branch: NewBranch) -> None:
    commit_by_hand(remote, "main")
    commit_by_hand(remote, "prober-state-corrupt-1")
    assert await new_branch().fetch() == Snapshot(commit=None, files={})


async def test_what_was_pushed_is_fetched_to_the_byte(new_branch: NewBranch) -> None:
    commit = await new_branch().push(FILES, expected=None, at_ms=T0, subject="State")
    assert await new_branch().fetch() == Snapshot(commit=commit, files=FILES)


@pytest.mark.parametrize("files", [{}, {"empty": b""}])
async def test_a_state_may_hold_nothing(new_branch: NewBranch, files: dict[str, bytes]) -> None:
    commit = await new_branch().push(files, expected=None, at_ms=T0, subject="State")
    assert await new_branch().fetch() == Snapshot(commit=commit, files=files)


async def test_only_the_files_at_the_top_of_the_newest_commit_are_fetched(remote: Path, new_branch: NewBranch) -> None:
    commit = commit_by_hand(remote, "prober-state", parents=3)
    assert await new_branch().fetch() == Snapshot(commit=commit, files={"file": b"by hand"})


async def test_the_branch_holds_one_commit_however_often_it_is_pushed(remote: Path, new_branch: NewBranch) -> None:
    branch, commit = new_branch(), None
    for n in range(4):
        commit = await save(branch, f"state {n}", commit)
    assert git(remote, "rev-list", "--parents", "prober-state") == commit
    assert (await branch.fetch()).files == {"file": b"state 3"}


async def test_a_commit_says_by_whom_and_when_and_in_one_line_why(remote: Path, new_branch: NewBranch) -> None:
    await new_branch().push(FILES, expected=None, at_ms=T0 + 999, subject="State after run 7\n\nForged-By: x")
    made = git(remote, "cat-file", "commit", "prober-state").splitlines()
    who = f"prober <prober@invalid> {T0 // 1000} +0000"
    assert made[1:] == [f"author {who}", f"committer {who}", "", "State after run 7 Forged-By: x"]


async def test_the_same_state_is_the_same_commit_on_any_machine(
    tmp_path: Path, new_branch: NewBranch, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await new_branch().push(FILES, expected=None, at_ms=T0, subject="State")
    (tmp_path / ".gitconfig").write_text(
        "[user]\n name = me\n[commit]\n gpgSign = true\n[core]\n autocrlf = true\n[i18n]\n commitEncoding = latin1\n"
    )
    for name, value in (("HOME", str(tmp_path)), ("TZ", "Asia/Tokyo"), ("GIT_AUTHOR_NAME", "me"), ("LANG", "de_DE")):
        monkeypatch.setenv(name, value)
    elsewhere = new_branch(remote=str(bare(tmp_path / "other.git")))
    assert await elsewhere.push(dict(reversed(FILES.items())), expected=None, at_ms=T0, subject="State") == here
    assert await elsewhere.push(FILES, expected=here, at_ms=T0 + 1000, subject="State") != here


async def test_a_push_over_a_state_that_was_not_seen_is_rejected(remote: Path, new_branch: NewBranch) -> None:
    mine, theirs = new_branch(), new_branch()
    seen = await save(mine, "seen by both", None)
    newest = await save(theirs, "theirs", seen)
    for expected in (seen, None):
        with pytest.raises(Rejected, match=r"prober-state of .*: somebody else pushed meanwhile"):
            await save(mine, "mine", expected)
    assert head(remote) == newest


async def test_a_push_over_a_branch_that_was_deleted_is_rejected(remote: Path, new_branch: NewBranch) -> None:
    branch = new_branch()
    seen = await save(branch, "seen", None)
    git(remote, "update-ref", "-d", "refs/heads/prober-state")
    with pytest.raises(Rejected):
        await save(branch, "mine", seen)
    assert await save(branch, "mine", None) == head(remote)


async def test_a_push_whose_answer_was_lost_can_be_repeated(remote: Path, new_branch: NewBranch) -> None:
    branch = new_branch()
    seen = await save(branch, "seen", None)
    pushed = await save(branch, "new", seen)
    assert await save(branch, "new", seen) == pushed == head(remote)


@pytest.mark.parametrize("parents", [0, 2])
async def test_what_cannot_be_read_is_kept_under_another_name(
    remote: Path, new_branch: NewBranch, parents: int
) -> None:
    branch = new_branch()
    commit = commit_by_hand(remote, "prober-state", parents=parents)
    await branch.fetch()
    await branch.keep_aside(commit, "prober-state-corrupt-7.1")
    await branch.keep_aside(commit, "prober-state-corrupt-7.1")
    assert head(remote, "prober-state-corrupt-7.1") == head(remote) == commit


async def test_a_name_that_keeps_something_else_is_not_overwritten(remote: Path, new_branch: NewBranch) -> None:
    kept = commit_by_hand(remote, "aside", parents=1)
    commit = commit_by_hand(remote, "prober-state")
    branch = new_branch()
    await branch.fetch()
    with pytest.raises(Rejected):
        await branch.keep_aside(commit, "aside")
    assert head(remote, "aside") == kept


async def test_six_who_push_at_once_lose_nothing(remote: Path, new_branch: NewBranch) -> None:
    rejections = 0

    async def push_often(me: int) -> None:
        nonlocal rejections
        branch, left = new_branch(), [f"{me}-{n}" for n in range(2)]
        while left:
            state = await branch.fetch()
            try:
                files = {**state.files, left[0]: b"kept"}
                await branch.push(files, expected=state.commit, at_ms=T0, subject="State")
            except Rejected:
                rejections += 1
            else:
                left.pop(0)

    async with anyio.create_task_group() as tasks:
        for me in range(6):
            tasks.start_soon(push_often, me)
    assert (await new_branch().fetch()).files == {f"{me}-{n}": b"kept" for me in range(6) for n in range(2)}
    assert git(remote, "rev-list", "--count", "prober-state") == "1"
    assert git(remote, "fsck", "--strict", "--no-dangling") == ""
    assert rejections > 0


async def test_nothing_grows_however_long_a_process_stays(tmp_path: Path, new_branch: NewBranch) -> None:
    folder, sizes, commit = tmp_path / "mine", [], None
    branch = new_branch(folder=folder)
    for n in range(6):
        noise = os.urandom(100_000)
        commit = await branch.push({"prober.db": noise}, expected=commit, at_ms=T0 + n * 300_000, subject="State")
        assert (await branch.fetch()).files == {"prober.db": noise}
        sizes.append(sum(path.stat().st_size for path in folder.rglob("*")))
    assert 100_000 < max(sizes) < min(sizes) * 1.1


async def test_nobody_else_on_the_machine_can_read_what_lies_here(tmp_path: Path, new_branch: NewBranch) -> None:
    branch = new_branch(folder=tmp_path / "mine")
    before = os.umask(0)
    try:
        await save(branch, "state", None)
        await branch.fetch()
    finally:
        os.umask(before)
    made = list((tmp_path / "mine").rglob("*"))
    assert len(made) > 5
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


async def test_the_checkout_and_its_index_are_left_alone(
    tmp_path: Path, remote: Path, new_branch: NewBranch, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", str(remote), str(checkout))
    hook = checkout / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'hooked'}\n")
    hook.chmod(0o755)
    (checkout / "staged").write_text("by hand")
    git(checkout, "add", "staged")
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(checkout / ".git" / "index"))
    branch = new_branch()
    await save(branch, "state", None)
    await branch.fetch()
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "hooked").exists()


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--force", "HEAD", "a b", "a..b", "a.lock", "/a", "a/", "a:b", "a\nb", "a\0b", "@{-1}", "\ud800", "*"],
)
async def test_a_name_that_is_none_is_refused(remote: Path, new_branch: NewBranch, name: str) -> None:
    commit = commit_by_hand(remote, "prober-state")
    unnamed, branch = new_branch(branch=name), new_branch()
    await branch.fetch()
    for operation in (unnamed.fetch(), save(unnamed, "state", None), branch.keep_aside(commit, name)):
        with pytest.raises(UsageError, match="not a name for a branch; use one such as"):
            await operation
    assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/heads/prober-state"


async def test_a_branch_below_another_is_no_race(remote: Path, new_branch: NewBranch) -> None:
    commit_by_hand(remote, "prober-state/old")
    with pytest.raises(GitError, match="choose another branch") as caught:
        await save(new_branch(), "state", None)
    assert not isinstance(caught.value, Rejected)


async def test_a_rule_of_the_repository_that_refuses_is_told_with_its_words(
    remote: Path, new_branch: NewBranch
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho 'no robots here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match=r"push prober-state to .*no robots here.*; let the rules of the rep") as caught:
        await save(new_branch(), "state", None)
    assert not isinstance(caught.value, Rejected)
    assert "\n" not in str(caught.value)


async def test_a_repository_that_is_not_there_is_told(tmp_path: Path, new_branch: NewBranch) -> None:
    branch = new_branch(remote=str(tmp_path / "none.git"))
    with pytest.raises(GitError, match=r"fetch prober-state from .*/none\.git: .*; check the remote; a private") as one:
        await branch.fetch()
    with pytest.raises(GitError, match=r"push prober-state to .*/none\.git: .*; check the remote; a private"):
        await save(branch, "state", None)
    assert one.value.exit_code == 5


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, new_branch: NewBranch) -> None:
    (tmp_path / "file").write_text("")
    branch = new_branch(folder=tmp_path / "file" / "folder")
    for operation in (branch.fetch(), save(branch, "state", None)):
        with pytest.raises(GitError, match="Not a directory; check that there is room"):
            await operation


async def test_a_fault_of_git_on_this_machine_is_told(new_branch: NewBranch) -> None:
    with pytest.raises(GitError, match=r"git mktree in .*: .*; check the remote and its branch"):
        await new_branch().push({"not/a/name": b""}, expected=None, at_ms=T0, subject="State")
