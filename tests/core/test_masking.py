from __future__ import annotations

import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from functools import cache
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.masking import Masker

SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=24)


def lower_hex(text: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), text)


@pytest.mark.parametrize(
    ("secrets", "text", "masked"),
    [
        ((), "nothing to hide", "nothing to hide"),
        (("",), "nothing to hide", "nothing to hide"),
        (("hunter22",), "", ""),
        (("hunter22",), "a hunter22 and hunter22.", "a *** and ***."),
        (("hunter22", "hunter22-long"), "hunter22-long", "***"),
        (("abcdef", "cdefgh"), "<abcdefgh>", "<***>"),
        (("aaaaaa",), "aaaaaaaa", "***"),
        (("abcdef", "ghijkl"), "abcdefghijkl", "******"),
    ],
)
def test_every_secret_is_replaced_whole(secrets: tuple[str, ...], text: str, masked: str) -> None:
    assert Masker(secrets).mask(text) == masked


@given(SECRETS)
def test_a_secret_is_found_in_a_url(secret: str) -> None:
    mask = Masker([secret]).mask
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret, "/!$&'()*+,;=:@?~")):
        assert mask(encoded) == "***"
        assert mask(lower_hex(encoded)) == "***"


@given(SECRETS)
def test_a_secret_is_found_in_json(secret: str) -> None:
    mask = Masker([secret]).mask
    for escaped in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(secret).replace("/", r"\/")):
        assert mask(f"<{escaped[1:-1]}>") == "<***>"


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_is_found_in_base64_at_every_alignment(secret: str, before: bytes, after: bytes) -> None:
    mask = Masker([secret]).mask
    for encode in (b64encode, urlsafe_b64encode):
        whole = encode(before + secret.encode() + after).decode()
        for encoded in (whole, whole.rstrip("=")):
            masked = mask(encoded)
            assert "***" in masked
            assert len(masked) <= len(encoded) - len(secret) + 3 + 3


@given(SECRETS)
def test_base64_of_a_secret_alone_leaves_nothing(secret: str) -> None:
    encoded = b64encode(secret.encode()).decode()
    assert Masker([secret]).mask(f"<{encoded}>") == "<***>"


@given(st.lists(SECRETS, min_size=1, max_size=4), st.lists(st.text(max_size=8), max_size=5))
def test_no_secret_is_left_in_any_text(secrets: list[str], pieces: list[str]) -> None:
    masked = Masker(secrets).mask("".join(piece + secret for piece in (*pieces, "") for secret in secrets))
    assert not any(secret in masked for secret in secrets if "*" not in secret)


def test_a_lone_surrogate_in_a_secret_does_no_harm() -> None:
    assert Masker(["hunter\udcff"]).mask("a hunter\udcff b") == "a *** b"


PASSWORD = "p@ss!wo&rd<x>"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        (PASSWORD, "p%40ss!wo%26rd%3Cx%3E"),
        (PASSWORD, "p%40ss!wo%26rd%3cx%3e"),
        (PASSWORD, r"p@ss!wo\u0026rd\u003cx\u003e"),
        (PASSWORD, r"p@ss!wo\u0026rd\u003Cx\u003E"),
        (PASSWORD, r"p%40ss!wo\u0026rd\u003cx%3E"),
        (PASSWORD, "P@SS!wo&rd<X>"),
        (PASSWORD, "".join(f"%{ord(char):02X}" for char in PASSWORD)),
        (PASSWORD, "".join(rf"\u{ord(char):04x}" for char in PASSWORD)),
        (PASSWORD, "p%2540ss%21wo%2526rd%253Cx%253E"),
        ("a b*c~d+e", "a+b*c%7Ed%2Be"),
        ("a b*c~d+e", "a%20b*c~d+e"),
        ("user.name-x", "user%2Ename%2Dx"),
        ('say "hi"\\/', r"say \u0022hi\u0022\u005c\u002F"),
        ('say "hi"\\/', r"say \"hi\"\\\/"),
        (r"C:\new\u0041%41", r"C:\new\u0041%41"),
        (r"C:\new\u0041%41", r"C:\\new\\u0041%41"),
        (r"C:\new\u0041%41", "C%3A%5Cnew%5Cu0041%2541"),
        ("bücher-x", "b%FCcher-x"),
        ("bücher-x", "b%c3%bccher-x"),
        ("BÜCHER-X", "bücher-x"),
        ("key-\U0001f511-x", r"key-\ud83d\udd11-x"),
        ("key-\U0001f511-x", r"key-\uD83D\uDD11-x"),
        ("tab\tline\nx", r"tab\tline\u000ax"),
    ],
)
def test_every_way_to_escape_a_secret_is_known(secret: str, written: str) -> None:
    for others in ((), (f"{number:03}-other" for number in range(100))):
        assert Masker([secret, *others]).mask(f'é {{"<{written}>"}} %41\\n') == 'é {"<***>"} %41\\n'


def written_somehow(char: str) -> st.SearchStrategy[str]:
    encoded = "".join(f"%{byte:02x}" for byte in char.encode())
    escaped = json.dumps(char)[1:-1] if not char.isascii() else rf"\u{ord(char):04x}"
    forms = [char, encoded, encoded.upper(), escaped, re.sub("(?<=u)....", lambda digits: digits[0].upper(), escaped)]
    return st.sampled_from([*forms, json.dumps(char)[1:-1], *("+" for _ in range(char == " "))])


@given(st.data(), st.text(st.characters(codec="utf-8", exclude_characters="%\\"), min_size=6, max_size=12))
def test_each_character_may_be_escaped_in_its_own_way(data: st.DataObject, secret: str) -> None:
    written = "".join(data.draw(written_somehow(char)) for char in secret)
    assert Masker([secret]).mask(f"<{written}>") == "<***>"


@given(st.text(alphabet='ab%\\/u0041"+é', max_size=40))
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert Masker(["hunter22"]).mask(text) == text


def test_a_secret_whose_bytes_begin_within_a_character_takes_the_whole_of_it() -> None:
    assert Masker(["\xa4bcdef", "ghijk\xc3"]).mask(r"xäbcdef ghijkä ghijk\u00e4y") == "x*** *** ***y"


@cache
def masker_of(count: int) -> Masker:
    return Masker(f"{name}-{number:05}" for number in range(count) for name in ("sk_live_secret", number * 7919))


@pytest.mark.parametrize("count", [1, 10_000])
@pytest.mark.parametrize("unit", ["plain text, ", "%41", r"\u0041\n", "aé%", "sk_live_secret-"])
def test_256_kib_are_masked_at_once_however_many_secrets_there_are(count: int, unit: str) -> None:
    mask = masker_of(count).mask
    text = (unit * 2**18)[: 2**18]
    started = time.perf_counter()
    assert mask(text) == text
    assert time.perf_counter() - started < 1.5
