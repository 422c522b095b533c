from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.render.columns import Colour, Column, cells_of, fold, lay_out


def in_brackets(word: str, colour: Colour) -> str:
    return f"<{colour}>{word}</>"


def test_cells_line_up_on_either_side() -> None:
    columns = [
        Column(title="A", cells=["x", "long"], gap=1),
        Column(title="N", cells=["1", "100"], gap=2, is_right=True),
    ]
    assert lay_out(columns) == [" A       N", " x       1", " long  100"]


def test_a_column_has_its_least_width() -> None:
    assert lay_out([Column(title="A", cells=["x"], least=4, gap=0), Column(title="B", cells=["y"], gap=1)]) == [
        "A    B",
        "x    y",
    ]


def test_wide_and_combining_characters_line_up() -> None:
    cells = ["漢字", "e\u0301", "abcd"]
    lines = lay_out([Column(title="", cells=cells, gap=0), Column(title="", cells=["|"] * 3, gap=1)])
    assert {cells_of(line) for line in lines[1:]} == {6}


def test_columns_that_do_not_fit_are_left_out_from_the_right_and_the_first_stays() -> None:
    columns = [Column(title=letter * 4, cells=[letter], gap=1) for letter in "abc"]
    first_lines = [lay_out(columns, width=width)[0] for width in (15, 14, 10, 9, 1)]
    assert first_lines == [" aaaa bbbb cccc", " aaaa bbbb", " aaaa bbbb", " aaaa", " aaaa"]


def test_a_painted_cell_keeps_its_width_and_an_unpainted_one_is_plain() -> None:
    columns = [
        Column(title="S", cells=["up", "x"], least=3, gap=0, colours=["green", None]),
        Column(title="T", cells=["1", "2"], gap=1),
    ]
    assert lay_out(columns, paint=in_brackets) == ["S   T", "<green>up </> 1", "x   2"]


@given(st.lists(st.text(st.characters(categories=["L", "N"]), max_size=10), min_size=1, max_size=5))
def test_what_follows_a_column_always_begins_at_the_same_cell(cells: list[str]) -> None:
    lines = lay_out([Column(title="TITLE", cells=cells, gap=2), Column(title="|", cells=["|"] * len(cells), gap=1)])
    assert len({cells_of(line) for line in lines}) == 1


def test_a_column_that_can_shrink_is_cut_to_what_is_left_but_not_to_nothing() -> None:
    columns = [Column(title="A", cells=["12345678"], gap=0), Column(title="B", cells=["x" * 40], can_shrink=True)]
    cut_to = [lay_out(columns, width=width)[1] for width in (60, 51, 50, 23, 22)]
    assert cut_to == [
        "12345678   " + "x" * 40,
        "12345678   " + "x" * 40,
        "12345678   " + "x" * 36 + "...",
        "12345678   " + "x" * 9 + "...",
        "12345678",
    ]


def test_what_does_not_fit_may_follow_below_its_row() -> None:
    columns = [
        Column(title="A", cells=["1", "2", "3"], gap=2),
        Column(title="NEXT", cells=["in 1 min", "-", "now"], gap=1),
        Column(title="WHY", cells=["not today, not ever", "", "later"], gap=1),
        Column(title="", cells=["x", "y", ""], gap=1),
    ]
    assert lay_out(columns, width=20, keeps_all=True) == [
        "  A NEXT",
        "  1 in 1 min",
        "    why: not today,",
        "        not ever",
        "    x",
        "  2 -",
        "    y",
        "  3 now",
        "    why: later",
    ]
    narrow = "\n".join(lay_out(columns, width=11, keeps_all=True))
    assert "\n  2\n    y\n  3\n    next:\n        now\n" in narrow
    assert lay_out(columns, width=40, keeps_all=True) == lay_out(columns)


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("", [""]),
        ("  one two", ["  one two"]),
        ("  one  two 345", ["  one  two", "> 345"]),
        ("  one  two three  four", ["  one  two", "> three", "> four"]),
        ("  \x1b[31mred\x1b[0m  \x1b[1mtwo\x1b[0m 345", ["  \x1b[31mred\x1b[0m  \x1b[1mtwo\x1b[0m", "> 345"]),
        ("  \u6f22\u5b57 \u6f22\u5b57", ["  \u6f22\u5b57", "> \u6f22\u5b57"]),
        ("https://a.example/", ["https://a.example/"]),
        ("  see https://a.example/ now", ["  see", "> https://a.example/", "> now"]),
        ("  trailing     ", ["  trailing"]),
    ],
)
def test_a_line_too_wide_is_broken_at_spaces_and_goes_on_below(line: str, folded: list[str]) -> None:
    assert fold(line, 10, hang="> ") == folded
    assert fold(line, None, hang="> ") == [line]


@given(st.lists(st.text("ab", min_size=1, max_size=8), max_size=8), st.integers(10, 30))
def test_folding_loses_no_word_and_fits(words: list[str], width: int) -> None:
    lines = fold(" ".join(words), width, hang="  ")
    assert " ".join(lines).split() == words
    assert all(cells_of(line) <= width for line in lines)
