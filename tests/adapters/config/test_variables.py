"""Placeholders, and the secrets that come from them."""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from prober.core.masking import Masker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.config.conftest import Load, Problems

PROBE = '[probe.a]\nurl = "https://h"\n'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${A}", "one"),
        ("<${A}${B}>", "<onetwo>"),
        ("${NONE:-three}", "three"),
        ("${EMPTY:-three}", "three"),
        ("${NONE:-}", ""),
        ("${A:-three}", "one"),
        ("${NONE:-a b:-c$$d}", "a b:-c$d"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$one"),
        ("$A $ 5$", "$A $ 5$"),
    ],
)
def test_placeholders_are_replaced(load: Load, written: str, read: str) -> None:
    (probe,) = load(f'{PROBE}body = "{written}"', A="one", B="two", EMPTY="").probes
    assert probe.body == read


@pytest.mark.parametrize("written", ["${", "${}", "${1A}", "${A", "${A-x}", "${A:x}", "${A B}", "${Ä}"])
def test_what_begins_like_a_placeholder_must_be_one(problems: Problems, written: str) -> None:
    text = problems(f'{PROBE}body = "{written}"', A="one")
    assert (
        'probes.toml:3:8: error: "${" begins no placeholder here (write "${NAME}", "${NAME:-default}" or "$${")' in text
    )


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_is_named_at_each_place(problems: Problems, environ: dict[str, str]) -> None:
    text = problems(f'{PROBE}body = "${{TOKEN}}"\nheaders = {{ Authorization = "Bearer ${{TOKEN}}" }}', **environ)
    assert "probes.toml:3:8: error: TOKEN is not set (put it into the environment, or into a file of that name" in text
    assert "probes.toml:4:29: error: TOKEN is not set" in text
    assert '    4 | headers = { Authorization = "Bearer ${TOKEN}" }' in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("one\ntwo secret", "the value of TOKEN holds a line break or NUL"),
        ("one\rtwo secret", "the value of TOKEN holds a line break or NUL"),
        ("one\0two secret", "the value of TOKEN holds a line break or NUL"),
        ("one\udcfftwo secret", "the value of TOKEN is not UTF-8"),
    ],
)
def test_a_value_that_could_break_a_line_is_refused(problems: Problems, value: str, said: str) -> None:
    text = problems(f'{PROBE}body = "${{TOKEN:-x}}"', TOKEN=value)
    assert said in text
    assert "two secret" not in text


def test_placeholders_are_replaced_in_every_text(load: Load) -> None:
    text = """
title = "${X}"
[defaults]
interval = "${TIME:-2m}"
[probe.a]
url = "https://${X}/"
tags = ["${X}"]
headers = { X = "${X}" }
expect.status = "${CODE:-2xx}"
expect.json.a = [["in", ["${X}"]], ["==", { b = "${X}" }]]
expect.json.b = "<= ${MOST:-5}"
[alert.email]
to = ["${X}@example.com"]
from = "${X}@example.com"
server = "${X}"
"""
    config = load(text, X="value")
    (probe,) = config.probes
    assert (config.title, config.channels[0].to, config.channels[0].server) == (
        "value",
        ("value@example.com",),
        "value",
    )
    assert (probe.url, probe.tags, probe.interval_ms) == ("https://value/", ("value",), 120_000)
    assert [rule.operand for rule in probe.expect.json] == [["value"], {"b": "value"}, 5]


class TestCredentials:
    def test_a_file_of_the_name_gives_the_value(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "TOKEN").write_text("from a file\n")
        config = load(f'{PROBE}body = "${{TOKEN}}"', CREDENTIALS_DIRECTORY=str(tmp_path))
        assert config.probes[0].body == "from a file"
        assert config.secrets == ("from a file",)

    def test_the_environment_comes_first(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "TOKEN").write_text("from a file")
        config = load(f'{PROBE}body = "${{TOKEN}}"', CREDENTIALS_DIRECTORY=str(tmp_path), TOKEN="from outside")
        assert config.probes[0].body == "from outside"

    def test_without_such_a_file_it_is_not_set(self, problems: Problems, tmp_path: Path) -> None:
        assert "TOKEN is not set" in problems(f'{PROBE}body = "${{TOKEN}}"', CREDENTIALS_DIRECTORY=str(tmp_path))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"two\nlines", "the value of TOKEN holds a line break or NUL"),
            (b"\xff", "the value of TOKEN is not UTF-8"),
            (b"x" * (2**20 + 1), "TOKEN cannot be read from $CREDENTIALS_DIRECTORY: it is larger than 1 MiB"),
        ],
    )
    def test_a_file_that_gives_no_value_is_told(
        self, problems: Problems, tmp_path: Path, content: bytes, said: str
    ) -> None:
        (tmp_path / "TOKEN").write_bytes(content)
        assert said in problems(f'{PROBE}body = "${{TOKEN}}"', CREDENTIALS_DIRECTORY=str(tmp_path))

    def test_a_fifo_is_not_waited_for(self, problems: Problems, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "TOKEN")
        said = problems(f'{PROBE}body = "${{TOKEN}}"', CREDENTIALS_DIRECTORY=str(tmp_path))
        assert "TOKEN cannot be read from $CREDENTIALS_DIRECTORY: it is not a regular file" in said


def test_variables_of_6_characters_in_secret_places_are_secrets(load: Load) -> None:
    config = load(
        """
[probe.a]
url = "https://h/${URL}/${SHORT}"
name = "${NAME}"
headers = { X = "x ${HEADER}" }
auth = { username = "${USER_}", password = "${PASS}" }
body = "${BODY} ${DEFAULT:-default}"
[connectivity]
urls = ["https://h/${NET}"]
[alert.email]
to = ["${TO}@example.com"]
from = "a@b.c"
server = "h"
username = "${SMTP_USER}"
password = "${SMTP_PASS}"
""",
        **{
            name: f"{name.lower()}-value"
            for name in ("URL", "NAME", "HEADER", "USER_", "PASS", "BODY", "NET", "TO", "SMTP_USER", "SMTP_PASS")
        },
        SHORT="12345",
    )
    assert set(config.secrets) == {
        "url-value",
        "header-value",
        "user_-value",
        "pass-value",
        "body-value",
        "default",
        "net-value",
        "smtp_pass-value",
        b64encode(b"user_-value:pass-value").decode(),
    }


def test_passwords_and_credential_headers_written_into_the_file_are_secrets(load: Load) -> None:
    config = load(
        """
[probe.a]
url = "https://h"
headers = { Authorization = "Bearer literal-token", Cookie = "id=literal-cookie", X-Api-Key = "literal-key", X = "o" }
[probe.b]
url = "https://h"
auth = { username = "me", password = "literal-password" }
[alert.email]
to = ["a@b.c"]
from = "a@b.c"
server = "h"
username = "user-name"
password = "smtp-password"
"""
    )
    assert set(config.secrets) == {
        "literal-token",
        "id=literal-cookie",
        "literal-key",
        "literal-password",
        "smtp-password",
        b64encode(b"me:literal-password").decode(),
    }
    assert "literal" not in Masker(config.secrets).mask(repr(config.probes[0].headers))


def test_a_secret_is_known_as_it_is_sent(load: Load) -> None:
    config = load(f'{PROBE}headers = {{ X = "${{PADDED}}" }}', PADDED="  padded-value\t")
    assert config.probes[0].headers == (("X", "padded-value"),)
    assert set(config.secrets) == {"padded-value", "  padded-value\t"}


@pytest.mark.parametrize(
    "place", ["[probe.b]\nurl = {}", "{}\n[connectivity]\nurls = [{}]".format("[probe.b]\nurl = 'https://h'", "{}")]
)
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"https://${S}/x"', "bücher.example"),
        ('"https://x-${S}.example/"', "bücher"),
        ('"https://${S}.example/"', "BÜCHER-X"),
        ('"${S}"', "https://bücher.example/x"),
    ],
)
def test_a_secret_host_is_known_as_it_is_looked_up(load: Load, place: str, written: str, value: str) -> None:
    config = load(f"{place.format(written)}", S=value)
    assert any(secret.startswith("xn--") or ".xn--" in secret for secret in config.secrets)


def test_a_host_beside_a_secret_is_none(load: Load) -> None:
    assert load('[probe.a]\nurl = "https://bücher.example/${S}"', S="größer").secrets == ("größer",)


@pytest.mark.parametrize("escape", [r"\n", r"\r", r"\u0000"])
def test_a_default_that_could_break_a_line_is_refused(problems: Problems, escape: str) -> None:
    text = problems(f'{PROBE}body = "${{TOKEN:-one{escape}two secret}}"')
    assert "probes.toml:3:8: error: the default of TOKEN holds a line break or NUL (it may not)" in text


WRONG_WITH_SECRETS = [
    'url = "ftp://${SECRET}"',
    'url = "${SECRET}"',
    'url = "https://user:${SECRET}@h"',
    'url = "https://user:planted-secret@h"\nname = "https://a:planted-secret@h"',
    'url = "https://h:${SECRET}/"',
    'headers = { X = "${SECRET}ü" }',
    'headers = { Authorization = "Bearer planted-secret", x = 5 }',
    'auth = { username = "a:b", password = "planted-secret" }',
    'auth = { username = "a", pasword = "planted-secret" }',
    'auth = "user:planted-secret"',
    "auth = { username = 'a', password = 'planted-secret\\u0007' }\nname = 5",
    'password = "planted-secret"',
    'api_key = "planted-secret"',
    'api_key = ["planted-secret"]',
    "password = '''\nplanted-secret'''\nauth.password = '''planted-secret\n'''",
    'name = 5 # planted-secret\nbody = "${SECRET}"',
    'timeout = "${SECRET}"\nbody = "${SECRET}"',
    'expect.body.matches = "(${SECRET}"\nbody = "${SECRET}"',
    'expect.json.a = "<= ${SECRET}"\nbody = "${SECRET}"',
    'password = "planted-secret',
    'auth = { password = "planted-secret"',
    'x = "https://user:planted-secret@h',
]


@pytest.mark.parametrize("lines", WRONG_WITH_SECRETS)
def test_no_problem_shows_a_secret(problems: Problems, lines: str) -> None:
    text = problems(f"[probe.a]\n{lines}", SECRET="planted-secret")
    assert "planted" not in text
    assert "secret@" not in text


def test_a_hint_that_is_made_from_a_value_is_only_given_for_plain_ones(problems: Problems) -> None:
    assert '"${T}" is not a duration\n' in problems(f'{PROBE}timeout = "${{T}}"', T="5min")
