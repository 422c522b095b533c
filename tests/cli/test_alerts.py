from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import email

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer


@pytest.fixture
def refused(configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer) -> None:
    """One alert that the server did not take."""
    configure.with_mail(smtp, probe="failures = 1")
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    web.break_down()
    prober("run")
    smtp.refused.clear()


@pytest.mark.usefixtures("refused")
def test_what_waits_is_listed_with_the_last_answer(prober: RunProber) -> None:
    (line,) = prober("alerts", "list").out.splitlines()[1:]
    assert line.split()[:5] == ["1", "down", "api", "ops@acme.example", "(email)"]
    assert "450 4.2.0 come again" in line
    assert "1 x" in line


@pytest.mark.usefixtures("refused")
def test_json_has_one_object_per_alert(prober: RunProber) -> None:
    (alert,) = json.loads(prober("alerts", "list", "--json").out)["alerts"]
    assert alert.keys() == {
        "number",
        "kind",
        "probe",
        "incident",
        "channel",
        "recipient",
        "state",
        "queued_at",
        "attempts",
        "next_attempt_at",
        "last_error",
    }
    assert (alert["number"], alert["kind"], alert["probe"], alert["incident"]) == (1, "down", "api", 1)
    assert alert["state"] == "waiting"


@pytest.mark.usefixtures("refused")
def test_what_was_closed_unsent_is_listed_as_such(configure: Configure, prober: RunProber, smtp: SmtpServer) -> None:
    configure(email(smtp.port, to="new@acme.example"), probe="failures = 1")
    prober("run")
    (line,) = prober("alerts", "list").out.splitlines()[1:]
    assert line.split()[:6] == ["1", "down", "api", "ops@acme.example", "(email)", "closed"]
    (alert,) = json.loads(prober("alerts", "list", "--json").out)["alerts"]
    assert (alert["number"], alert["state"], alert["next_attempt_at"]) == (1, "closed", None)
    assert prober("alerts", "drop", "1").code == 2
    assert smtp.mails == []


@pytest.mark.usefixtures("refused")
def test_a_dropped_alert_is_never_sent(prober: RunProber, smtp: SmtpServer) -> None:
    ran = prober("alerts", "drop", "1")
    assert (ran.code, ran.out, ran.err) == (0, "", "alert 1 will not be sent.\n")
    assert prober("alerts", "list").out == "no alert is waiting\n"
    assert prober("run").code == 0
    assert smtp.mails == []
    assert prober("alerts", "drop", "1").code == 2


def test_what_is_no_number_of_an_alert_is_said_with_where_they_are(configure: Configure, prober: RunProber) -> None:
    configure()
    ran = prober("alerts", "drop", "foo")
    assert (ran.code, ran.out, ran.err) == (
        2,
        "",
        'error: "foo" is not the number of an alert. Take one from the column # of: prober alerts list\n',
    )


def test_nothing_waits_at_first_and_no_store_is_made(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure()
    assert prober("alerts", "list").out == "no alert is waiting\n"
    assert json.loads(prober("alerts", "list", "--json").out) == {"schema": 1, "alerts": []}
    ran = prober("alerts", "drop", "9223372036854775807")
    assert ran.code == 2
    assert "no alert 9223372036854775807 is waiting. See: prober alerts list" in ran.err
    assert list(folder.glob("prober.db*")) == []
