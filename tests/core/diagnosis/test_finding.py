from __future__ import annotations

from itertools import product

import pytest

from prober.core.diagnosis import Area, Finding, count, exit_code, fine, note, rough, worst, wrong

CODES: dict[Area, int] = {"configuration": 3, "secrets": 3, "store": 5, "lock": 5, "clock": 1, "mail": 1, "alerts": 1}


def of(areas: tuple[Area, ...]) -> list[Finding]:
    return [wrong(area, "m", "a") for area in areas]


@pytest.mark.parametrize("areas", [*product(CODES), *product(CODES, repeat=2)])
def test_the_configuration_comes_before_the_store_and_that_before_the_rest(areas: tuple[Area, ...]) -> None:
    codes = {CODES[area] for area in areas}
    assert exit_code(of(areas)) == (3 if 3 in codes else 5 if 5 in codes else 1)


def test_what_is_not_wrong_leaves_the_exit_code_alone() -> None:
    assert exit_code([fine("store", "m"), note("configuration", "m", "a")]) == 0
    assert exit_code([]) == 0


@pytest.mark.parametrize(
    ("findings", "state", "counts"),
    [
        ([], "ok", (0, 0, 0)),
        ([fine("mail", "m")], "ok", (1, 0, 0)),
        ([fine("mail", "m"), note("mail", "m", "a")], "note", (1, 1, 0)),
        ([note("mail", "m", "a"), wrong("mail", "m", "a"), note("mail", "m", "a")], "wrong", (0, 2, 1)),
    ],
)
def test_the_most_serious_state_stands_for_all(
    findings: list[Finding], state: str, counts: tuple[int, int, int]
) -> None:
    assert worst(findings) == state
    assert (count(findings, "ok"), count(findings, "note"), count(findings, "wrong")) == counts


@pytest.mark.parametrize(
    ("duration_ms", "shown"),
    [
        (-5, "0s"),
        (999, "0s"),
        (1_999, "1s"),
        (61_500, "1m1s"),
        (3_600_000, "1h"),
        (7_599_999, "2h6m"),
        (93_784_000, "1d2h"),
        (10 * 86_400_000, "10d"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(duration_ms: int, shown: str) -> None:
    assert rough(duration_ms) == shown
