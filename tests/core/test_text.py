from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.text import clean, cut, decode, excerpt, scrub, scrub_start

SECRET = "hunter2-hunter2"
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90[]()P^_\\;01?m \x07\r\n\t\0\u202e\u2066\u200b\ufeff\ud800\udfffaé漢"),
        st.characters(categories=["L", "C", "Z", "N", "M", "S"]),
    )
)


def mask(text: str) -> str:
    return text.replace(SECRET, "***")


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("plain text", "plain text"),
        ("Grüße 漢字", "Grüße 漢字"),
        ("a\r\nb\tc\x0bd\x85e\u2028f", "a b c d e f"),
        ("a\0b\x08c\x7fd\x9fe", "abcde"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mred\x9b0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice control\x1b\\after", "after"),
        ("\x9dtitle\x9cafter", "after"),
        ("\x1b(Bcharset\x1bcreset", "charsetreset"),
        ("\x1b]unterminated", "unterminated"),
        ("cut off \x1b", "cut off "),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\U000e0041tag", "tag"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
    ],
)
def test_what_acts_is_removed_and_what_reads_stays(dirty: str, shown: str) -> None:
    assert clean(dirty) == shown


@given(HOSTILE)
def test_cleaned_text_encodes_stays_on_its_line_and_holds_nothing_invisible(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert len(cleaned.splitlines()) <= 1
    assert not [c for c in cleaned if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [c for c in cleaned if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}]


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("start", ["\x1b]", "\x9d", "\x1b[1;", "\x1b[ ", "\x1bP"])
@pytest.mark.timeout(5)
def test_cleaning_is_linear_also_for_sequences_that_never_end(start: str) -> None:
    assert "\x1b" not in clean(start * 200_000)


def test_a_secret_hidden_behind_invisible_characters_is_masked() -> None:
    assert scrub(f"a {SECRET} b hun\u200bter2-hun\x1b[0mter2 c", mask) == "a *** b *** c"


@pytest.mark.parametrize(
    ("text", "n", "shown"),
    [("abc", 3, "abc"), ("abcdef", 5, "ab..."), ("abcdef", 3, "..."), ("abcdef", 2, ".."), ("", 0, "")],
)
def test_text_that_is_too_long_ends_in_dots(text: str, n: int, shown: str) -> None:
    assert cut(text, n) == shown


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_is_never_longer_than_asked(text: str, n: int) -> None:
    assert len(cut(text, n)) <= n


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (b"\xef\xbb\xbfok", None, "ok"),
        ("é".encode(), "UTF-8", "é"),
        (b"\xe9", "iso-8859-1", "é"),
        (b"\xe9", ' "Latin-1"', "é"),
        ("é".encode("utf-16"), "utf-16", "é"),
        (b"\xe9", "utf-8", "\ufffd"),
        (b"\xe9", "us-ascii", "\ufffd"),
        (b"ok", "rot13", "ok"),
        (b"ok", "no\0such", "ok"),
        (b"ok", "", "ok"),
    ],
)
def test_a_body_is_read_by_a_charset_that_is_known_else_as_utf_8(body: bytes, charset: str | None, text: str) -> None:
    assert decode(body, charset) == text


def test_an_excerpt_is_masked_before_it_is_cut() -> None:
    body = f"{'a' * 495}{SECRET}{'b' * 100}".encode()
    assert excerpt(body, mask=mask) == "a" * 495 + "***bb"


def test_an_excerpt_is_cut_between_characters() -> None:
    assert excerpt("aéé".encode(), mask=mask, limit_bytes=4) == "aé"


@given(st.binary(), st.sampled_from([None, "latin-1", "utf-16"]), st.integers(0, 60))
def test_an_excerpt_of_any_bytes_keeps_to_its_limit(body: bytes, charset: str | None, limit: int) -> None:
    assert len(excerpt(body, charset, mask=mask, limit_bytes=limit).encode()) <= limit


@pytest.mark.parametrize("secret", [SECRET, "\u200b".join(SECRET)], ids=["as it is", "with hidden characters"])
@pytest.mark.parametrize("edge", [4096, 4096 + len(SECRET) // 2, 4096 + len(SECRET)])
def test_of_a_secret_at_the_end_of_what_is_read_nothing_is_shown(secret: str, edge: int) -> None:
    filler = "\u200b" * (edge - len(SECRET))
    shown = scrub_start(f"{filler}{secret}{'b' * 20_000}", mask)
    assert shown in {"", "***"} or set(shown.removeprefix("***")) == {"b"}
    assert SECRET[:4] not in excerpt(b"\x01" * (edge - len(SECRET)) + SECRET.encode() + b"b" * 20_000, mask=mask)


@given(st.lists(st.sampled_from([SECRET, "hun\u200bter2-hunter2", "a" * 1000, "\x1b[0m" * 300, "é" * 500])))
def test_the_start_of_a_long_text_is_where_the_whole_starts(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert scrub(text, mask).startswith(scrub_start(text, mask))


def test_an_excerpt_of_a_long_body_costs_no_more_than_its_beginning() -> None:
    seen: list[int] = []

    def counting(text: str) -> str:
        seen.append(len(text))
        return text

    assert excerpt(b"x" * 262_144, mask=counting) == "x" * 500
    assert sum(seen) <= 65_536
