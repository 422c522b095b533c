"""``[[maintenance]]``: what it means, and what is wrong with it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from prober.core.settings import Maintenance

if TYPE_CHECKING:
    from tests.adapters.config.conftest import Load, Problems

PROBES: Final = """\
[probe.ready]
url = "https://h/ready"
tags = ["prod"]
[probe.web]
url = "https://h"
"""
HOUR: Final = 3_600_000


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


def test_every_key_of_a_window_arrives(load: Load) -> None:
    config = load(
        PROBES
        + """
[[maintenance]]
probes = ["ready", "web"]
tags = ["prod"]
cron = "0 4 * * 2"
duration = "30m"
timezone = "Europe/Berlin"
reason = "Weekly deploy"

[[maintenance]]
start = 2026-12-01T04:00:00+01:00
duration = "1h30m"
"""
    )
    assert config.maintenance == (
        Maintenance(
            duration_ms=HOUR // 2,
            cron="0 4 * * 2",
            timezone="Europe/Berlin",
            probe_ids=("ready", "web"),
            tags=("prod",),
            reason="Weekly deploy",
        ),
        Maintenance(duration_ms=HOUR * 3 // 2, start_ms=at(2026, 12, 1, 3)),
    )


@pytest.mark.parametrize(
    ("lines", "start_ms"),
    [
        ("start = 2026-12-01 04:00:00Z", at(2026, 12, 1, 4)),
        ('start = 2026-12-01T04:00:00\ntimezone = "Europe/Berlin"', at(2026, 12, 1, 3)),
        ('start = 2026-03-29T02:30:00\ntimezone = "Europe/Berlin"', at(2026, 3, 29, 1)),
        ('start = 0001-01-01T00:00:00\ntimezone = "Asia/Tokyo"', None),
        ('start = 9999-12-31T23:59:59\ntimezone = "America/New_York"', None),
    ],
)
def test_a_start_without_an_offset_is_read_in_its_time_zone(load: Load, lines: str, start_ms: int | None) -> None:
    (window,) = load(f'{PROBES}[[maintenance]]\nduration = "1h"\n{lines}').maintenance
    assert window.start_ms is not None
    assert start_ms in {None, window.start_ms}


def test_variables_are_replaced_in_windows_too(load: Load) -> None:
    text = f'{PROBES}[[maintenance]]\nprobes = ["${{WHO}}"]\ncron = "0 ${{HOUR:-4}} * * *"\nduration = "1h"'
    (window,) = load(text, WHO="web").maintenance
    assert (window.probe_ids, window.cron) == (("web",), "0 4 * * *")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", '6:3: error: [[maintenance]] has neither cron nor start (write cron = "0 4 * * 2" or start = 2026-'),
        (
            'cron = "0 4 * * 2"\nstart = 2026-12-01T04:00:00Z',
            "8:1: error: cron and start are both given (write a [[maintenance]] for each)",
        ),
        ("start = 2026-12-01T04:00:00", "7:9: error: start has no offset (write 2026-12-01T04:00:00Z for UTC, or say"),
        (
            'start = 2026-12-01T04:00:00Z\ntimezone = "Europe/Berlin"',
            "8:1: error: start has an offset, and timezone is given too (one of them is enough)",
        ),
        ("start = 2026-12-01", "7:9: error: 2026-12-01 has no time of day (write 2026-12-01T00:00:00Z)"),
        (
            'start = "2026-12-01T04:00:00Z"',
            '7:9: error: "2026-12-01T04:00:00Z" is not a date and a time (write it without quotes; such as 2026-',
        ),
        ("start = 4", "7:9: error: 4 is not a date and a time (such as 2026-12-01T04:00:00Z)"),
        ('cron = "0 4 * *"', '7:8: error: "0 4 * *" is not a cron expression: it has not five fields: minute, hour, '),
        ('cron = "60 4 * * *"', '7:8: error: "60 4 * * *" is not a cron expression: bad minute: 0 to 59 is meant'),
        ('cron = "0 0 30 2 *"', '7:8: error: "0 0 30 2 *" is not a cron expression: it never comes'),
        ('cron = "0 0 */30 2 MON#5"', '7:8: error: "0 0 */30 2 MON#5" is not a cron expression: it never comes'),
        ("cron = 5", '7:8: error: 5 is not text (write "5")'),
        ('timezone = "Europe/Berlni"', '7:12: error: "Europe/Berlni" is not a time zone (write "Europe/Berlin")'),
        ('timezone = "new york"', '7:12: error: "new york" is not a time zone'),
        ('timezone = "Europe"', '7:12: error: "Europe" is not a time zone'),
        ('timezone = "../etc/passwd"', '7:12: error: "../etc/passwd" is not a time zone (names are such as "UTC" or '),
        ('timezone = "ü"', '7:12: error: "ü" is not a time zone'),
        ('probes = ["web", "redy"]', '7:18: error: there is no probe "redy"'),
        ('tags = ["prod", "eu"]', '7:17: error: no probe has the tag "eu"'),
        ("probes = []", "7:10: error: the list is empty"),
        ('tags = "prod"', '7:8: error: "prod" is not a list (write ["prod"])'),
        ('duration = "0s"', '7:12: error: "0s" is too short (at least 1s)'),
        ('duration = "91d"', '7:12: error: "91d" is too long (at most 90d)'),
        ('crn = "0 4 * * *"', '7:1: error: unknown key "crn" in [[maintenance]]'),
        ("reason = 5", '7:10: error: 5 is not text (write "5")'),
    ],
)
def test_what_is_wrong_with_a_window_is_told_where_it_is(problems: Problems, lines: str, message: str) -> None:
    assert f"probes.toml:{message}" in problems(f"{PROBES}[[maintenance]]\n{lines}")


def test_a_window_without_a_duration_is_told_so_at_its_own_table(problems: Problems) -> None:
    text = '[[maintenance]]\ncron = "0 4 * * 2"\nduration = "1h"\n[[maintenance]]\ncron = "0 5 * * 2"\n'
    message = '9:3: error: [[maintenance]] has no duration (write duration = "30m")\n    9 | [[maintenance]]\n'
    assert message in problems(PROBES + text)


def test_everything_wrong_with_all_windows_is_told_at_once(problems: Problems) -> None:
    text = (
        '[[maintenance]]\nprobes = ["redy"]\ncron = "0 4 * * *"\nduration = "0s"\n'
        '[[maintenance]]\ntags = ["prd"]\nstart = 2026-12-01T04:00:00\nduration = "1h"\n'
    )
    said = problems(PROBES + text)
    assert [line.split(": error")[0] for line in said.splitlines() if ": error:" in line] == [
        "probes.toml:7:11",
        "probes.toml:9:12",
        "probes.toml:11:9",
        "probes.toml:12:9",
    ]
    assert '^^^^^^ did you mean "ready"?' in said
    assert '^^^^^ did you mean "prod"?' in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maintenance = 5\n" + PROBES, "1:1: error: maintenance is a list of tables (write [[maintenance]])"),
        (PROBES + '[maintenance]\ncron = "x"', "6:2: error: maintenance is a list of tables (write [[maintenance]])"),
        ("maintenance = [5]\n" + PROBES, "1:16: error: [[maintenance]] is a table and holds further keys: probes, "),
    ],
)
def test_windows_are_a_list_of_tables(problems: Problems, text: str, message: str) -> None:
    said = problems(text)
    assert f"probes.toml:{message}" in said
    assert said.endswith("\n1 error.")


def test_a_probe_whose_tags_cannot_be_read_makes_no_further_problem(problems: Problems) -> None:
    text = PROBES.replace('["prod"]', "[5]") + '[[maintenance]]\ntags = ["prod"]\ncron = "0 4 * * *"\nduration = "1h"'
    assert problems(text).endswith("\n1 error.")


def test_a_secret_that_a_window_names_is_not_shown(problems: Problems) -> None:
    text = PROBES + '[[maintenance]]\nprobes = ["hidden-token"]\ncron = "0 4 * * *"\nduration = "1h"'
    said = problems(text.replace('"https://h"', '"https://h/${TOKEN}"'), TOKEN="hidden-token")
    assert "hidden-token" not in said


def test_many_windows_load_in_seconds(load: Load) -> None:
    window = '[[maintenance]]\nprobes = ["web"]\ncron = "0 4 * * 2"\nduration = "1h"\ntimezone = "Europe/Berlin"\n'
    started = time.perf_counter()
    assert len(load(PROBES + window * 2000).maintenance) == 2000
    assert time.perf_counter() - started < 10
