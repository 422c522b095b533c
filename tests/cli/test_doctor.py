"""The examination as a person sees it: everything that can be wrong is made wrong, and told with what to do."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from prober.adapters.lock import Lock, acquire
from prober.adapters.store import outbox
from prober.adapters.store.db import open_store
from prober.adapters.store.notices import put_notice
from prober.adapters.store.rounds import RoundRow, record_round
from prober.core.alerts import AlertKind
from tests.adapters.store.builders import alert
from tests.cli.conftest import email
from tests.cli.process import run_process
from tests.servers import certificates
from tests.servers.smtp import SILENCE, SmtpServer, smtp_server_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure, Ran, RunProber
    from tests.cli.web import Web

NOWHERE = "http://127.0.0.1:1/"
MIN_MS = 60_000


@pytest.fixture(autouse=True)
def unit_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand where a machine has its units, and let nothing be found in the real places."""
    units = tmp_path / "etc"
    units.mkdir()
    monkeypatch.setattr("prober.adapters.host.UNIT_FOLDERS", (units,))
    for name in ("TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "state"))
    return units


@pytest.fixture
def well(configure: Configure, prober: RunProber, smtp: SmtpServer, web: Web) -> Configure:
    """Everything configured and a round made."""
    write_all(configure, smtp.port, web)
    assert prober("run").code == 0
    web.requests.clear()
    return configure


def write_all(configure: Configure, port: int, web: Web, **keys: str) -> None:
    extra = f'{email(port)}[connectivity]\nurls = ["{web.url}"]\n[heartbeat]\nurl = "http://localhost:1/beat"\n'
    configure(extra, **keys)


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251


def found(ran: Ran, area: str) -> list[tuple[str, str]]:
    """Return state and message of all findings of an area."""
    return [(each["state"], each["message"]) for each in json.loads(ran.out)["findings"] if each["area"] == area]


def wrongs(ran: Ran) -> dict[str, str]:
    return {each["area"]: each["message"] for each in json.loads(ran.out)["findings"] if each["state"] == "wrong"}


def test_when_all_is_well_nothing_is_wrong(well: Configure, prober: RunProber, web: Web, smtp: SmtpServer) -> None:
    ran = prober("doctor", "--json")
    assert (ran.code, ran.err, wrongs(ran)) == (0, "", {})
    areas = list(dict.fromkeys(each["area"] for each in json.loads(ran.out)["findings"]))
    assert areas == [
        *("configuration", "secrets", "store", "lock", "rounds", "alerts"),
        *("schedule", "names", "connectivity", "clock", "mail", "heartbeat"),
    ]
    assert found(ran, "configuration") == [("ok", f"{well.folder / 'probes.toml'}: valid, 1 probe")]
    assert found(ran, "store")[0] == ("ok", f"{well.folder / 'prober.db'} (beside the configuration)")
    assert found(ran, "heartbeat")[0][1].startswith("goes to localhost")
    assert [state for state, _ in found(ran, "names")] == ["ok"]
    assert [state for state, _ in found(ran, "connectivity")] == ["ok"]
    assert smtp.mails == []
    assert {request.split(b" ")[1] for request in web.requests} == {b"/health", b"/"}


def test_it_is_shown_in_eighty_columns_with_what_to_do(configure: Configure, prober: RunProber) -> None:
    configure()
    ran = prober("doctor")
    assert ran.code == 0
    assert max(map(len, ran.out.replace(str(configure.folder), "").splitlines())) <= 80
    assert "  ! note   mail           no alert channel is configured: nobody would be told\n" in ran.out
    assert "                          -> add [alert.email]\n" in ran.out
    assert ran.out.splitlines()[-1].startswith("  nothing is wrong, ")


def test_a_terminal_is_told_that_it_takes_a_while(
    configure: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    monkeypatch.setattr("prober.cli.doctor.is_terminal", lambda _: True)
    assert "15 s at most" in prober("doctor").err


def test_every_problem_of_the_file_is_told_and_the_rest_looked_at(
    well: Configure, prober: RunProber, folder: Path
) -> None:
    well(probe='timeot = "9s"\ninterval = "5min"', extra='[store]\npath = "other.db"')
    ran = prober("doctor", "--json")
    assert ran.code == 3
    assert found(ran, "configuration") == [
        ("wrong", 'probes.toml:4:1: unknown key "timeot" in [probe.api]'),
        ("wrong", 'probes.toml:5:12: "5min" is not a duration (write "5m")'),
    ]
    assert found(ran, "store")[0] == ("note", f"{folder / 'other.db'} ([store] path): not there yet")
    assert found(ran, "schedule")
    assert found(ran, "names") == []


@pytest.mark.usefixtures("well")
def test_a_broken_file_is_3_and_the_store_beside_it_is_still_found(prober: RunProber, folder: Path) -> None:
    (folder / "probes.toml").write_text("[probe")
    ran = prober("doctor", "--json")
    assert ran.code == 3
    assert found(ran, "secrets") == []
    assert found(ran, "store")[0][0] == "ok"
    assert found(ran, "rounds")[0][0] == "ok"


def test_without_a_configuration_it_says_what_to_do(prober: RunProber) -> None:
    ran = prober("doctor", "--json")
    assert ran.code == 3
    (finding,) = [each for each in json.loads(ran.out)["findings"] if each["area"] == "configuration"]
    assert finding["message"] == "no probes.toml here or above"
    assert finding["advice"] == 'Write one with "prober init", or name it with --config.'
    assert found(ran, "store") == [("note", "nothing says where it is")]
    assert found(prober("doctor", "--json", "--db", "a.db"), "store")[0] == ("note", "a.db (--db): not there yet")


def test_secrets_are_listed_by_name_and_source_and_never_shown(
    configure: Configure, prober: RunProber, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "TOKEN").write_text("of-the-file")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("KEY", "of-the-environment")
    configure(probe='headers = { A = "${KEY}", B = "${TOKEN}", C = "${OTHER:-built-in}" }')
    ran = prober("doctor", "--json")
    assert ran.code == 0
    assert found(ran, "secrets") == [
        ("ok", "KEY: from the environment"),
        ("ok", "TOKEN: from $CREDENTIALS_DIRECTORY"),
        ("ok", "OTHER: by a default in the file"),
    ]
    monkeypatch.delenv("KEY")
    (folder / "TOKEN").unlink()
    ran = prober("doctor", "--json")
    assert ran.code == 3
    assert wrongs(ran)["secrets"] == "KEY, TOKEN: set nowhere"


def test_a_secret_that_a_server_gives_back_is_masked(
    configure: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch, smtp: SmtpServer
) -> None:
    secret = "correct-horse-battery"
    monkeypatch.setenv("PASSWORD", secret)
    monkeypatch.setenv("HOST", "battery-staple")
    smtp.login = ("me", "another")
    login = 'username = "me"\npassword = "${PASSWORD}"\n'
    configure(email(smtp.port) + login, url="http://${HOST}.example/${PASSWORD}")
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert wrongs(ran)["mail"].endswith("535 5.7.8 wrong: AUTH PLAIN AG1lAG***")
    assert secret not in ran.out
    assert "battery-staple" not in ran.out
    assert wrongs(ran)["names"].startswith("***.example: ")


@pytest.mark.parametrize(
    ("arguments", "environ", "table", "said"),
    [
        (("--db", "a.db"), "b.db", '[store]\npath = "c.db"', "a.db (--db)"),
        ((), "b.db", '[store]\npath = "c.db"', "b.db ($PROBER_DB)"),
        ((), "", '[store]\npath = "c.db"', "c.db ([store] path)"),
        ((), "", "", "state/prober.db ($STATE_DIRECTORY)"),
    ],
)
def test_it_says_why_the_store_is_where_it_is(
    configure: Configure,
    prober: RunProber,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environ: str,
    table: str,
    said: str,
) -> None:
    configure(table)
    (configure.folder / "state").mkdir()
    monkeypatch.setenv("PROBER_DB", environ)
    monkeypatch.setenv("STATE_DIRECTORY", str(configure.folder / "state"))
    state, message = found(prober("doctor", "--json", *arguments), "store")[0]
    assert state == "note"
    assert message.endswith(f"{said}: not there yet")


def damage(path: Path) -> None:
    path.write_text("no database at all, but long enough to be looked at" * 100)


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("UPDATE _sqlite_migrations SET name = 'm999_future' WHERE name = 'm001_initial'")


def make_older(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("DELETE FROM _sqlite_migrations WHERE name <> 'm001_initial'")


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damage, "file is not a database"),
        (make_newer, "made by a newer version of prober"),
        (make_older, "made by an older version"),
    ],
)
def test_a_store_that_cannot_be_used_is_5_with_advice(prober: RunProber, folder: Path, spoil: Any, said: str) -> None:
    spoil(folder / "prober.db")
    ran = prober("doctor", "--json")
    assert ran.code == 5
    assert said in wrongs(ran)["store"]
    assert found(ran, "lock")[0][0] == "ok"
    assert found(ran, "rounds") == []
    assert found(ran, "mail")[0][0] == "ok"


def test_3_comes_before_5_and_that_before_1(
    well: Configure, prober: RunProber, folder: Path, smtp: SmtpServer, web: Web
) -> None:
    damage(folder / "prober.db")
    smtp.script("CONNECT", "554 5.7.1 not you")
    assert prober("doctor").code == 5
    smtp.script("CONNECT", "554 5.7.1 not you")
    assert (prober("doctor", "--db", "new.db")).code == 1
    write_all(well, smtp.port, web, probe="timeot = 1")
    assert prober("doctor").code == 3


@pytest.mark.parametrize("name", ["nowhere/prober.db", "x" * 300])
def test_a_place_where_no_store_can_be_is_5(configure: Configure, prober: RunProber, name: str) -> None:
    configure()
    ran = prober("doctor", "--json", "--db", name)
    assert ran.code == 5
    assert name[:20] in wrongs(ran)["store"]


@pytest.mark.usefixtures("well")
def test_a_disk_that_does_not_answer_holds_up_nothing_else(prober: RunProber, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr("prober.app.doctor.examination.STORE_S", 0.1)
    monkeypatch.setattr("prober.app.doctor.examination.look_at_store", lambda *_, **__: let_go.wait(20))
    ran = prober("doctor", "--json")
    let_go.set()
    assert ran.code == 5
    assert "does not answer within 0.1 s" in wrongs(ran)["store"]
    assert found(ran, "mail")[0][0] == "ok"


def test_a_stand_in_is_told_of(well: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.app.doctor.store.places_in_use", lambda _: [well.folder / "stand-in.db"])
    ran = prober("doctor", "--json")
    assert any("stand-in.db stands in for it" in message for _, message in found(ran, "store"))


@pytest.fixture
def held(well: Configure) -> Iterator[Lock]:
    lock = acquire(well.folder / "prober.db", command="serve", now_ms=now_ms() - 5 * MIN_MS)
    assert isinstance(lock, Lock)
    with lock:
        yield lock


@pytest.mark.usefixtures("held")
def test_the_service_at_work_is_told_of_and_left_alone(prober: RunProber, folder: Path) -> None:
    before = (folder / "prober.db.lock").read_bytes()
    ran = prober("doctor", "--json")
    ((state, message),) = found(ran, "lock")
    assert state == "ok"
    assert message.startswith("held by the service, process ")
    assert message.endswith("for 5m")
    assert found(ran, "schedule") == [("ok", "the service is running")]
    assert (folder / "prober.db.lock").read_bytes() == before


@pytest.mark.usefixtures("well")
def test_a_run_that_hangs_is_told_of(prober: RunProber, folder: Path) -> None:
    age_rounds(folder)
    lock = acquire(folder / "prober.db", command="run", now_ms=now_ms() - 30 * MIN_MS)
    assert isinstance(lock, Lock)
    with lock:
        ran = prober("doctor", "--json")
        lock.path.write_text("")
        young = found(prober("doctor", "--json"), "lock")
    assert ran.code == 5
    assert wrongs(ran)["lock"].startswith("held by a run, process ")
    assert young == [("ok", "held by another process for 0s")]


def age_rounds(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "prober.db")) as store, store:
        store.execute("UPDATE rounds SET ended_at_ms = ended_at_ms - 7200000, started_at_ms = started_at_ms - 7200000")


@pytest.mark.usefixtures("well")
def test_when_nothing_has_checked_for_long_it_is_wrong(prober: RunProber, folder: Path) -> None:
    assert found(prober("doctor", "--json"), "rounds")[0][0] == "ok"
    age_rounds(folder)
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert wrongs(ran) == {"rounds": "nothing has checked for 2h"}


def test_before_the_first_round_there_is_only_a_note(configure: Configure, prober: RunProber) -> None:
    configure()
    assert found(prober("doctor", "--json"), "rounds") == [("note", "none yet")]


@pytest.mark.usefixtures("well")
def test_alerts_that_wait_for_long_are_wrong(prober: RunProber, folder: Path) -> None:
    assert found(prober("doctor", "--json"), "alerts") == [("ok", "none waits")]
    queued = alert("x", kind=AlertKind.DOWN)
    with closing(open_store(folder / "prober.db", now_ms=now_ms())) as store, store.transaction():
        outbox.queue(store, [queued])
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert wrongs(ran)["alerts"].startswith("1 not delivered, the oldest for ")


@pytest.mark.usefixtures("well")
def test_what_the_service_says_of_itself_is_passed_on(prober: RunProber, folder: Path) -> None:
    with closing(open_store(folder / "prober.db", now_ms=now_ms())) as store, store.transaction():
        put_notice(store, "configuration", "the new one is not valid", now_ms=now_ms() - 3 * MIN_MS)
    ran = prober("doctor", "--json")
    assert (ran.code, wrongs(ran)) == (1, {"service": "for 3m: the new one is not valid"})


@pytest.mark.usefixtures("well")
def test_a_unit_and_a_workflow_are_found(prober: RunProber, folder: Path, unit_folder: Path) -> None:
    (unit_folder / "prober.timer").touch()
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "ping.yml").touch()
    assert found(prober("doctor", "--json"), "schedule") == [
        ("note", f"{unit_folder}/prober.timer is in place, but not enabled"),
        ("ok", f"{folder}/.github/workflows/ping.yml is in place"),
    ]


def test_before_its_first_start_the_service_has_no_folder_and_nothing_is_wrong(
    configure: Configure, prober: RunProber, folder: Path, unit_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    monkeypatch.setenv("STATE_DIRECTORY", str(folder / "var"))
    ran = prober("doctor", "--json")
    assert (ran.code, "its folder does not exist" in wrongs(ran)["store"]) == (5, True)
    (unit_folder / "prober.service").touch()
    ran = prober("doctor", "--json")
    assert ran.code == 0
    assert found(ran, "store") == [("note", f"{folder / 'var/prober.db'} ($STATE_DIRECTORY): not there yet")]
    assert "the first start makes it: systemctl start prober.service" in ran.out
    assert prober("doctor", "--db", "nowhere/prober.db").code == 5


def test_a_connectivity_url_that_is_silent_is_wrong(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[connectivity]\nurls = ["{NOWHERE}", "{web.url}"]')
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert [state for state, _ in found(ran, "connectivity")] == ["wrong", "ok"]
    assert wrongs(ran)["connectivity"].startswith("127.0.0.1:1/ does not answer: ")


def test_an_answer_that_says_no_is_an_answer(configure: Configure, prober: RunProber, web: Web) -> None:
    web.break_down(500)
    configure(f'[connectivity]\nurls = ["{web.url}"]')
    assert found(prober("doctor", "--json"), "connectivity")[0][0] == "ok"


@pytest.mark.parametrize(
    ("ahead_s", "state"), [(0, "ok"), (-30, "note"), (30, "note"), (3_600, "wrong"), (-86_400, "wrong")]
)
def test_our_clock_is_held_against_the_dates_of_answers(
    configure: Configure, prober: RunProber, web: Web, ahead_s: int, state: str
) -> None:
    there = datetime.fromtimestamp(now_ms() / 1000 - ahead_s, UTC)
    web.headers["Date"] = format_datetime(there, usegmt=True)
    configure()
    ran = prober("doctor", "--json")
    assert [each for each, _ in found(ran, "clock")] == [state]
    assert ran.code == (1 if state == "wrong" else 0)


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}, {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Age": "9"}])
def test_an_answer_without_a_true_date_tells_no_time(
    configure: Configure, prober: RunProber, web: Web, headers: dict[str, str]
) -> None:
    web.headers = headers
    configure()
    assert found(prober("doctor", "--json"), "clock") == [("note", "no answer told the time")]


def test_a_name_that_is_not_found_is_wrong_and_its_mail_server_not_tried(
    configure: Configure, prober: RunProber
) -> None:
    configure(email(25).replace('"127.0.0.1"', '"mail.example"').replace('"none"', '"tls"'))
    ran = prober("doctor", "--json")
    assert ran.code == 1
    assert wrongs(ran)["names"].startswith("mail.example: ")
    assert wrongs(ran)["mail"].startswith("email: mail.example:25: ")


def test_a_mail_server_that_is_not_there_is_wrong(configure: Configure, prober: RunProber) -> None:
    configure(email(1))
    ran = prober("doctor", "--json")
    assert (ran.code, wrongs(ran)) == (1, {"mail": "email: 127.0.0.1:1: Connection refused"})


def test_a_certificate_that_nobody_vouches_for_is_wrong(configure: Configure, prober: RunProber) -> None:
    server = SmtpServer(tls=certificates.server_context("good"))
    with smtp_server_in_thread(server):
        configure(email(server.port).replace('"none"', '"starttls"'))
        ran = prober("doctor", "--json")
    assert ran.code == 1
    assert "certificate" in wrongs(ran)["mail"]


def test_everything_that_hangs_costs_a_bounded_time(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, limit in (("mail.MAIL_S", 0.3), ("names.LOOKUP_S", 0.3), ("network.ANSWER_MS", 300)):
        monkeypatch.setattr(f"prober.app.doctor.{name}", limit)
    let_go = threading.Event()
    real = socket.getaddrinfo

    def slow(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "localhost":
            let_go.wait(20)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    smtp.script("CONNECT", SILENCE)
    web.delay_s = 20
    write_all(configure, smtp.port, web)
    began = time.monotonic()
    ran = prober("doctor", "--json")
    let_go.set()
    assert time.monotonic() - began < 5
    assert wrongs(ran).keys() == {"names", "connectivity", "mail"}
    assert wrongs(ran)["names"] == "localhost: no answer within 0.3 s"
    assert wrongs(ran)["mail"].endswith(": no answer within 0.3 s")


def test_a_paused_probe_is_not_asked(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe="enabled = false")
    assert found(prober("doctor", "--json"), "clock") == [("note", "no answer told the time")]
    assert web.requests == []


@pytest.mark.usefixtures("well")
def test_a_round_of_the_future_is_a_note(prober: RunProber, folder: Path) -> None:
    later = now_ms() + 10 * MIN_MS
    row = RoundRow(location="x", started_at_ms=later, ended_at_ms=later, checks=1, is_offline=False, host="h", pid=1)
    with closing(open_store(folder / "prober.db", now_ms=now_ms())) as store, store.transaction():
        record_round(store, row)
    assert found(prober("doctor", "--json"), "rounds")[0][0] == "note"


@pytest.mark.usefixtures("well")
def test_a_process_of_its_own_ends_quietly(folder: Path) -> None:
    ran = run_process(folder, "doctor")
    assert (ran.returncode, ran.stderr) == (0, "")
