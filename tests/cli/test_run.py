from __future__ import annotations

import email
import json
import re
import signal
import sqlite3
import time
from contextlib import closing
from email import policy
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import Held, acquire
from prober.cli import run as command
from prober.cli.context import Globals
from prober.core.model import Probe
from tests.cli.conftest import email as email_to
from tests.cli.process import started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

NOWHERE = "http://127.0.0.1:1/"
QUICK = 'interval = "1m"\nfailures = 1\nrecoveries = 1'


def subjects(smtp: SmtpServer) -> list[str]:
    return [str(email.message_from_bytes(mail.content, policy=policy.default)["Subject"]) for mail in smtp.mails]


def test_an_outage_over_three_runs_is_mailed_once_and_its_end_once(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe='name = "API"')
    assert prober("run").code == 0
    web.break_down()
    runs = [prober("run") for _ in range(4)]
    assert [ran.code for ran in runs] == [0, 0, 0, 0]
    assert ["api is DOWN (incident 1)" in ran.out for ran in runs] == [False, False, True, False]
    assert "  alerts: 1 queued, 1 accepted by the mail server\n" in runs[2].out
    assert len(smtp.mails) == 1
    assert subjects(smtp)[0].startswith("[DOWN P1] api: status 503")
    shown = prober("status")
    assert "x down" in shown.out
    assert "open  #1 api down for" in shown.out
    web.heal()
    assert "is UP again" not in prober("run").out
    assert "api is UP again (incident 1)" in prober("run").out
    assert len(smtp.mails) == 2
    assert subjects(smtp)[1].startswith("[UP ")
    assert "+ up" in prober("status").out
    assert "+ recovered" in prober("incidents", "list").out


def test_each_check_is_a_line_on_stdout(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.two]\nurl = "{NOWHERE}"')
    lines = prober("run").out.splitlines()
    assert [line.split()[1:4] for line in lines] == [["api", "+", "ok"], ["two", "x", "failed"]]
    assert len(web.requests) == 1


def test_json_has_results_events_and_alerts(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe=QUICK)
    web.break_down()
    shown = json.loads(prober("run", "--json").out)
    assert shown.keys() == {"schema", "results", "events", "alerts"}
    assert [(each["id"], each["outcome"], each["status"]) for each in shown["results"]] == [("api", "failed", 503)]
    (event,) = shown["events"]
    assert event.keys() == {"kind", "probe", "incident", "at", "held"}
    assert (event["kind"], event["probe"], event["incident"]) == ("down_opened", "api", 1)
    assert shown["alerts"] == {"queued": 1, "accepted": 1, "failed": 0}


@pytest.mark.parametrize("arguments", [[], ["-q"], ["--json"], ["--no-alert"]])
def test_a_run_without_any_channel_says_so_each_time(
    configure: Configure, prober: RunProber, arguments: list[str]
) -> None:
    configure()
    for _ in range(2):
        assert "note: no alert channel is configured: nobody will be told." in prober("run", *arguments).err


def test_quiet_prints_nothing_while_all_is_well_and_what_is_not(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp)
    well = prober("-q", "run")
    assert (well.out, well.err) == ("", "")
    web.break_down()
    assert "x failed" in prober("run", "-q").out
    assert json.loads(prober("run", "-q", "--json").out)["results"]


def test_verbose_says_which_files_are_used_and_where_the_time_went(
    configure: Configure, prober: RunProber, folder: Path
) -> None:
    path = configure(f'[probe.off]\nurl = "{NOWHERE}"\nenabled = false')
    said = prober("run", "-v").err.splitlines()
    assert f"configuration: {path}" in said
    assert f"store: {folder / 'prober.db'}" in said
    assert "paused (enabled = false): off" in said
    assert any(line.startswith("api: dns ") and "our own lag" in line for line in said)


def test_no_alert_records_everything_and_tells_nobody(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe=QUICK)
    web.break_down()
    assert "api is DOWN (incident 1)" in prober("run", "--no-alert").out
    assert smtp.mails == []
    assert "x open" in prober("incidents", "list").out


def test_names_and_tags_choose_what_is_checked(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.two]\nurl = "{web.url}"\ntags = ["prod"]', probe='tags = ["prod", "eu"]')
    chosen = {
        line: [each["id"] for each in json.loads(prober("run", "--json", *line.split()).out)["results"]]
        for line in ("", "two", "two api", "--tag prod", "--tag eu", "api --tag eu")
    }
    assert chosen == {
        "": ["api", "two"],
        "two": ["two"],
        "two api": ["api", "two"],
        "--tag prod": ["api", "two"],
        "--tag eu": ["api"],
        "api --tag eu": ["api"],
    }


def test_due_leaves_out_what_was_checked_just_now(configure: Configure, prober: RunProber, web: Web) -> None:
    configure()
    prober("run", "--due")
    assert prober("run", "--due").out == "  nothing was due\n"
    assert len(web.requests) == 1
    prober("run")
    assert len(web.requests) == 2


def test_rechecks_end_with_a_verdict(configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer) -> None:
    configure.with_mail(smtp, probe='recheck = "1s"\nfailures = 2\ntimeout = "1s"')
    web.break_down()
    ran = prober("run")
    assert ran.out.count("x failed") == 2
    assert "waiting" not in ran.err  # progress is for terminals
    assert len(smtp.mails) == 1


def test_a_deadline_bounds_rechecks(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe='recheck = "1s"\ntimeout = "1s"')
    web.break_down()
    assert prober("run", "--deadline", "0s").out.count("x failed") == 1


def test_progress_is_shown_to_a_person(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "is_terminal", lambda _: True)
    command._progress(Globals())([Probe(id="api", name="", url="", identity="")], 61.4)
    assert capsys.readouterr().err == "waiting for a verdict on api: next check in 61 s\n"
    command._progress(Globals())([], -3)
    assert capsys.readouterr().err == "waiting to be sure who is watching: next look in 0 s\n"


def test_a_second_run_checks_nothing_and_exits_with_0(
    configure: Configure, prober: RunProber, folder: Path, web: Web
) -> None:
    configure()
    prober("run")
    lock = acquire(folder / "prober.db", command="run", now_ms=1)
    assert not isinstance(lock, Held)
    with lock:
        ran = prober("run")
        assert (ran.code, ran.out) == (0, "")
        assert "a round is already running (process " in ran.err
        assert json.loads(prober("run", "--json").out)["results"] == []
    assert len(web.requests) == 1


def test_a_store_of_other_probes_is_refused_until_adopted(configure: Configure, prober: RunProber, web: Web) -> None:
    configure()
    prober("run")
    path = configure()
    path.write_text(path.read_text().replace("probe.api", "probe.other"))
    ran = prober("run")
    assert ran.code == 3
    assert "--adopt" in ran.err
    assert len(web.requests) == 1
    assert prober("run", "--adopt").code == 0
    assert prober("run").code == 0


def test_what_the_server_refuses_is_said_and_stays_queued(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe=QUICK)
    web.break_down()
    smtp.refused["ops@acme.example"] = "550 5.1.1 nobody here"
    ran = prober("run")
    assert ran.code == 4
    assert "note: an alert was not accepted and stays queued: ops@acme.example: 550 5.1.1 nobody here" in ran.err
    assert "  alerts: 1 queued, 0 accepted by the mail server, 1 waiting\n" in ran.out
    assert "1 not delivered yet, see: prober alerts list" in prober("status").out


@pytest.mark.parametrize("arguments", [[], ["-q"], ["--json"]])
def test_an_alert_that_was_closed_unsent_is_said_once(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, arguments: list[str]
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    web.break_down()
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    prober("run")
    configure(email_to(smtp.port, to="new@acme.example"), probe="failures = 1")
    said = "note: alert 1 (down, api) was closed without being sent: ops@acme.example is no longer configured\n"
    assert said in prober("run", *arguments).err
    assert "closed" not in prober("run", *arguments).err


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_an_interrupted_run_shows_no_results_and_says_what_to_do(
    configure: Configure, web: Web, smtp: SmtpServer, as_json: list[str]
) -> None:
    configure.with_mail(smtp, probe='timeout = "20s"')
    web.delay_s = 15
    with started(configure.folder, "-q", "run", *as_json) as process:
        while not web.requests:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, "")
    assert err == "note: interrupted: nothing of this round was recorded. Run it again.\n"


def test_what_a_mail_server_says_gives_no_secret_of_a_probe_away(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "correct-token-staple")
    configure.with_mail(smtp, probe=f'{QUICK}\nheaders = {{ X-Api-Key = "${{TOKEN}}" }}')
    web.break_down()
    smtp.refused["ops@acme.example"] = "550 5.1.1 nobody here, correct-token-staple"
    assert "ops@acme.example: 550 5.1.1 nobody here, ***; next try at " in prober("run").err


def test_a_corrupt_store_is_set_aside_and_the_run_goes_on(
    configure: Configure, prober: RunProber, folder: Path, web: Web
) -> None:
    configure()
    (folder / "prober.db").write_text("this is no database, whatever its name may say" * 100)
    ran = prober("run")
    assert ran.code == 5
    assert "note: the store could not be read: it was set aside as " in ran.err
    assert len(list(folder.glob("prober.db.corrupt-*"))) == 1
    assert len(web.requests) == 1
    assert prober("run").code == 0


def test_a_store_that_fails_in_the_middle_of_a_round_exits_with_5(
    configure: Configure, prober: RunProber, folder: Path
) -> None:
    configure()
    prober("run")
    with closing(sqlite3.connect(folder / "prober.db")) as store:
        store.execute("CREATE TRIGGER full BEFORE INSERT ON results BEGIN SELECT RAISE(ABORT, 'no room'); END")
        store.commit()
    ran = prober("run")
    assert ran.code == 5
    assert f"note: the store could not be written: {folder / 'prober.db'}: no room; " in ran.err
    assert ran.out.count("+ ok") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["apj"], 'no probe "apj" in {path}. Did you mean "api"?'),
        (["--tag", "prot"], 'no tag "prot" in {path}. Did you mean "prod"?'),
        (["two", "--tag", "prod"], 'none of these probes has the tag "prod". Leave out the ids, or the tag.'),
        (["--deadline", "4"], '--deadline: "4" is not a duration. Write a number with d, h, m, s or ms, such as "4m".'),
        (["--deadline", "90 sec"], '--deadline: "90 sec" is not a duration. Write "1m30s".'),
    ],
)
def test_what_does_not_exist_exits_with_2_before_anything_is_sent(
    configure: Configure, prober: RunProber, web: Web, arguments: list[str], said: str
) -> None:
    path = configure(f'[probe.two]\nurl = "{web.url}"', probe='tags = ["prod"]')
    ran = prober("run", *arguments)
    assert ran.code == 2
    assert ran.err.splitlines()[-1] == f"error: {said.format(path=path)}"
    assert web.requests == []


def test_there_is_nothing_to_do_where_all_is_paused(configure: Configure, prober: RunProber) -> None:
    configure(probe="enabled = false")
    ran = prober("run")
    assert (ran.code, ran.out) == (0, "  paused (enabled = false): api\n")
    assert prober("status").code == 0


def test_a_named_probe_that_is_paused_is_said_to_be(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.two]\nurl = "{web.url}"', probe="enabled = false")
    assert prober("run", "api").out == "  paused (enabled = false): api\n"
    assert prober("run", "api", "two").out.splitlines()[1:] == ["  paused (enabled = false): api"]
    assert "paused" not in prober("run").out


def test_a_certificate_that_is_not_judged_is_said(configure: Configure, prober: RunProber) -> None:
    configure(probe="verify = false")
    assert "  api: certificate not verified (verify = false)\n" in prober("run").out
    assert json.loads(prober("run", "--json").out)["results"][0]["verify"] is False


def test_what_was_removed_ends_also_where_only_some_probes_are_due(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    path = configure.with_mail(smtp, probe=QUICK)
    web.break_down()
    prober("run")
    gone, kept = path.read_text(), path.read_text().replace("probe.api", "probe.two")
    web.heal()
    path.write_text(f'{gone}\n[probe.two]\nurl = "{web.url}"')
    prober("run", "two")
    path.write_text(kept)
    ran = prober("run", "--due")
    assert ran.out.startswith("  nothing was due\n  api was removed from the configuration (incident 1)\n")
    assert prober("run", "--due").out == "  nothing was due\n"
    assert prober("incidents", "list", "--open", "--json").out.count("number") == 0


@pytest.mark.parametrize("command", ["run", "serve", "status"])
def test_the_configuration_is_never_taken_for_a_damaged_store(
    configure: Configure, prober: RunProber, folder: Path, command: str
) -> None:
    path = configure()
    text, before = path.read_text(), sorted(folder.iterdir())
    ran = prober("--db", "./probes.toml", command)
    assert (ran.code, ran.out) == (5, "")
    assert "this is the configuration, not a store; name another file (it comes from --db)" in ran.err
    assert (path.read_text(), sorted(folder.iterdir())) == (text, before)


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_file_that_never_was_a_store_stays_where_it_is(
    configure: Configure, prober: RunProber, folder: Path, command: str
) -> None:
    configure()
    (folder / "letter.txt").write_text("Dear Ann, " * 100)
    before = sorted(folder.iterdir())
    ran = prober("--db", "letter.txt", command)
    assert (ran.code, ran.out) == (5, "")
    assert "letter.txt: no database, and nothing says that it ever was a store of prober" in ran.err
    assert "or move this one away" in ran.err
    assert sorted(folder.iterdir()) == before


def test_a_store_of_any_name_whose_first_page_is_damaged_is_set_aside(
    configure: Configure, prober: RunProber, folder: Path
) -> None:
    configure()
    prober("--db", "mine.db", "run")
    whole = (folder / "mine.db").read_bytes()
    (folder / "mine.db").write_bytes(b"?" * 4096 + whole[4096:])
    ran = prober("--db", "mine.db", "run")
    assert ran.code == 5
    assert len(list(folder.glob("mine.db.corrupt-*"))) == 1


def test_a_file_with_nothing_in_it_becomes_a_store(configure: Configure, prober: RunProber, folder: Path) -> None:
    configure()
    (folder / "mine.db").touch()
    assert prober("--db", "mine.db", "run").code == 0


def test_a_mail_that_is_not_due_is_not_said_to_be_refused_again(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    web.break_down()
    first, second = prober("run").err, prober("run").err
    assert re.search(r"ops@acme.example: 450 4.2.0 come again; next try at \d\d:\d\d:\d\d UTC\n", first)
    said = r"ops@acme.example: not tried now, next try at \d\d:\d\d:\d\d UTC; the last time: 450 4.2.0 come again\n"
    assert re.search(said, second)
