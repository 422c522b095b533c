"""What two copies of one row come to: pure, and the same whichever of them is asked first.

A row is what SQLite returned, by column. Of an alert, the copy wins that knows best that no more is to be done: once it
was accepted, it is never sent again. Only while both still wait are the two joined, and an attempt that may have been
accepted keeps its bytes, so that whoever repeats it repeats the same message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Row: TypeAlias = dict[str, Any]
FindCarrier: TypeAlias = "Callable[[Row], Row]"

ABOUT: Final = ("id", "event", "incident", "kind", "channel", "recipient", "facts", "queued_at_ms")
_FATES: Final = ("untried", "refused", "unknown")
_BY_ITSELF: Final = {"queued": 1, "sending": 1, "closed": 4, "dropped": 5, "sent": 8}
_MAY_HAVE_ARRIVED: Final = 3
# One that is told by a closed one is told by nobody: that batch was undone, and a copy that waits knows it.
_BY_ANOTHER: Final = {"closed": 0, "queued": 2, "sending": 2, "dropped": 6, "sent": 7}


def join_incidents(mine: Row, theirs: Row) -> Row:
    """Return what is known of an incident: the earlier confirmation, the earlier end, the earlier acknowledgement."""
    confirmed = min(mine, theirs, key=_confirmation)
    ended = min((each for each in (mine, theirs) if each["ended_at_ms"] is not None), key=_end, default=mine)
    taken = [each["acknowledged_at_ms"] for each in (mine, theirs) if each["acknowledged_at_ms"] is not None]
    return {
        **mine,
        **{name: confirmed[name] for name in ("severity", "confirmed_at_ms", "checks", "reason", "detail")},
        "ended_at_ms": ended["ended_at_ms"],
        "closed_as": ended["closed_as"],
        "acknowledged_at_ms": min(taken, default=None),
        "is_held": mine["is_held"] and theirs["is_held"],
    }


def join_alerts(mine: Row, theirs: Row, find_carrier: FindCarrier) -> Row:
    """Return what is known of an alert. ``find_carrier`` returns the joined row that tells a batched or merged one."""
    ranks = [_rank(each, find_carrier) for each in (mine, theirs)]
    if all(each in {1, _MAY_HAVE_ARRIVED} for each in ranks):
        joined = _still_waiting(mine, theirs)
    elif ranks[0] == ranks[1]:
        joined = min(mine, theirs, key=lambda each: _order(each, find_carrier))
    else:
        joined = mine if ranks[0] > ranks[1] else theirs
    return joined | {name: mine[name] for name in ABOUT}


def _rank(row: Row, find_carrier: FindCarrier) -> int:
    if row["carrier"] is None:
        rank = _BY_ITSELF[row["state"]]
        return _MAY_HAVE_ARRIVED if rank == 1 and row["fate"] == "unknown" else rank
    return _BY_ANOTHER[find_carrier(row)["state"]]


def _order(row: Row, find_carrier: FindCarrier) -> tuple[object, ...]:
    told = (row["state"] != "merged", find_carrier(row)["message_id"]) if row["carrier"] is not None else ()
    tried = (-row["attempts"], row["first_tried_at_ms"] or 0, row["next_attempt_at_ms"], row["last_error"] or "")
    return *told, row["sent_at_ms"] or 0, row["message_id"], *tried


def _still_waiting(mine: Row, theirs: Row) -> Row:
    fate = max(mine["fate"], theirs["fate"], key=_FATES.index)
    if mine["state"] == "sending":
        return (theirs if _has_ended(mine, theirs) else mine) | {"fate": fate}
    farther = max(mine, theirs, key=_attempts)
    spoken = max(mine, theirs, key=_words)
    words = {name: spoken[name] for name in ("message_id", "frozen", "first_tried_at_ms")}
    return farther | words | {"fate": fate}


def _has_ended(mine: Row, theirs: Row) -> bool:
    """Say whether the attempt that seems to go on in ``mine`` is over, as ``theirs`` went on from there.

    Where the attempt goes on in both, theirs waits for the end of its lease.
    """
    if theirs["first_tried_at_ms"] != mine["first_tried_at_ms"] or theirs["attempts"] < mine["attempts"]:
        return False
    return theirs["fate"] == "refused" or bool(theirs["next_attempt_at_ms"] < mine["lease_until_ms"])


def _attempts(row: Row) -> tuple[object, ...]:
    return row["attempts"], _FATES.index(row["fate"]), row["next_attempt_at_ms"], row["last_error"] or ""


def _words(row: Row) -> tuple[object, ...]:
    told, tried_at_ms = row["frozen"], row["first_tried_at_ms"]
    return told is not None, _FATES.index(row["fate"]), -(tried_at_ms or 0), row["message_id"], told or b""


def _confirmation(row: Row) -> tuple[object, ...]:
    return row["confirmed_at_ms"], row["severity"], row["checks"], row["reason"] or "", row["detail"] or ""


def _end(row: Row) -> tuple[object, ...]:
    return row["ended_at_ms"], row["closed_as"]
