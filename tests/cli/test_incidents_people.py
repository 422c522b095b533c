"""The commands by which people take part in an incident, from the line they write to what they and others see."""

from __future__ import annotations

import getpass
import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import Lock, acquire
from prober.adapters.store.db import open_store
from tests.cli.conftest import email

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

DOCUMENTED = (Path(__file__).parents[2] / "docs/commands.md").read_text()
AT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


@pytest.fixture
def outage(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One open incident that was mailed."""
    configure.with_mail(smtp, probe="failures = 1\nrecoveries = 1")
    web.break_down()
    prober("run")
    monkeypatch.delenv("SUDO_USER", raising=False)


def notes(prober: RunProber) -> list[tuple[str, str, str | None]]:
    shown = json.loads(prober("incidents", "show", "1", "--json").out)
    return [(note["who"], note["action"], note["text"]) for note in shown["notes"]]


@pytest.mark.usefixtures("outage")
def test_a_person_takes_an_incident_and_everyone_sees_who(prober: RunProber) -> None:
    ran = prober("incidents", "ack", "1", "--by", "ann", "--note", "the disk is full")
    assert (ran.code, ran.out, ran.err) == (0, "", "incident 1 (api) is acknowledged by ann: no more reminders\n")
    assert "x open, acknowledged" in prober("incidents", "list").out
    shown = prober("incidents", "show", "1").out
    assert re.search(rf"\n    acknowledged  {AT} by ann\n", shown)
    assert re.search(rf"\n    {AT}  alert: down sent to ops@acme.example \(email\)\n", shown)
    assert re.search(rf"\n    {AT}  acknowledged by ann: the disk is full\n$", shown)


@pytest.mark.usefixtures("outage")
def test_taking_it_again_is_harmless_and_says_who_was_first(prober: RunProber) -> None:
    prober("incidents", "ack", "1", "--by", "ann")
    again = prober("incidents", "ack", "1", "--by", "bob")
    assert again.code == 0
    assert re.fullmatch(rf"incident 1 is acknowledged already, by ann at {AT}\n", again.err)
    assert notes(prober) == [("ann", "acknowledged", None)]


@pytest.mark.usefixtures("outage")
def test_the_mail_about_the_end_says_who_acknowledged(prober: RunProber, web: Web, smtp: SmtpServer) -> None:
    prober("incidents", "ack", "1", "--by", "ann")
    web.heal()
    prober("run")
    down, up = (message.content.decode() for message in smtp.mails)
    assert "prober incidents ack 1" in down
    assert re.search(rf"Acknowledged +by ann at {AT}", up)


@pytest.mark.usefixtures("outage")
def test_an_incident_that_is_over_takes_words_and_nothing_else(prober: RunProber, web: Web) -> None:
    web.heal()
    prober("run")
    for command in ("ack", "resolve"):
        ran = prober("incidents", command, "1")
        assert ran.code == 2
        assert re.match(rf"error: incident 1 is over: recovered at {AT}\.\n", ran.err)
    assert prober("incidents", "note", "1", "a router died", "--by", "ann").err == "noted about incident 1 (api)\n"
    assert notes(prober) == [("ann", "noted", "a router died")]


@pytest.mark.usefixtures("outage")
def test_a_false_positive_is_marked_and_unmarked(prober: RunProber) -> None:
    assert "costs no uptime" in prober("incidents", "false-positive", "1").err
    assert json.loads(prober("status", "--json").out)["probes"][0]["windows"]["24h"]["downtime_s"] == 0
    assert "false positive" in prober("incidents", "list").out
    assert "counts again" in prober("incidents", "false-positive", "1", "--undo").err
    assert [action for _, action, _ in notes(prober)] == ["false_positive", "not_false_positive"]


@pytest.mark.usefixtures("outage")
def test_a_resolved_incident_is_told_by_the_next_run(prober: RunProber, smtp: SmtpServer) -> None:
    ran = prober("incidents", "resolve", "1", "--by", "ann", "--note", "the check was wrong")
    assert ran.err == "incident 1 is resolved; the next `prober run` sends 1 alert about it\n"
    assert "+ resolved" in prober("incidents", "list").out
    prober("run", "--no-alert")
    assert len(smtp.mails) == 1
    prober("run")
    assert b"Subject: [RESOLVED by ann] api: status 503 (inc 1)" in smtp.mails[1].content
    assert b"the check was wrong" in smtp.mails[1].content
    text = smtp.mails[1].content.decode().replace("=\r\n", "")
    assert "(status 503, expected 2xx). The last check still failed.\r\n" in text


@pytest.mark.usefixtures("outage")
def test_a_resolved_incident_is_told_by_the_service_where_one_runs(prober: RunProber, folder: Path) -> None:
    lock = acquire(folder / "prober.db", command="serve", now_ms=0)
    assert isinstance(lock, Lock)
    with lock:
        ran = prober("incidents", "resolve", "1")
    assert ran.err == "incident 1 is resolved; the running service sends 1 alert about it\n"


def test_what_nobody_was_told_of_is_resolved_in_silence(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe="failures = 1")
    web.break_down()
    prober("run")
    assert prober("incidents", "resolve", "1").err == (
        "incident 1 is resolved; nobody is told, as nobody was told of it\n"
    )


@pytest.mark.usefixtures("outage")
def test_a_deed_is_possible_while_a_round_is_at_work(prober: RunProber, folder: Path) -> None:
    lock = acquire(folder / "prober.db", command="run", now_ms=0)
    assert isinstance(lock, Lock)
    with lock:
        assert prober("incidents", "ack", "1").code == 0


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize(
    ("by", "sudo", "login", "who"),
    [
        ("ann", "bob", "root", "ann"),
        (None, "bob", "root", "bob"),
        (None, None, "eve", "eve"),
        (None, "", "eve", "eve"),
        ("\x1b[2J\r\n", None, "eve", "eve"),
        (" ann\x07 b ", None, "eve", "ann b"),
        (None, None, KeyError("uid not found: 1234"), "somebody"),
        (None, None, OSError("no user"), "somebody"),
        ("n" * 100, None, "eve", "n" * 61 + "..."),
    ],
)
def test_who_it_was_is_said_or_known_or_left_open(
    prober: RunProber,
    monkeypatch: pytest.MonkeyPatch,
    by: str | None,
    sudo: str | None,
    login: str | Exception,
    who: str,
) -> None:
    def getuser() -> str:
        if isinstance(login, Exception):
            raise login
        return login

    monkeypatch.setattr(getpass, "getuser", getuser)
    if sudo is not None:
        monkeypatch.setenv("SUDO_USER", sudo)
    prober("incidents", "note", "1", "hm", *([] if by is None else ["--by", by]))
    assert notes(prober) == [(who, "noted", "hm")]


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize("text", ["", " ", "\x1b[2J"])
def test_an_empty_note_is_refused(prober: RunProber, text: str) -> None:
    for arguments in (["note", "1", text], ["ack", "1", "--note", text]):
        ran = prober("incidents", *arguments)
        assert (ran.code, ran.err) == (2, "error: the note is empty. Write what is worth remembering.\n")
    assert notes(prober) == []


def test_a_note_keeps_no_secret(
    configure: Configure, prober: RunProber, web: Web, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-t0ken")
    configure(probe='failures = 1\nheaders = { Authorization = "Bearer ${TOKEN}" }')
    web.break_down()
    prober("run")
    prober("incidents", "ack", "1", "--by", "s3cr3t-t0ken", "--note", "it sent\ns3cr3t-t0ken back")
    assert notes(prober) == [("***", "acknowledged", "it sent *** back")]
    for file in folder.glob("prober.db*"):
        assert b"s3cr3t-t0ken" not in file.read_bytes()


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize(
    "arguments", ["ack 1", "note 1 words", "false-positive 1", "false-positive 1 --undo", "resolve 1"]
)
def test_json_shows_the_incident_as_it_is_now(prober: RunProber, arguments: str) -> None:
    ran = prober("incidents", *arguments.split(), "--json")
    assert json.loads(ran.out) == json.loads(prober("incidents", "show", "1", "--json").out)
    assert ran.err.startswith(("incident 1 ", "noted about incident 1 "))


@pytest.mark.usefixtures("outage")
def test_json_has_the_documented_shape(prober: RunProber) -> None:
    section = DOCUMENTED.partition("\n## prober incidents\n")[2].partition("\n## ")[0]
    documented = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    prober("incidents", "ack", "1", "--note", "words")
    real = json.loads(prober("incidents", "show", "1", "--json").out)
    assert real.keys() == documented.keys()
    assert real["notes"][0].keys() == documented["notes"][0].keys()
    assert real["alerts"][0].keys() == documented["alerts"][0].keys()


def test_without_a_store_there_is_no_incident_and_none_is_made(
    configure: Configure, prober: RunProber, folder: Path
) -> None:
    configure()
    assert prober("incidents", "ack", "1").code == 2
    assert not (folder / "prober.db").exists()


def test_reminders_are_sent_by_a_run_as_configured(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, folder: Path
) -> None:
    configure(email(smtp.port) + 'remind = "1m"\n', probe="failures = 1")
    web.break_down()
    prober("run")
    assert len(smtp.mails) == 1
    assert b"A reminder comes in 1 min" in smtp.mails[0].content
    with closing(open_store(folder / "prober.db", now_ms=0)) as store:
        for table, column in (("outbox", "sent_at_ms"), ("incidents", "started_at_ms")):
            store.write(f"UPDATE {table} SET {column} = {column} - 3900000")
    (event,) = json.loads(prober("run", "--json").out)["events"]
    assert (event["kind"], event["probe"], event["incident"]) == ("reminded", "api", 1)
    assert re.search(rb"Subject: \[STILL DOWN 1h0\dm\] api: status 503 \(inc 1\)", smtp.mails[1].content)
