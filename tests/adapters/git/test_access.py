"""What opens a repository: it gets there, and it gets nowhere else."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.git import GitError, Rejected, Snapshot
from prober.adapters.git.remote import remote_of
from prober.errors import UsageError
from tests.adapters.git.repositories import Hub, basic, commands_with, commit_by_hand, git, served
from tests.fakes import T0

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prober.adapters.git import StateBranch
    from tests.adapters.git.conftest import NewBranch

pytestmark = pytest.mark.anyio
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
HEADER = basic(f"x-access-token:{TOKEN}")
FORMS = (TOKEN, HEADER.removeprefix("basic "))


@pytest.fixture
def hub(remote: Path) -> Iterator[Hub]:
    with served(remote.parent, wants=HEADER) as hub:
        yield hub


def branch_at(hub: Hub, new_branch: NewBranch, *, token: str | None = TOKEN, server: str | None = None) -> StateBranch:
    return new_branch(remote=f"{hub.url}/watch.git", token=token, server=server or hub.url)


async def push(branch: StateBranch, expected: str | None = None, content: bytes = b"state") -> str:
    return await branch.push({"file": content}, expected=expected, at_ms=T0, subject="State")


async def test_the_token_opens_a_repository_to_read_and_write(hub: Hub, new_branch: NewBranch) -> None:
    branch = branch_at(hub, new_branch, token=f"{TOKEN}\n")
    assert (await branch.fetch()).commit is None
    commit = await push(branch)
    assert await branch.fetch() == Snapshot(commit=commit, files={"file": b"state"})
    with pytest.raises(Rejected):
        await push(branch, None, b"mine")
    assert hub.shown_credentials == {HEADER}


async def test_a_commit_with_parents_is_kept_aside_over_http_too(hub: Hub, remote: Path, new_branch: NewBranch) -> None:
    commit = commit_by_hand(remote, "prober-state", parents=2)
    branch = branch_at(hub, new_branch)
    await branch.fetch()
    await branch.keep_aside(commit, "aside")
    assert git(remote, "rev-parse", "aside") == commit


@pytest.mark.parametrize("token", [None, "", "ghs_wrong"])
async def test_a_token_that_opens_nothing_is_told(hub: Hub, new_branch: NewBranch, token: str | None) -> None:
    branch = branch_at(hub, new_branch, token=token)
    for operation in (branch.fetch(), push(branch)):
        with pytest.raises(GitError, match="set GITHUB_TOKEN to a token that may read and write") as caught:
            await operation
        assert "ghs_wrong" not in str(caught.value)


async def test_the_token_is_shown_to_its_own_server_alone(hub: Hub, new_branch: NewBranch) -> None:
    hub.wants = None
    await branch_at(hub, new_branch, server="https://github.com").fetch()
    assert hub.shown_credentials == {None}


async def test_credentials_in_a_url_are_used_and_never_shown(hub: Hub, new_branch: NewBranch) -> None:
    hub.wants = basic("somebody:p@ss word")
    url = hub.url.replace("://", "://somebody:p%40ss%20word@") + "/watch.git"
    branch = new_branch(remote=url, token=TOKEN, server=hub.url)
    commit = await push(branch)
    assert (await branch.fetch()).commit == commit
    hub.wants = "basic another"
    with pytest.raises(GitError) as caught:
        await branch.fetch()
    assert "p%40ss" not in str(caught.value)
    assert "p@ss" not in str(caught.value)
    assert f"{hub.url}/watch.git" in str(caught.value)
    assert hub.shown_credentials == {basic("somebody:p@ss word")}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (403, "give the job `permissions: contents: write`"),
        (404, "a private repository needs a token in GITHUB_TOKEN"),
        (301, "the repository has moved"),
        (429, "try again later"),
        (503, "try again later"),
    ],
)
async def test_each_refusal_says_what_to_do(hub: Hub, new_branch: NewBranch, status: int, advice: str) -> None:
    hub.refuse_with = (status, "")
    branch = branch_at(hub, new_branch)
    for operation in (branch.fetch(), push(branch)):
        with pytest.raises(GitError, match=advice) as caught:
            await operation
        assert not isinstance(caught.value, Rejected)


async def test_nobody_at_the_other_end_is_told(new_branch: NewBranch) -> None:
    with pytest.raises(GitError, match=r"Failed to connect.*; check the network and try again"):
        await new_branch(remote="http://127.0.0.1:1/watch.git").fetch()


@pytest.mark.parametrize("form", FORMS)
async def test_a_server_that_repeats_the_token_is_masked(hub: Hub, new_branch: NewBranch, form: str) -> None:
    hub.refuse_with = (403, f"denied to {form}\nsee https://me:{form}@hub.example/ or https://me:other@hub.example/")
    with pytest.raises(GitError, match="remote: denied to ") as caught:
        await branch_at(hub, new_branch).fetch()
    told = str(caught.value)
    assert "\n" not in told
    assert "me:other" not in told
    assert [each for each in (*FORMS, form[5:]) if each in told] == []


def record(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a git before the real one that writes down its arguments and its environment."""
    real = shutil.which("git")
    (folder / "log").mkdir(parents=True)
    wrapper = folder / "git"
    note = f'{folder}/log/$(printf %s "$*" | tr -c "a-z\\n-" _ | cut -c 1-80).$$'
    wrapper.write_text(f'#!/bin/sh\nn="{note}"\nprintf "%s\\n" "$@" >"$n.argv"\nenv >"$n.env"\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def holders(files: Sequence[Path]) -> set[Path]:
    return {path for path in files if any(form.encode() in path.read_bytes() for form in FORMS)}


async def test_the_token_is_in_no_argument_and_no_file_and_only_where_git_needs_it(
    tmp_path: Path, hub: Hub, new_branch: NewBranch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    record(tmp_path / "bin", monkeypatch)
    folder = tmp_path / "mine"
    branch = new_branch(remote=f"{hub.url}/watch.git", token=TOKEN, server=hub.url, folder=folder)
    commit = await push(branch)
    await branch.fetch()
    await branch.keep_aside(commit, "aside")
    logged = sorted((tmp_path / "bin" / "log").iterdir())
    arguments = [path for path in logged if path.suffix == ".argv"]
    assert len(arguments) > 10
    assert holders(arguments) == set()
    asking = {path.with_suffix(".env") for path in arguments if {"fetch", "push"} & set(path.read_text().splitlines())}
    assert len(asking) == 3
    assert holders(logged) == asking  # and so a look for the token does find it
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert holders(kept) == set()


async def test_no_process_that_git_starts_has_the_token_among_its_arguments(new_branch: NewBranch) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    url = f"http://127.0.0.1:{listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)}"
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(new_branch(remote=f"{url}/watch.git", token=TOKEN, server=url).fetch)
        with anyio.fail_after(10):
            while len(started := commands_with(url)) < 2:  # noqa: ASYNC110 - git, and the helper that it started
                await anyio.sleep(0.01)
        assert [commands_with(form) for form in FORMS] == [[], []]
        assert FORMS[1] in (await anyio.Path(f"/proc/{started[-1]}/environ").read_text())
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("url", "token", "bare_url", "setting"),
    [
        ("https://github.com/o/r", None, "https://github.com/o/r", None),
        ("https://github.com/o/r", "t", "https://github.com/o/r", ("https://hub", "x-access-token:t")),
        ("https://me@github.com/o/r", "t", "https://github.com/o/r", ("https://hub", "x-access-token:t")),
        ("https://pat@github.com:8443/o/r", None, "https://github.com:8443/o/r", ("https://github.com:8443", "pat:")),
        ("http://a:b%3Ac@[::1]:80/r?x", "t", "http://[::1]:80/r?x", ("http://[::1]:80", "a:b:c")),
        ("git@github.com:o/r.git", None, "git@github.com:o/r.git", None),
        ("ssh://git@github.com/o/r", None, "ssh://git@github.com/o/r", None),
        ("/srv/a@b.git", None, "/srv/a@b.git", None),
    ],
)
async def test_what_opens_a_url(url: str, token: str | None, bare_url: str, setting: tuple[str, str] | None) -> None:
    remote = remote_of(url, token=token, server="https://hub/")
    assert remote.url == bare_url
    if setting is None:
        assert (remote.settings, remote.secrets) == ((), ())
    else:
        server, credentials = setting
        assert remote.settings[0] == (f"http.{server}/.extraheader", f"AUTHORIZATION: {basic(credentials)}")


async def test_a_url_that_is_none_is_refused_without_its_credentials() -> None:
    with pytest.raises(UsageError, match="give the url of the repository") as caught:
        remote_of("https://me:secret@[bad/r", token=None, server="https://hub")
    assert "secret" not in str(caught.value)
