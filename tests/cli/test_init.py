from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import RunProber


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--defaults"],
        ["--url", "https://acme.example/health"],
        ["--url", "https://a.example", "--url", "http://b.example:8080/", "--email", "ops@acme.example"],
    ],
)
def test_what_it_writes_is_valid_at_once(folder: Path, prober: RunProber, arguments: list[str]) -> None:
    ran = prober("init", *arguments)
    assert (ran.code, ran.out, ran.err.splitlines()[0]) == (0, "", "wrote probes.toml. Try it: prober check")
    checked = prober("check", "--offline")
    assert checked.code == 0
    assert "connectivity is not configured" not in checked.out
    assert 'recheck  = "1m"' in (folder / "probes.toml").read_text()


def test_urls_and_address_are_those_given(prober: RunProber) -> None:
    prober("init", "--url", "https://a.example", "--url", "https://b.example", "--email", "ops@acme.example")
    shown = prober("config", "show").out
    assert 'url = "https://a.example"' in shown
    assert 'url = "https://b.example"' in shown
    assert 'alert.email.to = ["ops@acme.example"]' in shown


def test_it_makes_the_folder_and_says_how_to_go_on(folder: Path, prober: RunProber) -> None:
    ran = prober("init", "a/b")
    assert (folder / "a/b/probes.toml").exists()
    assert ran.err.splitlines()[0] == "wrote a/b/probes.toml. Try it: prober -c a/b/probes.toml check"
    assert prober("-c", "a/b/probes.toml", "check", "--offline").code == 0


@pytest.fixture
def _strict() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_strict")
def test_what_the_service_is_to_read_is_for_all_to_read_and_the_rest_as_the_umask_says(
    folder: Path, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.adapters.config.find.SYSTEM_FILE", folder / "etc/prober/probes.toml")
    (folder / "etc").mkdir()
    codes = [prober("init", where).code for where in ("etc/prober", "mine")]
    (folder / "etc/prober/probes.toml").chmod(0o600)
    codes.append(prober("init", "etc/prober", "--force").code)
    assert codes == [0, 0, 0]
    written = ("etc/prober", "etc/prober/probes.toml", "mine", "mine/probes.toml")
    modes = [stat.S_IMODE((folder / each).stat().st_mode) for each in written]
    assert modes == [0o755, 0o644, 0o700, 0o600]


def test_nothing_is_overwritten_without_force(folder: Path, prober: RunProber) -> None:
    path = folder / "probes.toml"
    path.write_text("mine")
    ran = prober("init")
    assert (ran.code, ran.err) == (2, "error: probes.toml exists. Edit it, or replace it with --force.\n")
    assert path.read_text() == "mine"
    assert prober("init", "--force").code == 0
    assert path.read_text() != "mine"


def test_a_link_that_leads_nowhere_is_a_file_too(folder: Path, prober: RunProber) -> None:
    (folder / "probes.toml").symlink_to("elsewhere.toml")
    assert prober("init").code == 2
    assert not (folder / "elsewhere.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "acme.example"], 'is not an http or https URL (write "https://...")'),
        (["--url", "https://me:hunter22@acme.example"], "credentials in a URL are refused"),
        (["--email", "Ops <ops@acme.example>"], 'is not a mail address (such as "ops@example.com"'),
        (["/dev/null/here"], "Name a folder that you may write to."),
        (["x" * 300], "Name a folder that you may write to."),
        (["file"], "file: File exists. Name a folder that you may write to."),
        (["circle"], "circle: File exists. Name a folder that you may write to."),
    ],
)
def test_what_cannot_be_written_exits_with_2_and_leaves_nothing(
    folder: Path, prober: RunProber, arguments: list[str], said: str
) -> None:
    (folder / "file").touch()
    (folder / "circle").symlink_to("circle")
    ran = prober("init", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "hunter22" not in ran.err
    assert not (folder / "probes.toml").exists()


def test_a_current_folder_that_is_gone_is_an_error_too(
    folder: Path, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    assert "No such file or directory. Name a folder that you may write to." in prober("init").err


def at_a_terminal(folder: Path, *arguments: str, answers: bytes) -> tuple[int, str]:
    """Run with a terminal for all three streams; return exit code and what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "prober", "init", *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.write(ours, answers)
        code = process.wait(timeout=20)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is gone
        pass
    os.close(ours)
    return code, shown.decode()


def test_a_person_is_asked_for_a_url_and_an_address_and_again_if_they_make_no_sense(folder: Path) -> None:
    code, shown = at_a_terminal(folder, answers=b"acme.example\nhttps://acme.example/\nops@acme.example\n")
    assert code == 0
    assert shown.count("URL to watch") == 2
    assert shown.count("Address that gets the alerts") == 1
    assert 'write "https://..."' in shown
    text = (folder / "probes.toml").read_text()
    assert 'url = "https://acme.example/"' in text
    assert 'to       = ["ops@acme.example"]' in text


def test_a_person_may_leave_both_open(folder: Path) -> None:
    code, shown = at_a_terminal(folder, answers=b"\n\n")
    assert code == 0
    assert shown.count("(empty: ") == 2
    assert 'url = "https://example.com/"' in (folder / "probes.toml").read_text()


def test_what_is_given_is_not_asked(folder: Path) -> None:
    code, shown = at_a_terminal(folder, "--defaults", answers=b"")
    assert code == 0
    assert "(empty: " not in shown


def test_ctrl_d_and_a_closed_stdin_leave_no_traceback(folder: Path, prober: RunProber) -> None:
    code, shown = at_a_terminal(folder, answers=b"\x04")
    assert code == 130
    assert "Traceback" not in shown
    assert not (folder / "probes.toml").exists()
    assert prober("init").code == 0


def test_in_a_repository_it_says_how_the_store_stays_out_of_it(prober: RunProber, folder: Path) -> None:
    hint = "The store will lie beside it. Keep it out of git: echo 'prober.db*' >> watch/.gitignore\n"
    assert hint in prober("init", "watch", "--defaults").err
    assert not (folder / "watch" / ".gitignore").exists()
    (folder / "watch" / ".gitignore").write_text("prober.db*\n")
    assert "git" not in prober("init", "watch", "--defaults", "--force").err
    (folder / ".git").rmdir()
    assert "git" not in prober("init", "other", "--defaults").err
