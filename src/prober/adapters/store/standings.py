"""Where we stand: our role behind another monitor, and the looks that it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from prober.core.sight import Verdict
from prober.core.standby import ProbeStanding, Standing

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.core.sight import Role

LOOKS_KEPT_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One look: what it says, our role after it, how many monitors they showed, and what was wrong."""

    location: str
    at_ms: int
    seen: Verdict
    role: Role
    monitors: int | None = None
    newest_at_ms: int | None = None
    why: str | None = None


def find_standing(store: Store, location: str) -> Standing | None:
    """Return where we stand at a location, None before the first look.

    What a newer version wrote is read as far as it is known here; what cannot be read is as if nobody had looked yet.
    """
    row = store.find("SELECT standing FROM standings WHERE location = :location", {"location": location})
    if row is None:
        return None
    try:
        return _read(json.loads(row["standing"]))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def save_standing(store: Store, location: str, standing: Standing) -> None:
    """Replace where we stand at a location."""
    store.write(
        """INSERT OR REPLACE INTO standings (location, looked_at_ms, standing)
        VALUES (:location, :looked_at_ms, :standing)""",
        {"location": location, "looked_at_ms": standing.looked_ms or 0, "standing": _written(standing)},
    )


def save_look(store: Store, row: LookRow) -> None:
    """Record a look, and forget those of more than a day before it."""
    store.write(
        """INSERT OR REPLACE INTO looks (location, at_ms, seen, role, monitors, newest_at_ms, why)
        VALUES (:location, :at_ms, :seen, :role, :monitors, :newest_at_ms, :why)""",
        asdict(row),
    )
    store.write("DELETE FROM looks WHERE at_ms < :before", {"before": row.at_ms - LOOKS_KEPT_MS})


def last_looks(store: Store, location: str, limit: int) -> list[LookRow]:
    """Return the last looks at a location, newest first."""
    rows = store.rows(
        """SELECT location, at_ms, seen, role, monitors, newest_at_ms, why FROM looks
        WHERE location = :location ORDER BY at_ms DESC LIMIT :limit""",
        {"location": location, "limit": limit},
    )
    return [LookRow(**{**dict(row), "seen": Verdict(row["seen"])}) for row in rows]


def _written(standing: Standing) -> str:
    """Return it as JSON, with what differs from a fresh one alone: there may be thousands of probes."""
    told = _different(standing, Standing())
    told["probes"] = {probe_id: _different(each, ProbeStanding()) for probe_id, each in standing.probes.items()}
    return json.dumps(told, separators=(",", ":"))


def _different(value: Standing | ProbeStanding, usual: Standing | ProbeStanding) -> dict[str, Any]:
    names = (each.name for each in fields(value) if each.name != "probes")
    return {name: getattr(value, name) for name in names if getattr(value, name) != getattr(usual, name)}


def _read(told: dict[str, Any]) -> Standing:
    verdicts: dict[str, Any] = {name: Verdict(told[name]) for name in ("why", "seen") if name in told}
    probes = {probe_id: ProbeStanding(**_known(each, ProbeStanding)) for probe_id, each in told["probes"].items()}
    return Standing(**(_known(told, Standing) | verdicts | {"probes": probes}))


def _known(told: dict[str, Any], kind: type[Standing | ProbeStanding]) -> dict[str, Any]:
    return {name: told[name] for name in told.keys() & kind.__dataclass_fields__.keys()}
