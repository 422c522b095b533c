"""A certificate's end is told once per stage, and again for another certificate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prober.core.certificate import DAY_MS, warn
from prober.core.facts import Certificate
from prober.core.model import CertificateExpiring, ProbeState
from tests.core.histories import result

NOW = 1_000 * DAY_MS


def stages(days_left: list[float], warn_days: float | None, fingerprints: list[str] | None = None) -> list[float]:
    """Return the stages, in days, that checks with so many days left cause, in order."""
    state, told = ProbeState(), []
    for number, days in enumerate(days_left):
        name = fingerprints[number] if fingerprints else "aa"
        seen = Certificate(fingerprint=name, not_after_ms=NOW + round(days * DAY_MS))
        warn_ms = None if warn_days is None else round(warn_days * DAY_MS)
        state, events = warn(state, replace(result(".", NOW), certificate=seen), warn_ms=warn_ms)
        told += [event.stage_ms / DAY_MS for event in events if isinstance(event, CertificateExpiring)]
    return told


@pytest.mark.parametrize(
    ("days_left", "warn_days", "told"),
    [
        ([20, 14, 13.9, 13, 7, 6.9, 2, 1, 0.9, 0.1], 14, [14, 7, 1]),
        ([0.5, 0.4], 14, [1]),
        ([6, 0.5], 14, [7, 1]),
        ([6, 2.9, 0.5], 3, [3, 1]),
        ([6], 7, [7]),
        ([0.4, 0.3], 0.5, [0.5]),
        ([0.4], None, []),
    ],
)
def test_each_stage_is_told_once(days_left: list[float], warn_days: float | None, told: list[float]) -> None:
    assert stages(days_left, warn_days) == told


def test_another_certificate_is_told_anew() -> None:
    assert stages([6, 6, 6], 14, ["aa", "bb", "bb"]) == [7, 7]


def test_no_certificate_no_warning() -> None:
    assert warn(ProbeState(), result(".", NOW), warn_ms=DAY_MS) == (ProbeState(), ())
