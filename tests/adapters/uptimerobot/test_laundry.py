"""One field, written in several ways, is one value."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.uptimerobot import laundry


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (7, 7),
        ("7", 7),
        (" 7 ", 7),
        ("7.000", 7),
        (7.0, 7),
        (-1, -1),
        ("-1", -1),
        ("", None),
        (None, None),
        ("7.5", None),
        (7.5, None),
        ("seven", None),
        ("\u0667", None),
        (True, None),
        (float("inf"), None),
        (float("nan"), None),
        (10**40, None),
        ("9" * 5000, None),
        ([7], None),
    ],
)
def test_a_whole_number_is_one_however_it_is_written(written: Any, meant: int | None) -> None:
    assert laundry.whole(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("99.98", 99.98),
        (99.98, 99.98),
        (100, 100.0),
        ("100", 100.0),
        ("", None),
        (None, None),
        (-1, None),
        (True, None),
    ],
)
def test_a_decimal_is_one_however_it_is_written(written: Any, meant: float | None) -> None:
    assert laundry.decimal(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [(1_800_000_000, 1_800_000_000_000), ("1800000000", 1_800_000_000_000), (0, None), (-5, None), (10**14, None)],
)
def test_epoch_seconds_are_a_moment_unless_they_are_none(written: Any, meant: int | None) -> None:
    assert laundry.moment_ms(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("R&D", "R&D"),
        ("R&amp;D", "R&D"),
        ("R&amp;D &quot;lab&quot;", 'R&D "lab"'),
        ("R&D &quot;lab&quot;", "R&D &quot;lab&quot;"),
        ("it&#039;s", "it's"),
        ("a &amp;lt; b", "a &lt; b"),
        ("two\nlines\x1b[31m", "two lines"),
        ("half \ud800", "half \ufffd"),
        (None, ""),
        (7, ""),
    ],
)
def test_a_name_is_as_a_person_wrote_it(written: Any, meant: str) -> None:
    assert laundry.text(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
        ("https://a.example/?a=1&copy=2", "https://a.example/?a=1&copy=2"),
        ("https://a.example/?q=&quot;x&quot;", "https://a.example/?q=&quot;x&quot;"),
        ("a.example", "a.example"),
        ("http://[::1", None),
        ("https://a.example/ b", None),
        ("https://a.example/\n", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_an_address_is_as_a_person_wrote_it_if_that_is_one(written: Any, meant: str | None) -> None:
    assert laundry.url(written) == meant


@given(st.text())
def test_what_was_escaped_once_comes_back(name: str) -> None:
    assert laundry.unescaped(html.escape(name)) == name
