from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prober.core.model import Kind, Outcome
from prober.core.report import Notice, StatusReport
from prober.render.actions import annotate, defused
from tests.render.actions.reports import NOW, incident, probe, report, reports, result, texts, trouble

COMMANDS = ("error", "warning", "notice", "debug", "group", "add-mask", "stop-commands", "set-output", "save-state")
FORGED = (
    "::error::x",
    "::error title=a::x",
    "  \t::add-mask::a",
    "\u00a0\u2003::stop-commands::x",
    "log\r::error::x",
    "log\n::error::x",
    "\u200b::error::x",
    "\ufe0f:\ufe0f:error::x",
    ":\u200b:error::x",
    ":\xad:error:\u2060:x",
    "##[error]x",
    "in a line ##[add-mask]x",
    "#\u200b#\ufe0f[error]x",
    "###[error]x",
    "log\r\n##[group]x",
)
forged = st.lists(st.sampled_from((*FORGED, ":", "#", "[", "error", "]", "\n", " ", "\u200b", "\ufe0f")) | texts).map(
    "".join
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    properties: dict[str, str] = field(default_factory=dict)
    data: str


def obeyed(output: str) -> list[Command]:
    """Do as a runner does with what a job prints: it reads lines, and does not see what nobody sees."""
    lines = map(seen, re.split(r"\r\n|\r|\n", output))
    return [found for line in lines if (found := modern(line.lstrip()) or ancient(line)) is not None]


def seen(line: str) -> str:
    hidden = {"Cc", "Cf", "Mn", "Co", "Cn", "Cs"}
    return "".join(c for c in line if c in "\t\v\f" or unicodedata.category(c) not in hidden)


def modern(line: str) -> Command | None:
    found = re.match(r"::(.*?)::(.*)", line)
    if found is None:
        return None
    name, _, properties = found[1].partition(" ")
    pairs = [each.partition("=") for each in properties.strip().split(",") if each]
    named = {key: unescaped(value.replace("%3A", ":").replace("%2C", ",")) for key, _, value in pairs}
    return Command(name=name, properties=named, data=unescaped(found[2])) if name in COMMANDS else None


def ancient(line: str) -> Command | None:
    found = re.search(r"##\[(.*?)\](.*)", line)
    name = found[1].partition(" ")[0] if found else None
    return Command(name=name, data=found[2]) if found and name in COMMANDS else None


def unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@pytest.mark.parametrize("text", FORGED)
def test_what_a_runner_would_obey_is_defused(text: str) -> None:
    assert len(obeyed(text)) == 1
    assert obeyed(defused(text)) == []


@given(forged)
def test_no_line_of_any_text_is_obeyed(text: str) -> None:
    assert obeyed(defused(text)) == []


@given(forged)
def test_defusing_twice_changes_nothing(text: str) -> None:
    assert defused(defused(text)) == defused(text)


@given(forged)
def test_defused_text_keeps_its_lines(text: str) -> None:
    assert defused(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "  14:12:03   api   + ok   61 ms\n  web ✓\n",
        '{"detail": "got [2001:db8::1]:443"}',
        "## [a](b)",
        "a :: b",
        ": a",
        "",
    ],
)
def test_what_people_read_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", [":" * 200_000, "#" * 200_000, "漢" * 200_000, ":漢" * 100_000, "#漢" * 100_000])
def test_defusing_is_linear(text: str) -> None:
    assert len(defused(text)) >= 200_000


def test_what_is_wrong_is_annotated_worst_first() -> None:
    assert annotate(trouble(), ["the state was not saved: 100 % full"]) == [
        "::error title=prober::the state was not saved: 100 %25 full",
        "::error title=prober::alerts not delivered yet: 2; every run tries them again",
        "::warning title=prober::status 503, expected 2xx",
        "::error title=api is down::incident 43, for 12 min: status 503, expected 2xx",
        "::warning title=ready is slow::incident 42, for 52 min",
    ]


def test_when_all_is_well_nothing_is_annotated() -> None:
    assert annotate(report(probe("api"), probe("web", "paused"))) == []


@pytest.mark.parametrize(("number", "last"), [(10, "p9 is down"), (11, "2 more"), (50, "41 more")])
def test_there_are_at_most_ten_annotations(number: int, last: str) -> None:
    down = [probe(f"p{each}", "down", None, incident(each, f"p{each}", Kind.DOWN, 12)) for each in range(number)]
    told = annotate(report(*down))
    assert len(told) == 10
    assert obeyed(told[-1])[0].properties == {"title": last}


@given(reports, st.lists(texts, max_size=12))
def test_annotations_are_the_commands_that_they_were_meant_to_be(any_report: StatusReport, said: list[str]) -> None:
    told = annotate(any_report, said)
    commands = obeyed("\n".join(told))
    assert len(commands) == len(told) <= 10
    assert {each.name for each in commands} <= {"error", "warning"}
    assert all(each.properties.keys() <= {"title"} for each in commands)
    assert not [each for each in commands if set("\r\n") & {*each.data, *each.properties.get("title", "")}]
    assert max(map(len, told), default=0) < 2_100


@pytest.mark.parametrize("text", ["100 % of it", "%0A::error::x", "%25", "a, title=b::c", "%3A%2C"])
def test_an_annotation_says_what_was_said(text: str) -> None:
    (told,) = annotate(report(), [text])
    assert obeyed(told) == [Command(name="error", properties={"title": "prober"}, data=text)]


@given(texts)
@example("a,line=1::b%2C")
def test_a_title_ends_where_it_should(name: str) -> None:
    down = probe(name, "down", result(name, Outcome.FAILED), incident(1, name, Kind.DOWN, 12, "broken"))
    (told,) = annotate(report(down))
    (command,) = obeyed(told)
    assert command.properties.keys() == {"title"}
    assert command.data == "incident 1, for 12 min: broken"


def test_a_notice_is_a_warning() -> None:
    told = annotate(replace(report(), notices=(Notice(name="mail", since_ms=NOW, text="refused"),)))
    assert told == ["::warning title=prober::refused"]


def test_what_is_in_maintenance_needs_nobody() -> None:
    open_one = incident(43, "api", Kind.DOWN, 12)
    assert len(annotate(report(probe("api", "down", None, open_one)))) == 1
    assert annotate(report(probe("api", "maintenance", None, open_one))) == []
