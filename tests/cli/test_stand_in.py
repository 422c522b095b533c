"""While something stands in for the store, every command tells and takes what is true now."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.clock import SystemClock
from prober.adapters.store.incidents import all_incidents
from prober.app.reading import change
from prober.cli.watch import Latest
from prober.core.report import StatusReport
from tests.fakes import T0

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer


@pytest.fixture
def stood_in(
    configure: Configure,
    prober: RunProber,
    web: Web,
    smtp: SmtpServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[sqlite3.Connection]:
    """One incident that the store knows, is over, and one that only the stand-in knows, with a mail that waits.

    As long as the connection is open, nobody else can write to the store.
    """
    for patience in ("books.PATIENCE_S", "books.OPEN_WITHIN_S", "run.PATIENCE_S"):
        monkeypatch.setattr(f"prober.app.{patience}", 0.1)
    for shared in ("TMPDIR", "XDG_STATE_HOME"):
        monkeypatch.setenv(shared, str(folder / "state"))
    monkeypatch.setattr("prober.app.elsewhere._SHARED", ())
    configure.with_mail(smtp, probe="failures = 1\nrecoveries = 1")
    web.break_down()
    prober("run")
    web.heal()
    prober("run")
    prober("run")
    web.break_down()
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    with closing(sqlite3.connect(folder / "prober.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert prober("run").code == 5
        yield other
    smtp.refused.clear()


@pytest.fixture(params=["locked", "gone"])
def standing(request: pytest.FixtureRequest, stood_in: sqlite3.Connection, folder: Path) -> str:
    """The store cannot be written, or it is not there at all."""
    if request.param == "gone":
        stood_in.close()
        (folder / "prober.db").rename(folder / "gone.db")
    return str(request.param)


def numbers(prober: RunProber) -> list[int]:
    return [each["number"] for each in json.loads(prober("incidents", "list", "--json").out)["incidents"]]


def test_the_status_is_that_of_the_stand_in_and_the_figures_are_of_the_store(standing: str, prober: RunProber) -> None:
    ran = prober("status")
    assert (ran.code, ran.err) == (0, "")
    assert "x down" in ran.out
    assert "#2 api down for" in ran.out
    assert "stands in" in " ".join(ran.out.split())
    shown = json.loads(prober("status", "--json").out)
    (probe,) = shown["probes"]
    assert (probe["state"], probe["open_incidents"], shown["undelivered_alerts"]) == ("down", [2], 1)
    assert [each["name"] for each in shown["notices"]] == ["store"]
    assert probe["windows"]["24h"]["checks"]["total"] == (3 if standing == "locked" else 2)
    assert prober("status", "--fail-on", "down").code == 1


def test_incidents_and_alerts_are_listed_with_what_only_the_stand_in_knows(standing: str, prober: RunProber) -> None:
    ran = prober("incidents", "list")
    assert "stands in for it" in ran.err
    assert numbers(prober) == ([2, 1] if standing == "locked" else [2])
    assert prober("incidents", "show", "2").code == 0
    assert prober("incidents", "show", "1").code == (0 if standing == "locked" else 2)
    assert prober("incidents", "show", "7").code == 2
    (alert,) = json.loads(prober("alerts", "list", "--json").out)["alerts"]
    assert (alert["kind"], alert["incident"], alert["attempts"]) == ("down", 2, 1)


@pytest.mark.usefixtures("standing")
def test_what_people_do_is_kept_by_the_stand_in_and_comes_home(
    prober: RunProber, folder: Path, stood_in: sqlite3.Connection
) -> None:
    ran = prober("incidents", "ack", "2", "--by", "ann", "--note", "on it")
    assert ran.code == 0
    assert "incident 2 (api) is acknowledged by ann" in ran.err
    assert "x open, acknowledged" in prober("incidents", "list").out
    assert prober("incidents", "note", "2", "more").code == 0
    assert prober("alerts", "drop", "3").code == 0
    assert prober("incidents", "false-positive", "2").code == 0
    stood_in.close()
    if (gone := folder / "gone.db").exists():
        gone.rename(folder / "prober.db")
    assert prober("run").code == 0
    shown = json.loads(prober("incidents", "show", "2", "--json").out)
    assert [note["action"] for note in shown["notes"]] == ["acknowledged", "noted", "false_positive"]
    assert [alert["state"] for alert in shown["alerts"]] == ["dropped"]
    assert numbers(prober) == [2, 1]
    assert json.loads(prober("status", "--json").out)["notices"] == []


@pytest.mark.usefixtures("standing")
def test_an_incident_of_the_stand_in_can_be_ended_by_a_person(prober: RunProber) -> None:
    assert prober("incidents", "resolve", "2").code == 0
    assert "+ resolved" in prober("incidents", "list").out


def test_what_only_the_store_knows_is_changed_there(stood_in: sqlite3.Connection, prober: RunProber) -> None:
    stood_in.execute("ROLLBACK")
    assert prober("incidents", "note", "1", "a router died").code == 0
    shown = json.loads(prober("incidents", "show", "1", "--json").out)
    assert [note["text"] for note in shown["notes"]] == ["a router died"]


def test_a_store_that_is_gone_is_wrong_for_the_doctor(standing: str, prober: RunProber, folder: Path) -> None:
    ran = prober("doctor", "--json")
    findings = [each for each in json.loads(ran.out)["findings"] if each["area"] == "store"]
    wrong = [each for each in findings if each["state"] == "wrong"]
    if standing == "gone":
        assert ran.code == 5
        assert f"{folder / 'prober.db'} (beside the configuration): gone" in wrong[0]["message"]
        assert "put it back" in wrong[0]["advice"]
    assert any("stands in for it" in each["message"] for each in findings)
    (alerts,) = [each for each in json.loads(ran.out)["findings"] if each["area"] == "alerts"]
    assert alerts["message"].startswith("1 not delivered")


@pytest.mark.usefixtures("standing")
def test_whoever_watches_sees_what_the_stand_in_knows(folder: Path) -> None:
    seen: list[list[str]] = []

    def read(stores: Sequence[Store], now_ms: int) -> StatusReport:
        seen.append([incident.probe_id for store in stores[:1] for incident in all_incidents(store, open_only=True)])
        return StatusReport(title="", location="", generated_at_ms=now_ms)

    latest = Latest(folder / "prober.db", read, SystemClock())
    latest.refresh()
    assert (seen, latest.trouble) == ([[], ["api"]], None)


def test_a_stand_in_that_was_taken_home_meanwhile_is_no_place_for_a_note(
    stood_in: sqlite3.Connection, prober: RunProber, folder: Path
) -> None:
    def work(store: Store) -> Path:
        stood_in.close()
        if store.path != folder / "prober.db":
            prober("run")
        return store.path

    assert change(folder / "prober.db", lambda _: True, work, now_ms=T0) == folder / "prober.db"


def test_what_stands_in_and_cannot_be_read_is_passed_over(
    stood_in: sqlite3.Connection, prober: RunProber, folder: Path
) -> None:
    stood_in.close()
    (standin,) = (folder / "runtime/prober").glob("*.db")
    standin.write_bytes(b"no database " * 100)
    assert numbers(prober) == [1]
    assert "+ up" in prober("status").out
