from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prober.render.columns import Colour, Column, cells_of, lay_out


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
