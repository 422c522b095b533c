from __future__ import annotations

import json

import pytest

from prober.core.diagnosis import Finding, fine, note, wrong
from prober.render.diagnosis import diagnosis, shape

LONG = " ".join(f"word{number}" for number in range(60))


def test_a_line_says_what_was_looked_at_what_was_found_and_what_to_do() -> None:
    findings = [fine("clock", "agrees"), note("mail", "none", "add one"), wrong("store", "is gone", "look for it")]
    assert diagnosis(findings) == (
        "  + ok     clock          agrees\n"
        "  ! note   mail           none\n"
        "                          -> add one\n"
        "  x wrong  store          is gone\n"
        "                          -> look for it\n"
        "\n"
        "  1 thing is wrong, 1 note\n"
    )


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([], "all is well"),
        ([fine("clock", "m")], "all is well"),
        ([note("clock", "m", "a")], "nothing is wrong, 1 note"),
        ([note("clock", "m", "a")] * 2, "nothing is wrong, 2 notes"),
        ([wrong("clock", "m", "a")], "1 thing is wrong"),
        ([wrong("clock", "m", "a")] * 2, "2 things are wrong"),
    ],
)
def test_the_last_line_says_what_it_comes_to(findings: list[Finding], said: str) -> None:
    assert diagnosis(findings).splitlines()[-1] == f"  {said}"


def test_it_is_eighty_columns_wide_and_loses_no_word() -> None:
    shown = diagnosis([wrong("configuration", LONG, LONG)])
    assert max(map(len, shown.splitlines())) <= 80
    assert " ".join(shown.split()).count("word59") == 2


def test_a_long_path_stays_whole() -> None:
    path = "/" + "very-long/" * 10
    assert path in diagnosis([fine("store", path)])


def test_nothing_in_a_message_acts() -> None:
    finding = wrong("mail", "550 \x1b[31m\u202e\nno", "do \x07 it")
    assert diagnosis([finding]).splitlines()[0] == "  x wrong  mail           550  no"
    assert json.loads(shape([finding], now_ms=0))["findings"][0]["message"] == "550  no"


def test_a_message_may_be_empty() -> None:
    assert diagnosis([fine("mail", "")]).splitlines()[0].rstrip() == "  + ok     mail"


def test_colour_is_only_on_the_sign() -> None:
    shown = diagnosis([fine("clock", "agrees")], paint=lambda word, colour: f"<{colour}>{word}</>")
    assert shown.splitlines()[0] == "  <green>+ ok     </>clock          agrees"


def test_json_has_one_object_for_each_finding() -> None:
    assert json.loads(shape([fine("clock", "agrees"), note("mail", "none", "add one")], now_ms=1_790_000_000_000)) == {
        "schema": 1,
        "generated_at": "2026-09-21T14:13:20Z",
        "state": "note",
        "findings": [
            {"area": "clock", "state": "ok", "message": "agrees", "advice": None},
            {"area": "mail", "state": "note", "message": "none", "advice": "add one"},
        ],
    }
