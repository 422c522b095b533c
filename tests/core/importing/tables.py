"""Monitors as tests describe them, and the probe tables that they become, held against the real rules of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prober.app.importing import judge
from prober.core.importing.account import Account, Monitor
from prober.core.importing.plan import Plan, Present, planned
from tests.fakes import T0

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A probe table by its dotted keys, with what is said of it."""

    keys: Mapping[str, Any]
    notes: tuple[str, ...]
    secrets: Mapping[str, str]


def monitor(**fields: Any) -> Monitor:
    return Monitor(**{"id": 7, "kind": "http", "name": "API", "url": "https://acme.example/", **fields})


def plan_of(*monitors: Monitor, present: Present | None = None, known: tuple[str, ...] = (), **fields: Any) -> Plan:
    account = Account(monitors=monitors, **fields)
    return planned(account, present or Present(), judge=judge, now_ms=T0, known=known)


def table(**fields: Any) -> Table:
    """Return what a single monitor becomes."""
    (probe,) = plan_of(monitor(**fields)).probes
    return Table(
        keys={".".join(path): value for path, value in probe.keys.items()},
        notes=probe.notes,
        secrets={each.name: each.what for each in probe.secrets},
    )


def reason(**fields: Any) -> str:
    """Return why a single monitor becomes nothing."""
    (skipped,) = plan_of(monitor(**fields)).skipped
    return skipped.why
