"""How git is run: what it gets to see, and that it never outlives our patience."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from prober.adapters.git import GitError, find_remote
from prober.adapters.git.process import environment, run
from tests.adapters.git.repositories import commands_with
from tests.fakes import T0

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adapters.git.conftest import NewBranch

pytestmark = pytest.mark.anyio


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the url of a server that takes connections and never says a word."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/watch.git"


async def ended(url: str) -> None:
    with anyio.fail_after(5):
        while commands_with(url):  # noqa: ASYNC110 - it is the kernel that ends them
            await anyio.sleep(0.01)


async def test_a_server_that_says_nothing_costs_no_more_than_the_deadline(silent: str, new_branch: NewBranch) -> None:
    branch = new_branch(remote=silent, timeout_s=0.5)
    for doing, operation in (
        ("fetch", branch.fetch()),
        ("push", branch.push({}, expected=None, at_ms=T0, subject="State")),
    ):
        with (
            anyio.fail_after(20),
            pytest.raises(GitError, match=rf"{doing} prober-state .*: timed out after 0\.5 s; check the network"),
        ):
            await operation
    await ended(silent)


async def test_who_stops_waiting_leaves_no_process_behind(silent: str, new_branch: NewBranch) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(new_branch(remote=silent).fetch)
        with anyio.fail_after(10):
            while len(commands_with(silent)) < 2:  # noqa: ASYNC110 - git, and the helper that it started
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    await ended(silent)


async def test_who_stops_waiting_while_git_is_being_started_leaves_no_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git, child = tmp_path / "git", f"3600.{os.getpid()}"
    git.write_text(f"#!/bin/sh\nsleep {child} &\nwait\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(run, ["fetch"], env=environment()))
        with anyio.fail_after(10):
            while not commands_with(str(git)):
                await anyio.lowlevel.checkpoint()
        until = time.monotonic() + 10
        while not commands_with(child):
            assert time.monotonic() < until
            time.sleep(0.01)  # noqa: ASYNC251 - the event loop is not to hear yet that git has started
        tasks.cancel_scope.cancel()
    await ended(child)


async def test_a_machine_without_git_is_told(
    tmp_path: Path, new_branch: NewBranch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git: No such file or directory; install git"):
        await new_branch().fetch()
    with pytest.raises(GitError, match="git: No such file or directory; install git"):
        find_remote(tmp_path, "origin")


async def test_git_sees_no_secret_and_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = {"SMTP_PASSWORD": "x", "GITHUB_TOKEN": "x", "GIT_TRACE_CURL": "1", "GIT_DIR": "x", "LC_MESSAGES": "de"}
    for name, value in {**strange, "HTTPS_PROXY": "http://proxy.example", "SSH_AUTH_SOCK": "/s"}.items():
        monkeypatch.setenv(name, value)
    seen = environment()
    assert seen.keys().isdisjoint(strange)
    assert (seen["HTTPS_PROXY"], seen["SSH_AUTH_SOCK"]) == ("http://proxy.example", "/s")
    assert (seen["GIT_TERMINAL_PROMPT"], seen["GIT_SSH_COMMAND"]) == ("0", "ssh -oBatchMode=yes")


async def test_settings_are_numbered_after_our_own() -> None:
    ended = await run(("config", "--list", "--show-scope"), env=environment([("a.b", "1"), ("a.c", "2 = 3")]))
    assert ended.printed.decode().splitlines() == [
        *("command\tgc.auto=0", "command\tmaintenance.auto=false", f"command\tcore.hookspath={os.devnull}"),
        *("command\ta.b=1", "command\ta.c=2 = 3"),
    ]


async def test_a_git_that_does_not_listen_is_heard_out(tmp_path: Path) -> None:
    wrapper = tmp_path / "git"
    wrapper.write_text(f"#!{sys.executable}\nimport os, sys\nos.close(0)\nsys.stderr.write('deaf')\nsys.exit(3)\n")
    wrapper.chmod(0o755)
    ended = await run(("x",), env={"PATH": str(tmp_path)}, content=b"x" * 10_000_000)
    assert (ended.code, ended.printed, ended.said) == (3, b"", "deaf")
