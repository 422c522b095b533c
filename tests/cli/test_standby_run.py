"""`prober run` behind UptimeRobot: quiet while it watches, in a loud voice while it does not, told once."""

from __future__ import annotations

import email
import json
from email import policy
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.behind import ALONE, BLOG, NOWHERE, QUICK
from tests.servers.uptimerobot import Log, Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.behind import Behind
    from tests.servers.uptimerobot import Account

SILENT = "[PROBER] UptimeRobot silent: standing in"
UNREACHABLE = "[PROBER] UptimeRobot unreachable: standing in"
BACK = "[PROBER] UptimeRobot is back: standing by"
REJECTED = "[PROBER] UptimeRobot rejects our key: standing in"
DOWN = "[DOWN P1] api: status 503 (inc 1)"
HOUR_S = 3_600


def body(behind: Behind, number: int) -> str:
    part = email.message_from_bytes(behind.smtp.mails[number].content, policy=policy.default).get_body(("plain",))
    return str(part.get_content()) if part else ""


def hold_an_outage(behind: Behind, *extra: str, **options: Any) -> None:
    """Let the service fall while UptimeRobot watches."""
    behind.use(*extra, **options)
    assert behind.told() == []
    behind.web.break_down()
    assert behind.told() == []


def pause(account: Account) -> None:
    account.monitor("API").status = 0


def wear_out(account: Account) -> None:
    account.monitor("API").sample_age_s = HOUR_S


def delete(account: Account) -> None:
    account.monitors = [each for each in account.monitors if each.name != "API"]


def test_while_they_watch_an_outage_is_recorded_and_held(behind: Behind) -> None:
    hold_an_outage(behind)
    (held,) = behind.incidents()
    assert (held["probe"], held["announced_at"], held["ended_at"]) == ("api", None, None)
    assert behind.told() == []
    behind.web.heal()
    assert behind.told() == []
    (over,) = behind.incidents()
    assert (over["closed_as"], over["announced_at"]) == ("recovered", None)


def test_status_and_incidents_say_who_tells(behind: Behind) -> None:
    hold_an_outage(behind, ALONE.replace(NOWHERE, f"{behind.web.url}/alone").replace("failures = 1", "failures = 9"))
    shown = behind.status()
    assert (shown["role"], [each.get("role") for each in shown["probes"]]) == ("standby", [None, "standing-in"])
    assert "held" in behind.prober("incidents", "list").out
    pause(behind.account)
    behind.told()
    assert [each.get("role") for each in behind.status()["probes"]] == ["standing-in"] * 2
    behind.account.stop_looking()
    behind.told(after_s=HOUR_S)
    shown = behind.status()
    assert (shown["role"], [each.get("role") for each in shown["probes"]]) == ("standing-in", [None, None])
    assert "held" not in behind.prober("incidents", "list").out


def test_two_stale_looks_of_one_run_bring_the_role_mail_and_what_was_held(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.account.stop_looking()
    before = behind.looks()
    assert behind.told(after_s=HOUR_S) == [SILENT, DOWN]
    assert behind.looks() - before == 2
    assert "standing-in" in body(behind, 1)
    assert behind.incidents()[0]["announced_at"] is not None
    assert behind.told() == []


def test_the_role_is_an_event_of_the_run(behind: Behind) -> None:
    behind.use()
    behind.account.stop_looking()
    shown = json.loads(behind.run("--json", after_s=HOUR_S).out)
    assert [(each["kind"], each["probe"], each["incident"]) for each in shown["events"]] == [
        ("standing_in", None, None)
    ]
    behind.account.look_again()
    assert behind.run("--fail-on", "down").code == 0
    assert behind.subjects() == [SILENT, BACK]


def test_a_quiet_run_has_nothing_for_cron_while_somebody_else_tells(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.later(60)
    assert behind.prober("-q", "run").out == ""
    behind.account.stop_looking()
    behind.later(3600)
    shown = behind.prober("-q", "run").out
    assert "status 503" in shown
    assert "api: incident 1 is told now; it was held until then" in shown


@pytest.mark.parametrize("blind", [pause, wear_out, delete])
def test_where_they_are_blind_for_one_probe_that_one_alone_is_told(
    behind: Behind, blind: Callable[[Account], None]
) -> None:
    behind.account.monitors.append(Monitor(id=3, name="Other", url=NOWHERE, status=9, sample_age_s=None))
    hold_an_outage(behind, ALONE)
    blind(behind.account)
    assert behind.told() == ["[PROBER] UptimeRobot is blind for api: standing in", DOWN.replace("inc 1", "inc 2")]
    assert [each["probe"] for each in behind.incidents() if each["announced_at"] is None] == ["alone"]


def test_a_probe_without_a_monitor_is_never_held(behind: Behind) -> None:
    behind.use(ALONE)
    assert behind.told() == ["[DOWN P1] alone: refused (inc 1)"]
    behind.web.break_down()
    assert behind.told() == []


def test_a_probe_is_linked_by_its_number_where_the_urls_differ(behind: Behind) -> None:
    behind.account.monitor("API").url = "https://api.acme.example/"
    hold_an_outage(behind, probe=f"{QUICK}\nuptimerobot_id = 1")


def test_what_they_see_as_down_is_watched_however_old_its_last_sample(behind: Behind) -> None:
    hold_an_outage(behind)
    theirs = behind.account.monitor("API")
    theirs.status, theirs.sample_age_s, theirs.logs = 9, 30 * HOUR_S, [Log(at_s=behind.account.now_s)]
    assert [behind.told(after_s=HOUR_S) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("mood", ["500", "502", "garbage", "wrong shape", "redirect", "cut", "refuses"])
def test_three_looks_without_an_answer_are_one_too_many(behind: Behind, mood: Any) -> None:
    hold_an_outage(behind)
    behind.account.mood = mood
    before = behind.looks()
    told = behind.told()
    assert told[0].startswith("[PROBER] UptimeRobot ")
    assert (told[1:], behind.looks() - before) == ([DOWN], 3)
    assert "gave no answer that tells anything in three looks" in body(behind, 0)


def test_one_look_without_an_answer_changes_nothing(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.account.moods.append("502")
    assert behind.told() == []


def test_where_nothing_answers_we_are_the_ones_who_are_offline(behind: Behind) -> None:
    path = behind.use(f'[connectivity]\nurls = ["{NOWHERE}"]')
    assert behind.told() == []
    nothing = path.read_text().replace(behind.url, "http://127.0.0.1:1/v2/").replace(behind.web.url, NOWHERE)
    path.write_text(nothing)
    assert [behind.run("--deadline", "3s").code for _ in range(3)] == [6, 6, 6]
    assert (behind.subjects(), behind.incidents()) == ([], [])
    path.write_text(nothing.replace(f'urls = ["{NOWHERE}"]', f'urls = ["{behind.web.url}"]'))
    told = behind.told()
    assert told[0].startswith("[PROBER] UptimeRobot ")
    assert told[1:] == ["[DOWN P1] api: refused (inc 1)"]


@pytest.mark.parametrize("mood", ["429", "429 json"])
def test_who_asks_us_to_wait_is_not_asked_before_and_trusted_for_15_minutes(behind: Behind, mood: Any) -> None:
    hold_an_outage(behind)
    behind.account.mood, behind.account.retry_after = mood, "300"
    before = behind.looks()
    assert [behind.told(after_s=each) for each in (60, 100, 100, 60, 60)] == [[]] * 5
    assert behind.looks() - before == 2
    assert [behind.told(after_s=260), behind.told(after_s=60)] == [[], []]
    told = behind.told(after_s=300)
    assert told[0].startswith("[PROBER] UptimeRobot ")
    assert told[1:] == [DOWN]
    assert "come back later" in body(behind, 0)


@pytest.mark.parametrize("mood", ["401", "403", "bad key"])
def test_a_key_that_is_refused_is_said_once_and_we_speak(behind: Behind, mood: Any) -> None:
    hold_an_outage(behind)
    behind.account.mood = mood
    assert behind.told() == [REJECTED, DOWN]
    assert [behind.told(after_s=7 * HOUR_S) for _ in range(4)] == [[], [], [], [REJECTED]]


def test_who_says_up_while_we_say_down_is_told_of_once(behind: Behind) -> None:
    hold_an_outage(behind)
    told = [behind.told(after_s=240) for _ in range(8)]
    assert [each for each in told if each] == [["[PROBER] UptimeRobot says up, we say down: api (inc 1)"]]
    assert behind.incidents()[0]["announced_at"] is None


def test_a_recovery_goes_to_those_who_were_told_also_when_they_watch_again(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.account.stop_looking()
    assert behind.told(after_s=HOUR_S) == [SILENT, DOWN]
    behind.use(to='ops@acme.example", "new@acme.example')
    behind.account.look_again()
    assert behind.told() == [BACK, BACK]
    behind.web.heal()
    (recovery,) = behind.told()
    assert recovery.startswith("[UP after")
    assert behind.smtp.mails[-1].recipient == "ops@acme.example"
    behind.web.break_down()
    assert behind.told() == []


def test_an_outage_that_begins_while_we_stand_in_is_told_at_once(behind: Behind) -> None:
    behind.use()
    behind.account.stop_looking()
    assert behind.told(after_s=HOUR_S) == [SILENT]
    behind.web.break_down()
    assert behind.told() == [DOWN]


@pytest.mark.parametrize("was_told", [True, False])
def test_what_a_person_resolves_is_told_to_those_who_were_told(behind: Behind, *, was_told: bool) -> None:
    hold_an_outage(behind)
    if was_told:
        behind.account.stop_looking()
        behind.told(after_s=HOUR_S)
        behind.account.look_again()
        assert behind.told() == [BACK]
    assert behind.prober("incidents", "resolve", "1").code == 0
    told = behind.told()
    assert [each.split()[0] for each in told] == (["[RESOLVED"] if was_told else [])


def test_a_run_that_is_to_tell_nobody_leaves_what_is_held_for_the_next(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.account.stop_looking()
    assert behind.told("--no-alert", after_s=HOUR_S) == []
    assert DOWN in behind.told()


def test_without_standby_the_same_outage_is_told_at_once_and_they_are_not_asked(behind: Behind) -> None:
    behind.use(standby="")
    behind.web.break_down()
    assert (behind.told(), behind.looks()) == ([DOWN], 0)


def test_what_was_held_is_told_when_standby_leaves_the_configuration(behind: Behind) -> None:
    hold_an_outage(behind)
    behind.use(standby="")
    assert behind.told() == [DOWN]


def test_more_than_a_page_of_monitors_is_one_look(behind: Behind) -> None:
    behind.account.monitors = [
        *(Monitor(id=100 + number, name=str(number), url=f"{BLOG}{number}") for number in range(60)),
        *behind.account.monitors,
    ]
    hold_an_outage(behind)
