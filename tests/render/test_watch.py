from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.model import Kind
from prober.render import table
from prober.render.columns import cells_of
from prober.render.watch import frame
from tests.render.test_table import NOW_MS, acme, incident, probe, report, window

if TYPE_CHECKING:
    from prober.core.report import ProbeStatus, ShownState, StatusReport
    from prober.render.columns import Colour

STATES: tuple[ShownState, ...] = ("up", "slow", "down", "unknown", "paused", "maintenance")


def painted(word: str, colour: Colour) -> str:
    return f"\x1b[{len(colour)}m{word}\x1b[0m"


def bare(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def many(*states: ShownState) -> StatusReport:
    def each(number: int, state: ShownState) -> ProbeStatus:
        shown = probe(f"p{number}", state, window("24h", 100))
        return replace(shown, open_incidents=(incident(shown.id, Kind.DOWN, 5),)) if state == "down" else shown

    return report(*(each(number, state) for number, state in enumerate(states)))


def test_a_window_that_is_large_enough_shows_the_whole_table_and_a_last_line() -> None:
    lines = frame(acme(), width=100, height=24)
    whole = table.status(acme(), width=100).splitlines()
    assert lines[: len(whole)] == whole
    assert set(lines[len(whole) : -1]) == {""}
    assert len(lines) == 24
    assert " ".join(lines[-1].split()) == "3 probes: 1 slow, 2 up 14:12:41 UTC q quits"
    assert cells_of(lines[-1]) == 98


def test_probes_in_trouble_come_first_where_not_all_fit_and_the_others_are_counted() -> None:
    shown = many("up", "paused", "slow", "up", "down", "unknown", "up", "up")
    lines = frame(shown, width=80, height=12)
    assert [line.split()[:3] for line in lines[3:]] == [
        ["p4", "x", "down"],
        ["p2", "!", "slow"],
        ["p5", "?", "unknown"],
        ["p0", "+", "up"],
        ["p3", "+", "up"],
        ["open", "#42", "p4"],
        ["and", "3", "more:"],
        [],
        ["8", "probes:", "1"],
    ]
    assert lines[9] == "  and 3 more: 2 up, 1 paused"


def test_all_fit_keeps_the_order_of_the_configuration() -> None:
    shown = many("up", "down", "slow")
    assert [line.split()[0] for line in frame(shown, width=80, height=20)[3:6]] == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("report_", "said"),
    [
        (report(), "  no probes"),
        (many("up"), "  1 probe: 1 up   "),
        (many(*("up",) * 1200), "  1,200 probes: 1,200 up "),
    ],
)
def test_the_last_line_counts_the_probes(report_: StatusReport, said: str) -> None:
    assert any(line.startswith(said) for line in frame(report_, width=80, height=9))


def test_what_keeps_the_report_from_being_fresh_stands_below_it_on_as_many_lines_as_it_needs() -> None:
    trouble = "/var/lib/prober/prober.db: database is locked;\nanother \u202eprocess is writing to it: try again"
    lines = frame(acme(), width=60, height=20, trouble=trouble)
    assert lines[-4] == ""
    assert lines[-3:-1] == [
        "  ! /var/lib/prober/prober.db: database is locked; another",
        "    process is writing to it: try again",
    ]
    assert lines[0].startswith("  Acme")


@pytest.mark.parametrize("height", [2, 3, 9])
def test_before_the_first_run_it_says_so(height: int) -> None:
    nothing = replace(report(replace(probe("api", "unknown"), last=None)), last_round_at_ms=None)
    assert frame(nothing, width=60, height=height)[:-1] == ["no checks yet", *[""] * (height - 2)]


def test_a_line_that_is_cut_ends_all_its_colours() -> None:
    lines = frame(many("down", "slow"), width=11, height=14, paint=painted)
    assert all(line.count("\x1b[0m") * 2 == line.count("\x1b[") for line in lines)
    assert all(cells_of(bare(line)) <= 11 for line in lines)
    assert "        \x1b[3mdow\x1b[0m" in lines


def test_no_half_of_a_wide_character_is_shown_and_nothing_after_it() -> None:
    shown = replace(many("up"), title="ab\u65e5cd")
    assert frame(shown, width=5, height=9)[0] == "  ab"
    assert frame(shown, width=6, height=9)[0] == "  ab\u65e5"


@given(
    states=st.lists(st.sampled_from(STATES), max_size=30),
    width=st.integers(1, 160),
    height=st.integers(1, 50),
    trouble=st.none() | st.text(max_size=300),
    is_painted=st.booleans(),
)
def test_a_frame_never_leaves_its_window(
    states: list[ShownState], width: int, height: int, trouble: str | None, is_painted: bool
) -> None:
    how = {"paint": painted} if is_painted else {}
    lines = frame(many(*states), width=width, height=height, trouble=trouble, **how)
    assert len(lines) == height
    assert all(cells_of(bare(line)) <= width for line in lines)
    assert bare(lines[-1]).startswith("  "[:width])


@given(states=st.lists(st.sampled_from(STATES), min_size=1, max_size=30), height=st.integers(9, 60))
def test_every_probe_is_either_shown_or_counted(states: list[ShownState], height: int) -> None:
    lines = frame(many(*states), width=120, height=height)
    shown = [line for line in lines if re.match(r"  p\d+ ", line)]
    rest = sum(int(found[1]) for line in lines if (found := re.match(r"  and (\d+) more: ", line)))
    assert len(shown) + rest == len(states)
    assert shown


def test_time_is_that_of_the_frame_not_of_the_reading() -> None:
    lines = frame(replace(acme(), generated_at_ms=NOW_MS + 60_000), width=100, height=20)
    assert "(1 min ago)" in lines[0]
    assert "14:13:41 UTC" in lines[-1]
