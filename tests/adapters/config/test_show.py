"""``config show``: what is in force, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.config import InvalidConfig, effective, toml_text
from prober.adapters.config.keys import PROBE_KEYS
from prober.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """title = "Acme"
[defaults]
interval = "10s"
headers = { X-Team = "a" }
expect.json.a.b = [["<", 5], [">", 1]]
[[maintenance]]
start = 2026-12-01T04:00:00Z
duration = "1h"
[[maintenance]]
cron = "0 4 * * ${DAY}"
duration = "30m"
reason = "Weekly deploy"
[probe.api]
url = "https://h/${PART}"
headers = { X-Token = "Bearer ${TOKEN}" }
auth = { username = "me", password = "short" }
slow = false
expect.status = 200
expect.json."$.x" = "~ a"
[probe.web]
url = "https://w"
[alert.email]
to = ["a@b.c"]
from = "a@b.c"
server = "localhost"
"""
ENVIRON = {"DAY": "TUE", "PART": "secret-part", "TOKEN": "secret-token"}


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "probes.toml").write_text(TEXT)
    shown = effective(tmp_path / "probes.toml", environ=ENVIRON, host_name="host-1")
    assert len({row.key for row in shown}) == len(shown)
    return {row.key: (row.value, row.origin) for row in shown}


@pytest.mark.parametrize(
    ("key", "value", "origin"),
    [
        ("title", '"Acme"', "probes.toml:1"),
        ("location", '"host-1"', "built in"),
        ("alert.email.kind", '"email"', "built in"),
        ("alert.email.to", '["a@b.c"]', "probes.toml:23"),
        ("alert.email.port", "587", "built in"),
        ("maintenance.1.start", "2026-12-01T04:00:00+00:00", "probes.toml:7"),
        ("maintenance.1.timezone", '"UTC"', "built in"),
        ("maintenance.2.cron", '"0 4 * * TUE"', "probes.toml:10"),
        ("maintenance.2.reason", '"Weekly deploy"', "probes.toml:12"),
        ("probe.api.url", '"https://h/***"', "probes.toml:14"),
        ("probe.api.name", '"api"', "built in"),
        ("probe.api.interval", '"10s"', "[defaults] probes.toml:3"),
        ("probe.api.timeout", '"8s"', "built in"),
        ("probe.api.recheck", '"10s"', "built in"),
        ("probe.api.slow", "false", "probes.toml:17"),
        ("probe.web.slow", '"1s"', "built in"),
        ("probe.api.headers.x-team", '"a"', "[defaults] probes.toml:4"),
        ("probe.api.headers.x-token", '"Bearer ***"', "probes.toml:15"),
        ("probe.api.auth.password", '"***"', "probes.toml:16"),
        ("probe.api.expect.status", "200", "probes.toml:18"),
        ("probe.web.expect.status", '["2xx"]', "built in"),
        ('probe.api.expect.json."a.b"', '[["<", 5], [">", 1]]', "[defaults] probes.toml:5"),
        ('probe.api.expect.json."$.x"', '"~ a"', "probes.toml:19"),
    ],
)
def test_each_value_is_shown_with_its_origin(
    rows: dict[str, tuple[str, str]], key: str, value: str, origin: str
) -> None:
    assert rows[key] == (value, origin)


def test_what_is_not_in_force_is_not_shown(rows: dict[str, tuple[str, str]]) -> None:
    assert not {"store.path", "probe.api.target", "probe.web.headers", "alert.email.username"} & rows.keys()


def test_whom_we_stand_behind_is_shown_with_the_key_masked(tmp_path: Path, rows: dict[str, tuple[str, str]]) -> None:
    assert not [key for key in rows if key.startswith("standby.")]
    (tmp_path / "probes.toml").write_text(f'{TEXT}[standby]\nbehind = "uptimerobot"\napi_key = "${{TOKEN}}"\n')
    shown = effective(tmp_path / "probes.toml", environ=ENVIRON, host_name="host-1")
    assert {row.key: row.value for row in shown if row.key.startswith("standby.")} == {
        "standby.behind": '"uptimerobot"',
        "standby.api_key": '"***"',
        "standby.url": '"https://api.uptimerobot.com/v2/"',
        "standby.every": '"1m"',
    }


def test_every_default_of_a_probe_is_shown(rows: dict[str, tuple[str, str]]) -> None:
    assert {f"probe.web.{key.name}" for key in PROBE_KEYS if key.default is not None} <= rows.keys()


def test_one_probe_is_shown_alone(rows: dict[str, tuple[str, str]], tmp_path: Path) -> None:
    shown = effective(tmp_path / "probes.toml", environ=ENVIRON, host_name="host-1", probe_id="web")
    assert {row.key: (row.value, row.origin) for row in shown} == {
        key: row for key, row in rows.items() if key.startswith("probe.web.")
    }


@pytest.mark.parametrize(("probe_id", "advice"), [("apy", 'Did you mean "api"?'), ("x", "There are: api, web")])
@pytest.mark.usefixtures("rows")
def test_an_unknown_probe_is_wrong_usage(tmp_path: Path, probe_id: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        effective(tmp_path / "probes.toml", environ=ENVIRON, host_name="host-1", probe_id=probe_id)
    assert str(caught.value) == f'there is no probe "{probe_id}". {advice}'


def test_of_many_probes_only_some_are_listed(tmp_path: Path) -> None:
    (tmp_path / "probes.toml").write_text("".join(f'[probe.a{number}]\nurl = "http://h"\n' for number in range(1234)))
    with pytest.raises(UsageError, match=r'"zzz"\. There are: a0, a1, .*, a9 and 1,224 more$'):
        effective(tmp_path / "probes.toml", environ={}, host_name="host-1", probe_id="zzz")


@pytest.mark.usefixtures("rows")
def test_an_invalid_file_has_nothing_in_force(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig):
        effective(tmp_path / "probes.toml", environ={}, host_name="host-1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ('a"\\\n\x7f', r'"a\"\\\n\u007f"'),
        ((1, "x"), '[1, "x"]'),
        ({"a b": 1}, '{ "a b" = 1 }'),
    ],
)
def test_values_are_shown_as_toml(value: object, text: str) -> None:
    assert toml_text(value) == text
