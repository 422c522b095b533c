from __future__ import annotations

import pytest
from hypothesis import given

from prober.core.text import clean
from prober.render.actions.markdown import bullets, page, quoted, section, table
from tests.render.actions.reports import RENDERER, structure, texts


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("status 503, expected 2xx", "`status 503, expected 2xx`"),
        ("a`b", "`a'b`"),
        ("a|b", "`a¦b`"),
        ("a\r\nb", "`a b`"),
        ("  a ", "`a`"),
        ("", "`-`"),
        ("\x1b[31m\u200b\n", "`-`"),
        ("a" * 201, f"`{'a' * 197}...`"),
    ],
)
def test_text_from_outside_is_a_code_span(text: str, code: str) -> None:
    assert quoted(text) == code


@given(texts)
def test_any_text_is_one_code_span_and_shows_all_that_is_seen(text: str) -> None:
    spans = RENDERER.parseInline(quoted(text, 10_000))[0].children or []
    shown = clean(text).replace("`", "'").replace("|", "¦").strip()
    assert [(each.type, each.content) for each in spans] == [("code_inline", shown or "-")]


@given(texts)
def test_any_text_stays_in_its_cell_and_in_its_item(text: str) -> None:
    assert structure(*table(["a", "b"], [[quoted(text), "c"]])) == structure(*table(["a", "b"], [["`x`", "c"]]))
    assert structure(*bullets([f"1: {quoted(text)} up", "c"], 9)) == structure(*bullets(["1: `x` up", "c"], 9))


@pytest.mark.parametrize("attack", ["`<b>x</b>", "a|b", "a\n\n# b", "`[x](https://evil.example)"])
def test_between_mere_backticks_a_text_would_break_out(attack: str) -> None:
    assert structure(*table(["a", "b"], [[f"`{attack}`", "c"]])) != structure(*table(["a", "b"], [["`x`", "c"]]))


def test_the_columns_of_figures_stand_to_the_right() -> None:
    assert list(table(["Probe", "Uptime:"], [["`a`", "100 %"]])) == [
        "| Probe | Uptime |",
        "| --- | ---: |",
        "| `a` | 100 % |",
    ]


@pytest.mark.parametrize(
    ("items", "lines"),
    [([], []), (["a", "b"], ["- a", "- b"]), (["a", "b", "c", "d"], ["- a", "- b", "- and 2 more"])],
)
def test_a_long_list_says_how_much_is_left_out(items: list[str], lines: list[str]) -> None:
    assert list(bullets(items, 2)) == lines


def test_what_has_no_lines_leaves_no_trace() -> None:
    assert page(["a"], [], section("empty", []), section("full", ["b", "c"])) == "a\n\n### full\n\nb\nc\n"
