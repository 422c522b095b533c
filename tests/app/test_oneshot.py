"""What `prober run` does as a whole: the lock, the store in whatever shape, real checks, real mail, signals."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.clock import SystemClock
from prober.adapters.store.db import open_store
from prober.app.asked import Options, Report
from prober.app.oneshot import Occupied, run_once
from prober.errors import ConfigError, StoreError
from tests.app.world import CHIEF, HERE, OPS, QUICK, World, channel, probe
from tests.fakes import MIN_MS
from tests.servers.smtp import SmtpServer, smtp_server_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GONE = "http://127.0.0.1:1/"


@pytest.fixture(scope="module")
def smtp() -> Iterator[SmtpServer]:
    with smtp_server_in_thread() as server:
        yield server


@pytest.fixture
def world(world: World, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(world.path.parent))
    smtp.mails.clear()
    to = channel(OPS, server="127.0.0.1", port=smtp.port, security="none")
    world.configure(probe(url=GONE, policy=QUICK), channels=(to,))
    return world


def once(world: World, *, is_alerting: bool = True, covers_all: bool = True, **options: Any) -> Report:
    done = attempt(world, is_alerting=is_alerting, covers_all=covers_all, **options)
    assert isinstance(done, Report)
    return done


def attempt(world: World, *, is_alerting: bool = True, covers_all: bool = True, **options: Any) -> Report | Occupied:
    return run_once(
        world.config,
        world.config.probes,
        path=world.path,
        options=Options(deadline_ms=0, place=HERE, is_alerting=is_alerting, covers_all=covers_all),
        **options,
    )


def subjects(smtp: SmtpServer) -> list[str]:
    return [
        line.decode().removeprefix("Subject: ")
        for mail in smtp.mails
        for line in mail.content.split(b"\r\n")
        if line.startswith(b"Subject: ")
    ]


def damage(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(2_000))


def test_a_run_checks_records_and_tells(world: World, smtp: SmtpServer) -> None:
    report = once(world)
    assert [(result.outcome, result.reason) for result in report.results] == [("failed", "refused")]
    assert (report.queued, report.accepted, report.undelivered, report.set_aside) == (1, 1, 0, None)
    assert subjects(smtp) == ["[DOWN P1] api: refused (inc 1)"]
    assert not world.path.with_name("prober.db.lock").read_bytes()


def test_with_due_only_those_are_checked_whose_interval_has_passed(world: World) -> None:
    assert len(once(world, only_due=True, covers_all=False).results) == 1
    assert once(world, only_due=True, covers_all=False).results == []


def test_a_store_of_other_probes_is_refused_until_it_is_adopted(world: World, smtp: SmtpServer) -> None:
    once(world)
    world.configure(probe("other", url=GONE))
    with pytest.raises(ConfigError, match="--adopt"):
        once(world)
    assert world.count("rounds") == 1
    once(world, adopt=True)
    assert [each.closed_as for each in world.incidents()] == ["removed"]
    assert subjects(smtp)[1:] == ["[REMOVED] api: refused (inc 1)"]


@contextmanager
def held(path: Path, *, since_ms: int, command: str = "run") -> Iterator[None]:
    """Hold the lock of a store, as another process does."""
    lock = path.with_name(f"{path.name}.lock")
    lock.write_text(json.dumps({"pid": 4711, "host": "web-2", "command": command, "since_ms": since_ms}))
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    ("command", "said"), [("run", "a round is already running"), ("serve", "the service is running")]
)
def test_a_second_run_says_who_is_at_work_and_checks_nothing(world: World, command: str, said: str) -> None:
    now_ms = SystemClock().now_ms()
    with held(world.path, since_ms=now_ms - 9 * MIN_MS, command=command):
        done = attempt(world)
    assert done == Occupied(message=f"{said} (process 4711 on web-2): nothing was checked")
    assert not world.path.exists()


def test_a_holder_that_has_done_nothing_for_long_is_reported(world: World) -> None:
    long_ago = SystemClock().now_ms() - 16 * MIN_MS
    with (
        held(world.path, since_ms=long_ago),
        pytest.raises(StoreError, match=r"held by process 4711 on web-2.* 16 min"),
    ):
        attempt(world)


def test_a_holder_that_recently_finished_a_round_is_trusted(world: World) -> None:
    once(world)
    with held(world.path, since_ms=0):
        assert isinstance(attempt(world), Occupied)


def test_patience_lasts_three_of_the_shortest_intervals_at_least_ten_minutes(world: World) -> None:
    world.configure(probe(url=GONE, interval_ms=MIN_MS), probe("rare", url=GONE, interval_ms=90 * MIN_MS))
    with held(world.path, since_ms=SystemClock().now_ms() - 11 * MIN_MS), pytest.raises(StoreError, match="11 min"):
        attempt(world)
    world.configure(probe(url=GONE, interval_ms=60 * MIN_MS))
    with held(world.path, since_ms=SystemClock().now_ms() - 170 * MIN_MS):
        assert isinstance(attempt(world), Occupied)


def test_a_holder_that_said_nothing_yet_is_another_process(world: World) -> None:
    once(world)
    with held(world.path, since_ms=0):
        world.path.with_name("prober.db.lock").write_text("")
        assert attempt(world) == Occupied(message="a round is already running (another process): nothing was checked")


@pytest.mark.parametrize("offset", [0, 4096 * 3], ids=["the file is no database", "a page is damaged"])
def test_a_corrupt_store_is_set_aside_and_told(world: World, smtp: SmtpServer, offset: int) -> None:
    once(world)
    with closing(sqlite3.connect(world.path)) as connection:
        pages = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'states'").fetchone()
    damage(world.path, offset and 4096 * (pages[0] - 1))
    broken = world.path.read_bytes()
    report = once(world)
    assert report.set_aside is not None
    (aside,) = world.path.parent.glob("prober.db.corrupt-*")
    assert (str(aside), aside.read_bytes()) == (report.set_aside, broken)
    assert subjects(smtp)[1:] == ["[PROBER] store set aside: history starts anew", "[DOWN P1] api: refused (inc 1)"]
    assert (report.accepted, world.count("rounds")) == (2, 1)
    assert once(world).set_aside is None


def test_a_corrupt_store_is_not_told_where_nobody_is_to_be_told(world: World, smtp: SmtpServer) -> None:
    world.path.write_bytes(b"no database at all" * 500)
    assert once(world, is_alerting=False).set_aside is not None
    assert (world.rows(), smtp.mails) == ([], [])


def test_a_store_made_by_a_newer_version_is_not_touched(world: World) -> None:
    with closing(open_store(world.path, now_ms=0)) as store:
        store.write("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999', '')")
    before = world.path.read_bytes()
    report = once(world)
    assert "newer version" in (report.fault or "")
    assert (len(report.results), report.accepted) == (1, 1)
    assert world.path.read_bytes() == before
    assert list(world.path.parent.glob("*.corrupt-*")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_and_what_was_recorded_is_kept(
    tmp_path: Path, smtp: SmtpServer, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        port = hanging.getsockname()[1]
        (tmp_path / "probes.toml").write_text(
            f"""
            [defaults]
            failures = 1
            recheck = "1s"
            [probe.gone]
            url = "{GONE}"
            [probe.hanging]
            url = "http://127.0.0.1:{port}/"
            timeout = "40s"
            interval = "1m"
            [alert.email]
            to = ["{CHIEF}"]
            from = "prober@acme.example"
            server = "127.0.0.1"
            port = {smtp.port}
            security = "none"
            """
        )
        run = [sys.executable, "-m", "prober", "-c", str(tmp_path / "probes.toml"), "run"]
        assert subprocess.run([*run, "gone"], capture_output=True, check=False).returncode == 0
        with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            hanging.settimeout(30)
            client, _ = hanging.accept()
            process.send_signal(number)
            _, said = process.communicate(timeout=20)
            client.close()
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    kept = World(tmp_path / "prober.db")
    assert [(each.probe_id, each.closed_as) for each in kept.incidents()] == [("gone", None)]
    assert kept.count("rounds") == 1
    assert [row.state for row in kept.rows()] == ["sent"]
