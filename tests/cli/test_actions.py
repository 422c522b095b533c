"""``prober actions`` as a job runs it, and as a person brings its history home."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.app.actions.world import BRANCH, git, make_remote
from tests.cli.process import PLAIN, started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

NAMED = 'headers = { Authorization = "Bearer ${READY_TOKEN}" }'


@pytest.fixture
def remote(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PROBER_STATE_KEY", "a secret of this repository")
    return str(make_remote(folder))


def test_an_outage_is_mailed_by_the_run_that_finds_it_and_the_runner_is_shown_it(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure.with_mail(smtp, probe='recheck = "1s"\nfailures = 2')
    summary = configure.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    web.break_down()
    ran = prober("actions", "run", "--remote", remote)
    assert ran.code == 0
    assert len(smtp.mails) == 1
    assert "api is DOWN" in ran.out
    assert any(line.startswith("::error title=api is down::") for line in ran.out.splitlines())
    assert "| `api` | 🔴 down |" in summary.read_text()


def test_json_is_all_that_stdout_holds(configure: Configure, prober: RunProber, remote: str) -> None:
    configure()
    shown = json.loads(prober("actions", "run", "--remote", remote, "--json").out)
    assert [result["outcome"] for result in shown["results"]] == ["ok"]


def test_what_the_branch_holds_comes_home(configure: Configure, prober: RunProber, remote: str) -> None:
    configure(top='location = "there"')
    prober("actions", "run", "--remote", remote)
    configure(top='location = "here"')
    prober("run")
    fetched = prober("actions", "fetch", "--remote", remote)
    file = configure.folder / "prober-state.db"
    assert (fetched.code, file.stat().st_mode & 0o777) == (0, 0o600)
    assert json.loads(prober("db", "merge", "prober-state.db", "--json").out)["added"]["results"] == 1
    assert json.loads(prober("db", "merge", "prober-state.db", "--json").out)["added"]["results"] == 0
    assert json.loads(prober("actions", "fetch", "--remote", remote, "--json").out)["file"] == "prober-state.db"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("actions fetch", f"has no state on a branch {BRANCH} yet"),
        ("actions fetch -o .", ". is a folder. Name a file in it."),
        ("actions fetch -o nowhere/state.db", "there is no folder nowhere. Make it, or name another file."),
        ("--db prober.db actions run", "lies on a branch. Leave out --db."),
        ("actions run --branch a..b", "not a name for a branch"),
        ("actions run --deadline 50", '"50" is not a duration'),
        ("actions run --mode always", "'always' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said(
    configure: Configure, prober: RunProber, remote: str, line: str, said: str
) -> None:
    configure()
    where = [] if "--db" in line else ["--remote", remote]
    ran = prober(*line.split(), *where)
    assert ran.code == 2
    assert said in ran.err


def test_a_missing_secret_is_named_but_a_fork_is_only_not_configured(
    configure: Configure, prober: RunProber, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(probe=NAMED)
    ran = prober("actions", "run", "--remote", remote)
    assert (ran.code, "READY_TOKEN" in ran.err) == (3, True)
    (annotation,) = ran.out.splitlines()
    assert annotation.startswith("::error title=prober::")
    assert "READY_TOKEN" in annotation
    monkeypatch.setenv("PROBER_IS_FORK", "true")
    ran = prober("actions", "run", "--remote", remote)
    assert (ran.code, "not configured" in ran.err, "READY_TOKEN" in ran.err) == (0, True, True)
    assert ran.out == ""


def test_a_state_that_nobody_can_read_ends_the_run_with_5_and_is_kept(
    configure: Configure, prober: RunProber, remote: str, folder: Path
) -> None:
    configure()
    prober("actions", "run", "--remote", remote)
    bare = folder / "remote.git"
    blob = git(bare, "hash-object", "-w", "--stdin", content=b"no database").decode().strip()
    tree = git(bare, "mktree", content=f"100644 blob {blob}\tprober.db\n".encode()).decode().strip()
    made = git(bare, "-c", "user.name=x", "-c", "user.email=x", "commit-tree", tree, "-m", "other").decode().strip()
    git(bare, "update-ref", f"refs/heads/{BRANCH}", made)
    ran = prober("actions", "run", "--remote", remote)
    assert ran.code == 5
    assert f"it is kept as {BRANCH}-corrupt-" in ran.err


def test_without_a_channel_or_a_key_people_are_told_what_to_do(
    configure: Configure, prober: RunProber, smtp: SmtpServer, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    assert "nobody will be told" in prober("actions", "run", "--remote", remote).err
    monkeypatch.delenv("PROBER_STATE_KEY")
    configure.with_mail(smtp)
    ran = prober("actions", "run", "--remote", remote)
    (line,) = [line for line in (ran.out + ran.err).splitlines() if "PROBER_STATE_KEY" in line]
    assert line.startswith("::warning title=prober::")
    assert "Set the secret PROBER_STATE_KEY" in line
    ran = prober("actions", "run", "--remote", remote, "--json")
    assert "Set the secret PROBER_STATE_KEY" in ran.err
    assert json.loads(ran.out)["schema"] == 1


def test_what_everybody_can_read_has_no_address_and_no_word_of_a_mail_server(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    summary = configure.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    smtp.refused["ops@acme.example"] = "550 5.1.1 never heard of"
    web.break_down()
    ran = prober("actions", "run", "--remote", remote)
    assert ran.code == 4
    told = ran.out + ran.err + summary.read_text()
    assert "stay queued" in told
    assert "ops@acme.example" not in told
    assert "never heard of" not in told


def test_a_run_that_is_not_configured_says_so_on_its_page(
    configure: Configure, prober: RunProber, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = configure.folder / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    configure(probe=NAMED)
    assert prober("actions", "run", "--remote", remote).code == 3
    assert "Nothing was checked: the configuration cannot be used" in summary.read_text()
    assert "READY_TOKEN" in summary.read_text()
    monkeypatch.setenv("PROBER_IS_FORK", "true")
    assert prober("actions", "run", "--remote", remote).code == 0
    assert "Nothing was checked: not configured" in summary.read_text()


def test_a_run_that_is_ended_says_that_what_it_saw_is_saved(
    configure: Configure, web: Web, smtp: SmtpServer, remote: str
) -> None:
    configure.with_mail(smtp, probe='interval = "1m"')
    with started(configure.folder, "actions", "run", "--remote", remote, "--mode", "force", program=PLAIN) as process:
        deadline = time.monotonic() + 30
        while not web.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, "note: interrupted: what was seen until then is saved on the branch.\n")
