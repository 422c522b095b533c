"""Words for our role behind another monitor, and for what is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.render.when import moment

if TYPE_CHECKING:
    from prober.core.gate import HeldBy
    from prober.core.sight import Role

MARK: Final = "^"
"""The sign at a probe for which we stand in alone."""


def headline(role: Role, watcher: str | None, since_ms: int | None, now_ms: int) -> str:
    """Return our role behind somebody in a few words: ``STANDING IN for UptimeRobot since 14:02:10 UTC``."""
    who = watcher or "somebody else"
    if role != "standing-in":
        return f"standing by behind {who}"
    since = "" if since_ms is None else f" since {moment(since_ms, now_ms)}"
    return f"STANDING IN for {who}{since}"


def footnote(watcher: str | None) -> str:
    """Return what the mark at a probe means."""
    return f"{MARK} standing in: {watcher or 'somebody else'} does not watch it"


def held(held_by: HeldBy | None, watcher: str | None) -> str:
    """Return why something is not told, or not yet: ``UptimeRobot is watching``."""
    match held_by:
        case "standby":
            return f"{watcher or 'somebody else'} is watching"
        case "unsure":
            return f"it will show whether {watcher or 'somebody else'} is watching"
        case "maintenance":
            return "maintenance"
        case "paused":
            return "the probe is paused"
        case "false_positive":
            return "a false positive"
        case _:
            return "until the next bad check"
