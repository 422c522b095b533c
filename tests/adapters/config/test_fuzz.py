"""Whatever stands in the file: a configuration, or a message that gives no secret away."""

from __future__ import annotations

import tempfile
from datetime import UTC
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from prober.adapters.config import InvalidConfig, effective, toml_text
from prober.adapters.config.keys import ALERT_KEYS, MAINTENANCE_KEYS, PROBE_KEYS, TOP_KEYS

SECRET = "pl4nted-s3cret"
ENVIRON = {"SECRET": SECRET, "PORT": "25"}
BASE = """
title = "x"
[defaults]
interval = "1m"
headers = { X-Key = "${SECRET}" }
[probe.api]
url = "https://h/?key=${SECRET}"
auth = { username = "me", password = "${SECRET}" }
expect.status = [200, "2xx"]
expect.json.a.b = [["<=", 5], ["in", [1, "x"]]]
expect.json."$.a[*]" = "~ ^${SECRET}"
expect.body.matches = "a+"
[connectivity]
urls = ["https://one/${SECRET}"]
[alert.email]
to = ["a@b.c"]
from = "a@b.c"
server = "localhost"
username = "u"
password = "${SECRET}"
[store]
path = "x.db"
[[maintenance]]
probes = ["api"]
cron = "0 4 * * 2"
duration = "30m"
reason = "${SECRET}"
[[maintenance]]
start = 2026-12-01T04:00:00Z
duration = "1h"
"""
PIECES = [
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "#",
    "$",
    "${",
    "}",
    "${SECRET}",
    "${NO}",
    "\\",
    "é",
    "\x00",
]
WORDS = st.sampled_from(
    [*(key.name for key in (*TOP_KEYS, *PROBE_KEYS, *ALERT_KEYS, *MAINTENANCE_KEYS)), "probe", "alert", "defaults", "x"]
)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["${SECRET}", "ftp://${SECRET}", "${SECRET}ü", "5m", "<= ${SECRET}", "~ (", "https://h", "$.a[?"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))


def outcome(content: bytes) -> str:
    """Return what people see of a file: the values in force, or its problems."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "probes.toml")
        file.write_bytes(content)
        try:
            rows = effective(file, environ=ENVIRON, host_name="h")
        except InvalidConfig as error:
            return str(error)
        return "\n".join(f"{row.key} = {row.value}" for row in rows)


@given(st.binary(max_size=60))
def test_any_bytes_end_in_a_configuration_or_its_problems(content: bytes) -> None:
    assert outcome(content)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, len(BASE)), st.integers(0, 8), st.sampled_from(PIECES)), min_size=1, max_size=4)
)
def test_any_damage_ends_so_and_shows_no_secret(damages: list[tuple[int, int, str]]) -> None:
    text = BASE
    for offset, length, piece in damages:
        text = text[:offset] + piece + text[offset + length :]
    assert SECRET not in outcome(text.encode())


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["", "defaults.", "probe.api.", "alert.email."]), WORDS, VALUES), max_size=5))
def test_any_values_end_so_and_show_no_secret(settings: list[tuple[str, str, object]]) -> None:
    lines = {f"{prefix}{word}": toml_text(value) for prefix, word, value in settings}
    text = 'probe.api.headers.X = "${SECRET}"\n' + "".join(f"{key} = {value}\n" for key, value in lines.items())
    assert SECRET not in outcome(text.encode())


@settings(max_examples=200)
@given(st.lists(st.dictionaries(st.sampled_from([key.name for key in MAINTENANCE_KEYS]), VALUES), max_size=3))
def test_any_windows_end_so_and_show_no_secret(windows: list[dict[str, object]]) -> None:
    text = '[probe.api]\nurl = "https://h"\nheaders.X = "${SECRET}"\ntags = ["${SECRET}"]\n'
    for window in windows:
        text += "[[maintenance]]\n" + "".join(f"{key} = {toml_text(value)}\n" for key, value in window.items())
    assert SECRET not in outcome(text.encode())


def test_the_undamaged_file_is_valid() -> None:
    assert outcome(BASE.encode()).startswith('title = "x"\n')
