"""What a ``[[maintenance]]`` table says as a whole: when it is, and whether what it names exists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from prober.adapters.config.positions import Path
    from prober.adapters.config.tables import Leaf, Leaves, TableReader

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check_maintenance(
    reader: TableReader, path: Path, leaves: Leaves, *, ids: Collection[str], tags: Collection[str] | None
) -> None:
    """Note what is wrong with a window; ``ids`` and ``tags`` are those of the probes, None where they are broken."""
    cron, start = leaves.get(("cron", "")), leaves.get(("start", ""))
    if cron is None and start is None:
        when = 'cron = "0 4 * * 2" or start = 2026-12-01T04:00:00Z'
        reader.note(path, f"[[maintenance]] has neither cron nor start (write {when})", at="key")
    if cron and start:
        reader.note(start.path, "cron and start are both given (write a [[maintenance]] for each)", at="key")
    if ("duration", "") not in leaves:
        reader.note(path, '[[maintenance]] has no duration (write duration = "30m")', at="key")
    if start and not start.is_broken:
        _check_place(reader, start, leaves.get(("timezone", "")))
    _check_named(reader, leaves.get(("probes", "")), ids, "there is no probe {}")
    _check_named(reader, leaves.get(("tags", "")), tags, "no probe has the tag {}")


def known_tags(probes: Mapping[str, Leaves]) -> set[str] | None:
    """Return the tags of all probes, None when those of one are broken."""
    tags = [each["tags", ""] for each in probes.values() if ("tags", "") in each]
    return None if any(each.is_broken for each in tags) else {tag for each in tags for tag in each.value}


def start_ms(start: datetime, timezone: str) -> int:
    """Return when a window that begins once begins; without an offset its time is read in the time zone."""
    if start.tzinfo is not None:
        return (start - _EPOCH) // timedelta(milliseconds=1)
    from prober.core.windows import instant_ms  # noqa: PLC0415 - costs start-up time, few windows need it

    return instant_ms(start, timezone)


def _check_place(reader: TableReader, start: Leaf, timezone: Leaf | None) -> None:
    """Note a start that is of no place, or of two."""
    if start.value.tzinfo is None and timezone is None:
        utc = f"{start.value.isoformat()}Z"
        reader.note(start.path, f"start has no offset (write {utc} for UTC, or say which timezone it is of)")
    if start.value.tzinfo is not None and timezone is not None:
        message = "start has an offset, and timezone is given too (one of them is enough)"
        reader.note(timezone.path, message, at="key")


def _check_named(reader: TableReader, leaf: Leaf | None, known: Collection[str] | None, message: str) -> None:
    if leaf is None or leaf.is_broken or known is None:
        return
    for index, name in enumerate(leaf.value):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            suggestion = f'did you mean "{near[0]}"?' if near else ""
            reader.note((*leaf.path, index), message.format(f'"{name}"'), suggestion=suggestion)
