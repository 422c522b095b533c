"""What ``prober db`` prints: what a store holds, and what came into it or went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prober.core.text import clean
from prober.render.when import day, day_and_clock, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prober.core.inventory import Inventory, Progress

_KB = 1000
_OF_SERVICE = " (of the service, one is up to 5 min of passes)"


def inventory(held: Inventory, *, path: str, why: str, integrity: str | None = None) -> str:
    """Return what a store holds, a line a fact; ``why`` says why it is the one at ``path``."""
    facts = _facts(held, clean(path), why, integrity)
    return "".join(f"  {name:<14}{fact}\n" for name, fact in facts)


def shape(held: Inventory, *, path: str, why: str, integrity: str | None = None) -> str:
    """Return what ``db info --json`` prints."""
    return _object(
        path=clean(path),
        why=why,
        size_bytes=held.size_bytes,
        wal_bytes=held.wal_bytes,
        free_bytes=held.free_bytes,
        version=held.version,
        installation=held.installation,
        created_at=rfc3339(held.created_at_ms),
        first_check_at=_time(held.first_check_ms),
        oldest_result_at=_time(held.oldest_result_ms),
        newest_result_at=_time(held.newest_result_ms),
        locations=[clean(each) for each in held.locations],
        counts={
            "probes": held.probes,
            "results": held.results,
            "rollups": held.rollups,
            "incidents": held.incidents,
            "open_incidents": held.open_incidents,
            "rounds": held.rounds,
        },
        alerts=[{"state": state, "count": count} for state, count in held.alerts.items()],
        integrity=integrity,
    )


def backup(path: str, size_bytes: int) -> str:
    """Return what ``db backup --json`` prints."""
    return _object(path=clean(path), size_bytes=size_bytes)


def pruned(*, results: int, reclaimed_bytes: int) -> str:
    """Return what ``db prune --json`` prints."""
    return _object(pruned={"results": results}, reclaimed_bytes=reclaimed_bytes)


def pruned_words(*, results: int, reclaimed_bytes: int) -> str:
    """Return what pruning did, for people."""
    smaller = f"; the file is {size(reclaimed_bytes)} smaller" if reclaimed_bytes > 0 else ""
    return f"{counted(results, 'result')} pruned{smaller}\n"


def progress(far: Progress) -> str:
    """Return how far housekeeping is."""
    from_day = "" if far.oldest_result_ms is None else f", single results from {day(far.oldest_result_ms)} on"
    return f"rolled up to {day(far.rolled_to_ms)}{from_day}"


def merged(added: Mapping[str, int], changed: int) -> str:
    """Return what ``db merge --json`` prints."""
    return _object(added=dict(added), changed=changed)


def merged_words(added: Mapping[str, int], changed: int) -> str:
    """Return what a merge brought: ``added 12 results and 1 incident, brought 2 incidents or alerts up to date``."""
    new = [counted(count, name.removesuffix("s")) for name, count in added.items() if count]
    parts = [f"added {_listed(new)}"] if new else []
    if changed:
        parts.append(f"brought {counted(changed, 'incident or alert', 'incidents or alerts')} up to date")
    return f"{', '.join(parts) or 'nothing new'}\n"


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number of things: ``1 result``, ``12,000 results``."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {several or f'{one}s'}"


def size(size_bytes: int) -> str:
    """Return a size for people, with three digits at least: ``980 B``, ``4.2 MB``."""
    amount, units = float(size_bytes), iter(("kB", "MB", "GB", "TB"))
    if size_bytes < _KB:
        return f"{size_bytes} B"
    unit = "B"
    while amount >= _KB and (larger := next(units, None)):
        amount, unit = amount / _KB, larger
    return f"{amount:.1f} {unit}"


def _facts(held: Inventory, path: str, why: str, integrity: str | None) -> Iterator[tuple[str, str]]:
    yield "store", f"{path} ({why})"
    yield (
        "size",
        f"{size(held.size_bytes)}, {size(held.free_bytes)} of it free; {size(held.wal_bytes)} in its -wal file",
    )
    yield "version", held.version
    yield "installation", f"{held.installation}, made {day_and_clock(held.created_at_ms)}"
    yield "probes", f"{held.probes:,}{_where(held)}"
    yield "results", f"{held.results:,}{_span(held)}"
    since = "" if held.first_check_ms is None else f", since {day_and_clock(held.first_check_ms)}"
    yield "rollups", f"{held.rollups:,}{since if held.rollups else ''}"
    yield "incidents", f"{held.incidents:,}{f', {held.open_incidents:,} of them open' if held.open_incidents else ''}"
    yield "alerts", ", ".join(f"{count:,} {state}" for state, count in held.alerts.items()) or "0"
    yield "rounds", f"{held.rounds:,}{_OF_SERVICE if held.rounds else ''}"
    if integrity is not None:
        yield "integrity", clean(integrity)


def _where(held: Inventory) -> str:
    return f", from {', '.join(map(clean, held.locations))}" if held.locations else ""


def _span(held: Inventory) -> str:
    if held.oldest_result_ms is None or held.newest_result_ms is None:
        return ""
    return f", {day_and_clock(held.oldest_result_ms)} to {day_and_clock(held.newest_result_ms)}"


def _listed(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _object(**members: object) -> str:
    return json.dumps({"schema": 1, **members}, indent=2, allow_nan=False) + "\n"
