"""The fallback rehearsed: the workflow of this repository, executed against everything that can happen to it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from tests.cli.process import PROGRAM, run_process
from tests.rehearsal.conftest import OPS, SECRETS, WATCH
from tests.rehearsal.host import BRANCH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.web import Web
    from tests.rehearsal.conftest import SetUp, Stage

LAST_RESORT = "Ask without prober"


def test_the_first_run_needs_no_branch_and_takes_less_than_ten_seconds(stage: Stage) -> None:
    assert stage.host.branches() == {"main": 1}
    job = stage.run()
    assert job.outcome == "success", job.log
    assert stage.host.branches() == {"main": 1, BRANCH: 1}
    assert job.step(WATCH).took_s < 10
    assert job.step(LAST_RESORT).outcome == "skipped"
    assert [f"Bearer {SECRETS['API_TOKEN']}".encode() in request for request in stage.web.requests] == [True]
    assert stage.smtp.mails == []
    assert "| `api` | 🟢 up |" in job.summary
    status = json.loads(stage.host.show("status.json"))
    assert status["location"] == "github-actions"
    assert [(probe["id"], probe["state"]) for probe in status["probes"]] == [("api", "up")]
    assert b"prober" in stage.host.show("README.md")


def test_two_outages_and_their_ends_are_told_each_in_the_run_that_sees_it(stage: Stage) -> None:
    stage.run()
    stage.web.break_down()
    job = stage.run()
    assert job.outcome == "success", job.log  # monitoring worked
    assert len(stage.web.requests) == 1 + 3
    assert [subject[:9] for subject in stage.subjects()] == ["[DOWN P1]"]
    assert "down" in job.summary
    assert stage.run().outcome == "success"
    assert len(stage.smtp.mails) == 1, "an outage that goes on is told once"
    stage.web.heal()
    stage.run()
    stage.web.break_down()
    stage.run()
    assert [subject.partition(" ")[0] for subject in stage.subjects()] == ["[DOWN", "[UP", "[DOWN"]
    assert {mail["To"] for mail in stage.mails()} == {OPS}
    down, up, again = stage.mails()
    assert up["In-Reply-To"] == down["Message-ID"] != again["Message-ID"]
    assert stage.host.branches() == {"main": 1, BRANCH: 1}


def test_an_alert_that_no_server_takes_is_kept_for_the_next_run(stage: Stage) -> None:
    stage.web.break_down()
    stage.smtp.script("RCPT", *["450 4.2.0 come again"] * 9)
    assert stage.run().outcome == "failure", "a failed job mails its owner: the last alarm"
    assert stage.smtp.mails == []
    stage.smtp.scripted.clear()
    job = stage.run()
    assert job.outcome == "success", job.log
    assert [subject[:9] for subject in stage.subjects()] == ["[DOWN P1]"]


def test_a_private_address_is_refused_unless_it_is_allowed(set_up: SetUp) -> None:
    stage = set_up(allow_private=False)
    job = stage.run()
    assert job.outcome == "success", job.log
    assert stage.web.requests == []
    (mail,) = stage.mails()
    assert "allow_private" in mail.as_string()


def test_when_the_installation_fails_the_urls_are_asked_without_prober(set_up: SetUp, web: Web) -> None:
    extra = f"""
[probe.open]
url = "{web.url}?open"
[probe.paused]
url = "http://127.0.0.1:1/paused"
enabled = false
[probe.secret]
url = "http://127.0.0.1:1/${{API_TOKEN}}"
[probe.gone]
url = "http://127.0.0.1:1/gone"
"""
    stage = set_up(extra=extra)
    job = stage.run(is_install_broken=True)
    assert (job.outcome, job.step(WATCH).outcome) == ("failure", "skipped")
    assert sorted(request.split()[1] for request in web.requests) == [b"/health", b"/health?open"]
    for told in (job.summary, job.step(LAST_RESORT).log):
        assert f"200  {web.url}?open" in told
        assert "000  http://127.0.0.1:1/gone" in told
        assert "/paused" not in told
        assert "API_TOKEN" not in told
    assert len(job.annotations) == 1
    assert stage.host.branches() == {"main": 1}


def test_the_last_resort_says_what_does_not_answer_well(set_up: SetUp, web: Web) -> None:
    web.break_down(502)
    job = set_up(extra=f'[probe.open]\nurl = "{web.url}?open"').run(is_install_broken=True)
    assert job.outcome == "failure"
    assert f"502  {web.url}?open" in job.summary


def test_a_missing_secret_fails_the_job_and_is_named(stage: Stage) -> None:
    secrets = {name: value for name, value in SECRETS.items() if name != "SMTP_PASSWORD"}
    job = stage.run(secrets=secrets)
    assert (job.outcome, job.step(WATCH).code) == ("failure", 3)
    assert "SMTP_PASSWORD" in job.step(WATCH).log
    assert job.step(LAST_RESORT).outcome == "skipped"
    assert (stage.web.requests, stage.host.branches()) == ([], {"main": 1})


def test_a_fork_does_nothing_until_it_is_asked_to(stage: Stage) -> None:
    job = stage.run(is_fork=True)
    assert (job.outcome, job.steps) == ("skipped", [])
    job = stage.run(is_fork=True, variables={"PROBER_ENABLED": "true"}, secrets={})
    assert job.outcome == "success", job.log
    assert "not configured" in job.log
    assert stage.web.requests == []
    job = stage.run(is_fork=True, variables={"PROBER_ENABLED": "true"})
    assert job.outcome == "success", job.log
    assert len(stage.web.requests) == 1


def test_a_run_that_is_cancelled_keeps_what_it_saw_within_seven_seconds(stage: Stage) -> None:
    stage.web.break_down()
    job = stage.run(event="workflow_dispatch", inputs={"mode": "force"}, is_cancelled=lambda: len(stage.smtp.mails) > 0)
    assert job.outcome == "cancelled"
    ending_s = job.step(WATCH).ending_s
    assert ending_s is not None
    assert ending_s < 7
    status = json.loads(stage.host.show("status.json"))
    assert [probe["state"] for probe in status["probes"]] == ["down"]
    stage.web.heal()
    assert stage.run().outcome == "success"
    told = {str(mail["Message-ID"]): str(mail["Subject"]).partition(" ")[0] for mail in stage.mails()}
    assert list(told.values()) == ["[DOWN", "[UP"]


def test_a_drill_sends_a_test_mail_through_the_whole_path(stage: Stage) -> None:
    job = stage.run(event="workflow_dispatch", inputs={"mode": "drill"})
    assert job.outcome == "success", job.log
    assert [mail["To"] for mail in stage.mails()] == [OPS]
    assert "test" in stage.subjects()[0].lower()
    stage.run()
    assert len(stage.smtp.mails) == 1


def test_what_the_fallback_saw_comes_home_into_the_history_of_the_service(stage: Stage, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(tmp_path / "seed", home)

    def at_home(*arguments: str) -> str:
        ran = run_process(home, *arguments, program=PROGRAM, **SECRETS)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    stage.run()
    stage.web.break_down()
    stage.run()
    stage.web.heal()
    stage.run()
    at_home("run")
    assert json.loads(at_home("incidents", "list", "--json"))["incidents"] == []
    for _ in range(2):  # taking it in twice changes nothing
        at_home("actions", "fetch", "--remote", str(stage.host.remote), "-o", "fallback.db")
        at_home("db", "merge", "fallback.db")
        (incident,) = json.loads(at_home("incidents", "list", "--json"))["incidents"]
        assert (incident["probe"], incident["kind"], incident["closed_as"]) == ("api", "down", "recovered"), incident
    assert len(stage.smtp.mails) == 2, "what comes home is not told again"


def test_what_a_server_says_commands_nothing(stage: Stage) -> None:
    evil = b"\r\n::error::owned\n::set-env name=PATH::/tmp\n##[error]owned\n| <script>alert(1)</script> [x](http://e.example)\n"
    stage.web.break_down(503, evil)
    job = stage.run()
    assert job.outcome == "success", job.log
    commands = [line for line in job.log.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert all(line.startswith(("::error title=", "::warning title=", "::notice title=")) for line in commands)
    assert len(commands) <= 10
    assert "owned" not in "".join(commands)
    assert "<script>" not in job.summary
    assert b"owned" not in stage.published()


def test_a_branch_that_cannot_be_read_is_kept_aside_and_told(stage: Stage) -> None:
    stage.run()
    seed = str(stage.host.folder / "seed")
    stage.host.git("-C", seed, "checkout", "--quiet", "--orphan", BRANCH)
    (stage.host.folder / "seed" / "prober.db").write_text("no database")
    stage.host.git("-C", seed, "add", "prober.db")
    stage.host.git("-C", seed, "commit", "--quiet", "--message=Broken")
    stage.host.git("-C", seed, "push", "--quiet", "--force", str(stage.host.remote), BRANCH)
    job = stage.run()
    branches = stage.host.branches()
    (aside,) = branches.keys() - {"main", BRANCH}
    assert aside.startswith(f"{BRANCH}-corrupt-")
    assert stage.host.show("prober.db", aside) == b"no database"
    assert branches[BRANCH] == 1
    assert aside in job.log + job.summary
    assert len(stage.smtp.mails) == 1
