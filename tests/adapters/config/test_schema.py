"""The JSON Schema says what the validation does, as far as it can."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]
import pytest

from prober.adapters.config import schema
from prober.adapters.config.keys import ALERT_KEYS, MAINTENANCE_KEYS, PROBE_KEYS, TOP_KEYS

if TYPE_CHECKING:
    from tests.adapters.config.conftest import Load, Problems

PROBE = '[probe.a]\nurl = "https://h"\n'
EMAIL = '[alert.email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nserver = "h"\n'

VALID = [
    PROBE,
    '[defaults]\nurl = "${URL:-https://h}"\n[probe.a]',
    PROBE + 'slow = false\ninterval = "${T:-1h30m}"\ntags = []\nexpect.status = 200',
    PROBE + 'expect.status = ["2xx", 301, "400-404"]\nseverity = "${S:-P1}"\nheaders.X = ""',
    PROBE + 'expect.json = { a = 1, b = { c = "<= 5" }, d = [["<", 1]] }',
    PROBE + 'expect.json = { a = ["in", ["x"]], b = "x", "$.c" = [["==", { d = 1 }], ["exists", true]] }',
    PROBE + 'headers = { content-type = "a/b", Accept = "" }\nauth = { username = "a", password = "b" }',
    '[defaults.auth]\nusername = "a"\n' + PROBE + 'auth.password = "b"',
    PROBE + EMAIL.replace(".email", ".ops") + 'kind = "email"',
    PROBE + EMAIL + 'security = "tls"\nport = 465',
    PROBE + '[standby]\nbehind = "uptimerobot"\napi_key = "ur-1"\nevery = "30s"',
    PROBE + '[standby]\nbehind = "prober"\nurl = "https://h/status.json"',
    PROBE + 'tags = ["x"]\n[[maintenance]]\nprobes = ["a"]\ntags = ["x"]\ncron = "0 4 * * 2"\nduration = "30m"',
    PROBE + '[[maintenance]]\nstart = 2026-12-01T04:00:00Z\nduration = "${T:-1h}"\nreason = "Move"',
    PROBE + '[[maintenance]]\nstart = 2026-12-01T04:00:00\ntimezone = "Europe/Berlin"\nduration = "1h"',
]
INVALID = [
    "",
    "[probe]",
    "[probe.a]",
    PROBE + "x = 1",
    PROBE.replace(".a", ".A"),
    PROBE + 'interval = "5min"',
    PROBE + "interval = 5",
    PROBE + 'interval = ""',
    PROBE + "slow = true",
    PROBE + "failures = 0",
    PROBE + "target = 101",
    PROBE + 'tags = "a"',
    PROBE + "expect.status = 99",
    PROBE + "expect.status = []",
    PROBE + 'expect.status = ["6xx"]',
    PROBE + 'severity = "P4"',
    PROBE + 'name = ""',
    PROBE + "headers.X = 1",
    PROBE.replace("https", "ftp"),
    PROBE + "[connectivity]\nurls = []",
    PROBE + "[store]\nkeep = '90'",
    PROBE + "[standby]",
    PROBE + '[maintenance]\ncron = "0 4 * * 2"\nduration = "1h"',
    PROBE + '[[maintenance]]\nduration = "1h"',
    PROBE + '[[maintenance]]\ncron = "0 4 * * 2"',
    PROBE + '[[maintenance]]\ncron = "0 4 * *"\nduration = "1h"',
    PROBE + '[[maintenance]]\nstart = 4\nduration = "1h"',
    PROBE + '[[maintenance]]\ncron = "0 4 * * 2"\nstart = 2026-12-01T04:00:00Z\nduration = "1h"',
    PROBE + '[[maintenance]]\nprobes = []\ncron = "0 4 * * 2"\nduration = "1h"',
    PROBE + '[standby]\nbehind = "uptimerobot"',
    PROBE + '[standby]\nbehind = "prober"',
    PROBE + '[standby]\nbehind = "prober"\nurl = "https://h/status.json"\napi_key = "x"',
    PROBE + EMAIL.replace('from = "a@b.c"\n', ""),
    PROBE + EMAIL + 'username = "x"',
    PROBE + EMAIL + 'security = "ssl"',
    PROBE + EMAIL.replace(".email", ".ops"),
    PROBE + "expect.json.a = []",
    PROBE + "expect.json.a = {}",
    PROBE + 'expect.json.a = ["=", 1]',
    PROBE + 'expect.json.a = ["<", 1, 2]',
    PROBE + 'expect.json.a = [["<", 1], 2]',
    PROBE + "expect.json.a = 2026-01-01",
    PROBE + 'headers."a b" = "x"',
    PROBE + 'headers.Content-Length = "5"',
    PROBE + 'expect.header."a b" = "x"',
    PROBE + 'auth.username = "x"',
    PROBE + 'auth.password = "x"',
]


def fits(text: str) -> bool:
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(tomllib.loads(text)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("text", VALID)
def test_what_loads_fits(load: Load, text: str) -> None:
    load(text)
    assert fits(text)


@pytest.mark.parametrize("text", INVALID)
def test_what_does_not_fit_does_not_load(problems: Problems, text: str) -> None:
    assert not fits(text)
    problems(text)


def test_every_key_is_described_with_its_default() -> None:
    document = schema()
    tables = (document, *(document["$defs"][name] for name in ("probe", "alert", "maintenance")))
    for table, keys in zip(tables, (TOP_KEYS, PROBE_KEYS, ALERT_KEYS, MAINTENANCE_KEYS), strict=True):
        for key in keys:
            node = table
            for part in key.name.split("."):
                node = node["properties"][part]
            assert node["description"] == key.doc
            assert node.get("default") == key.default
