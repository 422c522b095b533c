from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from prober.core.importing.account import Assignment, Contact, Window
from prober.core.importing.plan import Plan, Present
from prober.render.imported import added_text, new_text
from tests.core.importing.tables import monitor, plan_of
from tests.fakes import MIN_MS, T0

OPS = Contact(id="1", kind="e-mail", value="ops@acme.example")


def new(plan: Plan, url: str | None = None) -> str:
    return new_text(plan, key_name="UR_KEY", url=url)


def added(plan: Plan, before: str) -> str:
    return added_text(plan, before, key_name="UR_KEY", url=None)


def test_a_new_file_says_what_it_is_and_holds_all_that_is_needed() -> None:
    text = new(plan_of(monitor(auth="bearer"), monitor(id=8, kind="ping", name="Router")))
    assert text.startswith("# What prober watches, and whom it tells.")
    assert "#   API_TOKEN  the bearer token\n" in text
    assert "# Nobody is told yet." in text
    assert text.endswith("\n# Not carried over from UptimeRobot:\n#   Router: ping: prober asks with HTTP only\n")
    assert list(tomllib.loads(text)) == ["defaults", "probe", "connectivity"]


def test_a_probe_says_what_differs_from_most() -> None:
    often = {"interval_s": 60, "timeout_s": 10}
    text = new(plan_of(monitor(id=1, name="a", **often), monitor(id=2, name="b", **often), monitor(id=3, name="c")))
    data = tomllib.loads(text)
    assert (data["defaults"]["interval"], data["defaults"]["timeout"]) == ("1m", "10s")
    assert [probe.get("interval") for probe in data["probe"].values()] == [None, None, "5m"]
    assert [probe.get("timeout") for probe in data["probe"].values()] == [None, None, "30s"]


def test_keys_stand_in_one_order_below_what_is_to_know_of_them() -> None:
    text = new(
        plan_of(monitor(method="GET", success_codes=("200", "x"), headers=("X-Key",), auth="basic", username="me"))
    )
    assert text.partition("[probe.api]\n")[2].partition("\n\n")[0] == (
        '# the status code "x" was not carried over: it is none\n'
        'url = "https://acme.example/"\n'
        'name = "API"\n'
        "uptimerobot_id = 7\n"
        'method = "GET"\n'
        'headers.X-Key = "${API_X_KEY}"\n'
        'auth = { username = "${API_USERNAME}", password = "" }\n'
        "expect.status = [200]"
    )


def test_whom_to_tell_stands_as_init_writes_it() -> None:
    remind = (Assignment(contact="1", again_min=30),)
    data = tomllib.loads(new(plan_of(monitor(assignments=remind), contacts=(OPS,))))
    assert data["alert"]["email"] == {
        "to": ["ops@acme.example"],
        "from": "ops@acme.example",
        "remind": "30m",
        "server": "localhost",
        "security": "none",
    }


def test_standing_by_is_a_comment_to_take_in() -> None:
    def taken_in(text: str) -> Any:
        block = text.partition("(docs/uptimerobot.md):\n")[2].partition("\n\n")[0]
        return tomllib.loads(block.replace("# ", ""))

    standby = {"behind": "uptimerobot", "api_key": "${UR_KEY}"}
    assert taken_in(new(plan_of(monitor()))) == {"standby": standby}
    other = taken_in(new(plan_of(monitor()), url="https://proxy.example/$/v2/"))
    assert other == {"standby": {**standby, "url": "https://proxy.example/$$/v2/"}}


def test_windows_are_tables_with_what_is_doubtful_above_them() -> None:
    window: dict[str, Any] = {"duration_min": 45, "recurrence": "daily", "minute": 150}
    windows = (
        Window(id="1", **window),
        Window(id="2", **{**window, "recurrence": "once", "start_ms": T0 + MIN_MS}),
        Window(id="3", **{**window, "recurrence": "daily", "minute": 90}),
    )
    names = [f"probe with quite a long name {number}" for number in range(4)]
    monitors = [monitor(id=each, name=name, windows=("1", "2", "3")) for each, name in enumerate(names, 1)]
    text = new(plan_of(*monitors, windows=windows, timezone="60"))
    assert re.findall("name the real one.*\n\\[\\[maintenance]]\n.*\n?(?:  .*\n)*]?\n?(cron|start)", text) == [
        "cron",
        "cron",
    ]
    assert text.count("name the real one") == 2
    assert 'probes = [\n  "probe-with-quite-a-long-name-0",\n' in text
    assert "start = 2026-09-21T14:14:20Z\n" in text
    first, second, _ = tomllib.loads(text)["maintenance"]
    assert (first["cron"], first["timezone"], len(first["probes"])) == ("30 2 * * *", "Etc/GMT-1", 4)
    assert set(second) == {"probes", "start", "duration"}


def test_a_short_list_of_probes_stands_on_one_line() -> None:
    windows = (Window(id="1", duration_min=45, recurrence="daily", minute=150),)
    text = new(plan_of(monitor(windows=("1",)), windows=windows, timezone="UTC"))
    assert '\n[[maintenance]]\nprobes = ["api"]\ncron = ' in text


@pytest.mark.parametrize("name", ["${HOME}", "a\nb", "\u202ex", "x" * 500, "\x1b[31m"])
def test_nothing_acts_in_a_comment(name: str) -> None:
    text = new(plan_of(monitor(), monitor(id=8, kind="ping", name=name)))
    line = text.splitlines()[-1]
    assert line.startswith("#   ")
    assert line.isprintable()
    assert len(line) <= 200
    assert "${" not in line.replace("$$", "")


@pytest.mark.parametrize("before", ["", "title = 'a'", "title = 'a'\n", "title = 'a'\r\n"])
def test_what_is_added_stands_behind_the_end_in_the_line_ends_of_the_file(before: str) -> None:
    text = added(plan_of(monitor(), contacts=(OPS,)), before)
    data = tomllib.loads(before + text)
    assert data["probe"]["api"]["interval"] == "5m"
    assert data["alert"]["email"]["to"] == ["ops@acme.example"]
    assert (text.count("\n") == text.count("\r\n")) is ("\r\n" in before)
    assert "\n[standby]" not in text
    assert "# [standby]" in text


def test_what_a_file_says_already_is_not_added_again() -> None:
    ping = monitor(id=8, kind="ping", name="Router")
    first = new(plan_of(monitor(), ping, contacts=(OPS,)))
    standing = Present(ids=["api"], monitor_ids=[7], has_channels=True)
    text = added(
        plan_of(monitor(), ping, monitor(id=9, name="New", kind="http"), contacts=(OPS,), present=standing), first
    )
    assert text.splitlines()[:3] == ["", "# Added from UptimeRobot.", ""]
    assert [line for line in text.splitlines() if line.startswith("[")] == ["[probe.new]"]
    assert "standby" not in text
    assert "Router" not in text
