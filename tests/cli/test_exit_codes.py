"""The table of exit codes, each reached by a real command, and which of several wins."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from prober.app.asked import Report
from prober.cli.run import exit_code
from prober.cli.values import FailOn
from prober.core.model import ProbeState
from prober.errors import ConfigError, DeliveryError, ProberError, StoreError, UsageError
from tests.cli.process import shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

NOWHERE = "http://127.0.0.1:1/"
BAD: dict[int, dict[str, Any]] = {
    130: {"stopped_by": signal.SIGINT},
    5: {"set_aside": "prober.db.corrupt"},
    4: {"undelivered": 1},
    6: {"is_offline": True},
    1: {"states": {"api": ProbeState(down_since_ms=1)}},
}


@pytest.mark.parametrize("codes", [pair for count in range(len(BAD) + 1) for pair in combinations(BAD, count)])
def test_the_first_of_the_codes_that_apply_is_taken(codes: tuple[int, ...]) -> None:
    fields: dict[str, Any] = {name: value for code in codes for name, value in BAD[code].items()}
    assert exit_code(Report(**fields), ["api"], FailOn.DOWN) == (codes[0] if codes else 0)


def test_termination_is_143() -> None:
    assert exit_code(Report(stopped_by=signal.SIGTERM, undelivered=1), [], FailOn.NEVER) == 143


@pytest.mark.parametrize(
    ("fail_on", "state", "code"),
    [
        (FailOn.NEVER, ProbeState(down_since_ms=1), 0),
        (FailOn.DOWN, ProbeState(down_since_ms=1), 1),
        (FailOn.DOWN, ProbeState(slow_since_ms=1), 0),
        (FailOn.SLOW, ProbeState(slow_since_ms=1), 1),
        (FailOn.SLOW, ProbeState(down_since_ms=1), 1),
        (FailOn.SLOW, ProbeState(was_good=True), 0),
    ],
)
def test_fail_on_looks_at_the_probes_that_were_asked_for(fail_on: FailOn, state: ProbeState, code: int) -> None:
    report = Report(states={"api": state})
    assert exit_code(report, ["api"], fail_on) == code
    assert exit_code(report, ["other"], fail_on) == 0


@pytest.mark.parametrize(
    ("error", "code"), [(ProberError, 1), (UsageError, 2), (ConfigError, 3), (DeliveryError, 4), (StoreError, 5)]
)
def test_every_error_of_ours_carries_its_code(error: type[ProberError], code: int) -> None:
    assert error.exit_code == code


def test_a_target_that_is_down_is_no_failure_of_ours(configure: Configure, prober: RunProber) -> None:
    configure(url=NOWHERE, probe="failures = 1")
    assert [prober(command).code for command in ("run", "status")] == [0, 0]


def test_an_invalid_configuration_is_3_for_every_command(folder: Path, prober: RunProber) -> None:
    (folder / "probes.toml").write_text("[probe.api]\n")
    commands = "check", "run", "status", "incidents list", "alerts list", "test-alert", "config show", "alerts drop 1"
    assert {command: prober(*command.split()).code for command in commands} == dict.fromkeys(commands, 3)


def test_a_missing_secret_is_3_and_named(configure: Configure, prober: RunProber) -> None:
    configure(probe='headers = { X-Key = "${NO_SUCH_KEY}" }')
    ran = prober("run")
    assert ran.code == 3
    assert "NO_SUCH_KEY" in ran.err


def test_3_comes_before_5(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure(probe="timeot = 1")
    (folder / "prober.db").write_text("corrupt")
    assert prober("run").code == 3


def test_an_alert_that_was_not_handed_over_is_4_and_comes_before_fail_on(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    web.break_down()
    assert prober("run", "--fail-on", "down").code == 4
    assert prober("status", "--fail-on", "down").code == 1


def test_offline_is_6_and_nothing_is_judged(configure: Configure, prober: RunProber) -> None:
    configure(f'[connectivity]\nurls = ["{NOWHERE}"]', url=NOWHERE, probe="failures = 1")
    ran = prober("run", "--fail-on", "slow")
    assert ran.code == 6
    assert "? unknown" in ran.out
    assert prober("incidents", "list").out == "no incidents\n"


@pytest.mark.parametrize("command", ["status", "incidents list", "incidents show 1", "alerts list"])
def test_a_store_of_a_newer_version_is_5_and_untouched(
    configure: Configure, prober: RunProber, folder: Path, web: Web, command: str
) -> None:
    configure()
    prober("run")
    web.requests.clear()
    with closing(sqlite3.connect(folder / "prober.db", isolation_level=None)) as store:
        store.execute("UPDATE _sqlite_migrations SET name = 'm999_future' WHERE name = 'm001_initial'")
        before = list(store.iterdump())
    ran = prober(*command.split())
    assert (ran.code, ran.out) == (5, "")
    assert "made by a newer version of prober" in ran.err
    with closing(sqlite3.connect(folder / "prober.db")) as store:
        assert list(store.iterdump()) == before
    assert web.requests == []


@pytest.mark.parametrize("command", ["status", "incidents list", "alerts list", "alerts drop 1"])
def test_a_store_that_cannot_be_read_is_5(configure: Configure, prober: RunProber, folder: Path, command: str) -> None:
    configure()
    (folder / "prober.db").write_text("no database at all, but long enough to be looked at" * 100)
    ran = prober(*command.split())
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith(f"error: {folder / 'prober.db'}: ")


def test_a_folder_that_does_not_exist_is_5_and_checks_go_on(
    configure: Configure, prober: RunProber, folder: Path, web: Web
) -> None:
    configure()
    ran = prober("run", "--db", "nowhere/prober.db")
    assert ran.code == 5
    assert f"the folder {folder / 'nowhere'} does not exist; create it, or name another file with --db" in ran.err
    assert "What was done is in it as soon as a run can write to it again" in ran.err
    assert len(web.requests) == 1
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    "command",
    [
        *("status", "incidents list", "incidents ack 1", "alerts list", "alerts drop 1"),
        *("db info", "db backup copy.db", "db prune", "db merge other.db"),
    ],
)
def test_a_folder_given_as_the_store_is_5_and_called_one(
    configure: Configure, prober: RunProber, folder: Path, command: str
) -> None:
    configure()
    prober("run", "--db", "other.db")
    (folder / "data").mkdir()
    ran = prober("--db", "data", *command.split())
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == "error: data: this is a folder; name a file, such as data/prober.db\n"


def test_a_folder_given_to_a_run_is_5_and_checks_go_on(
    configure: Configure, prober: RunProber, folder: Path, web: Web
) -> None:
    configure()
    (folder / "data").mkdir()
    ran = prober("run", "--db", "data")
    assert ran.code == 5
    assert "could not be written: data: this is a folder; name a file, such as data/prober.db.\n" in ran.err
    assert len(web.requests) == 1


def test_a_name_that_no_file_can_have_is_5(configure: Configure, prober: RunProber) -> None:
    configure()
    for command in ("status", "run"):
        assert prober("--db", "x" * 300, command).code == 5
    assert "stands in for it" in " ".join(prober("--db", "x" * 300, "status").out.split())


def test_what_the_run_came_to_comes_before_an_output_that_cannot_be_written(
    configure: Configure, folder: Path, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    for is_down, code in ((False, 1), (True, 4)):
        if is_down:
            web.break_down()
            smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
        ran = shell(folder, "prober run >/dev/full")
        assert ran.returncode == code
        assert "the output could not be written" in ran.stderr
