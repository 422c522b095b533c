from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from prober.cli import incidents as command

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web

NO_NUMBER = "is not the number of an incident. Take one from the column # of: prober incidents list"
KEYS = {
    "number",
    "probe",
    "kind",
    "severity",
    "started_at",
    "confirmed_at",
    "ended_at",
    "announced_at",
    "acknowledged_at",
    "acknowledged_by",
    "closed_as",
    "held",
    "false_positive",
    "in_maintenance",
    "reason",
    "detail",
    "checks",
}


@pytest.fixture
def two_incidents(configure: Configure, prober: RunProber, web: Web) -> None:
    """The first is over, the second open."""
    configure(f'[probe.two]\nurl = "{web.url}"\ntags = ["prod"]', probe="failures = 1\nrecoveries = 1\n")
    web.break_down()
    prober("run", "api")
    web.heal()
    prober("run", "api")
    web.break_down()
    prober("run", "api")


def test_there_are_none_at_first(configure: Configure, prober: RunProber) -> None:
    configure()
    assert prober("incidents", "list").out == "no incidents\n"
    assert json.loads(prober("incidents", "list", "--json").out) == {"schema": 1, "incidents": []}


@pytest.mark.usefixtures("two_incidents")
def test_the_newest_comes_first(prober: RunProber) -> None:
    lines = prober("incidents", "list").out.splitlines()
    assert [line.split()[:6] for line in lines[1:]] == [
        ["2", "api", "down", "P1", "x", "open"],
        ["1", "api", "down", "P1", "+", "recovered"],
    ]


@pytest.mark.usefixtures("two_incidents")
def test_json_is_as_promised(prober: RunProber) -> None:
    newest, oldest = json.loads(prober("incidents", "list", "--json").out)["incidents"]
    assert newest.keys() == oldest.keys() == KEYS
    assert (newest["number"], newest["closed_as"], newest["ended_at"]) == (2, None, None)
    assert (oldest["number"], oldest["closed_as"], oldest["reason"]) == (1, "recovered", "status")
    shown = json.loads(prober("incidents", "show", "1", "--json").out)
    assert shown == {"schema": 1, "incident": oldest, "notes": [], "alerts": []}


@pytest.mark.usefixtures("two_incidents")
@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ("", [2, 1]),
        ("--limit 1", [2]),
        ("--open", [2]),
        ("api", [2, 1]),
        ("two", []),
        ("--tag prod", []),
        ("--since 1h", [2, 1]),
        ("--until 1h", []),
        ("--since 2099-01-01", [2]),
    ],
)
def test_options_choose_what_is_listed(prober: RunProber, arguments: str, numbers: list[int]) -> None:
    listed = json.loads(prober("incidents", "list", "--json", *arguments.split()).out)["incidents"]
    assert [each["number"] for each in listed] == numbers


@pytest.mark.usefixtures("two_incidents")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_what_a_limit_leaves_out_is_said(prober: RunProber, as_json: list[str]) -> None:
    ran = prober("incidents", "list", "--limit", "1", *as_json)
    assert ran.err == "note: shown: 1 of 2 incidents. All of them: --limit 2\n"
    assert prober("incidents", "list", "--limit", "2", *as_json).err == ""


@pytest.mark.usefixtures("two_incidents")
def test_only_the_table_is_limited_unless_asked(prober: RunProber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SHOWN", 1)
    listed = prober("incidents", "list")
    assert (len(listed.out.splitlines()[1:]), listed.err.count("note: ")) == (1, 1)
    everything = prober("incidents", "list", "--json")
    assert (len(json.loads(everything.out)["incidents"]), everything.err) == (2, "")


@pytest.mark.usefixtures("two_incidents")
def test_one_is_shown_whole(prober: RunProber) -> None:
    shown = prober("incidents", "show", "1").out
    assert shown.startswith("  #1  api down   + recovered\n")
    assert "    why           status 503, expected 2xx" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "7"], "there is no incident 7. See: prober incidents list"),
        (["show", "0"], f'"0" {NO_NUMBER}'),
        (["show", "x"], f'"x" {NO_NUMBER}'),
        (["show", "99999999999999999999"], f'"99999999999999999999" {NO_NUMBER}'),
        (["show", "\u0664\u0662"], NO_NUMBER),
        (["ack", "foo"], f'"foo" {NO_NUMBER}'),
        (["note", "4.2", "words"], f'"4.2" {NO_NUMBER}'),
        (["false-positive", ""], f'"" {NO_NUMBER}'),
        (["resolve", "--", "-1"], f'"-1" {NO_NUMBER}'),
        (["show"], "Missing argument 'N'"),
        (["ack", "7"], "there is no incident 7. See: prober incidents list"),
        (["note", "7", "words"], "there is no incident 7."),
        (["note", "7"], "Missing argument 'TEXT'"),
        (["false-positive", "7"], "there is no incident 7."),
        (["resolve", "7"], "there is no incident 7."),
        (["list", "apj"], 'Did you mean "api"?'),
        (["list", "--limit", "0"], '--limit: "0" is not a number from 1 on. Write one, such as 20.'),
        (["list", "--limit", "all"], '--limit: "all" is not a number'),
        (["list", "--limit", str(2**63)], "is not a number from 1 on"),
        (["list", "--since", "x"], '--since: "x" is neither'),
    ],
)
def test_what_does_not_exist_exits_with_2(
    configure: Configure, prober: RunProber, arguments: list[str], said: str
) -> None:
    configure()
    ran = prober("incidents", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_number_is_looked_up_in_an_existing_store(configure: Configure, prober: RunProber) -> None:
    configure()
    prober("run")
    assert prober("incidents", "show", "7").code == 2
