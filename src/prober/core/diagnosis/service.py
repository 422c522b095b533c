"""Whether prober is at work: its lock, its last round, what starts it, and the alerts that wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prober.core.delivery import STUCK_AFTER_MS
from prober.core.diagnosis.finding import Finding, fine, note, rough, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STALE_INTERVALS: Final = 3
STALE_MS: Final = 600_000
AT_ONCE_MS: Final = 15_000  # a round may end while the examination goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has the store's lock, as far as that is known."""

    who: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Something that is in place to run prober: a unit of systemd, or a workflow.

    ``is_lasting`` says that it keeps a process running, which then holds the store's lock.
    """

    path: str
    is_enabled: bool = True
    is_lasting: bool = False


def patience_ms(intervals_ms: Iterable[int]) -> int:
    """Return how long the last round may be ago: 3 of the shortest intervals, at least 10 min."""
    return max(STALE_MS, STALE_INTERVALS * min(intervals_ms, default=0))


def judge_lock(holder: Holder | None, *, last_round_ms: int | None, now_ms: int, patience_ms: int) -> Finding:
    """Judge who holds the lock: one that has finished no round for long hangs, and keeps all others out."""
    if holder is None:
        return fine("lock", "free: no process is at work on the store")
    held_ms = now_ms - holder.since_ms
    message = f"held by {holder.who} for {rough(held_ms)}"
    if min(held_ms, now_ms - (last_round_ms or 0)) <= patience_ms:
        return fine("lock", message)
    return wrong("lock", f"{message}, without a round for long", "end that process; its lock goes with it")


def judge_last_round(ended_ms: int | None, *, now_ms: int, patience_ms: int) -> Finding:
    """Judge when anything was checked last."""
    if ended_ms is None:
        return note("rounds", "none yet", '"prober run" makes the first')
    ago_ms = now_ms - ended_ms
    if ago_ms < -AT_ONCE_MS:
        advice = "our clock went back: see what is said of it here"
        return note("rounds", f"the last one ends {rough(-ago_ms)} in the future", advice)
    if ago_ms <= patience_ms:
        return fine("rounds", f"the last one ended {rough(max(ago_ms, 0))} ago")
    return wrong(
        "rounds",
        f"nothing has checked for {rough(ago_ms)}",
        'look at what runs prober (systemctl status prober, cron\'s log), or run "prober run" by hand',
    )


def judge_waiting(alerts: int, oldest_ms: int, *, now_ms: int) -> Finding:
    """Judge how many alerts no server has accepted, the oldest queued at ``oldest_ms``."""
    if not alerts:
        return fine("alerts", "none waits")
    waits_ms = now_ms - oldest_ms
    message = f"{alerts} not delivered, the oldest for {rough(waits_ms)}"
    if waits_ms <= STUCK_AFTER_MS:
        return note("alerts", message, "each is tried again until it is accepted: prober alerts list")
    return wrong("alerts", message, '"prober alerts list" shows what the server said')


def judge_notice(text: str, since_ms: int, *, now_ms: int) -> Finding:
    """Judge what the service says is wrong with it; the text says itself what to do."""
    advice = "mend that; the line goes as soon as it is well again"
    return wrong("service", f"for {rough(now_ms - since_ms)}: {text}", advice)


def judge_starters(starters: Sequence[Starter], *, is_serving: bool) -> list[Finding]:
    """Judge what runs prober again and again. ``is_serving`` says that the service holds the lock."""
    findings = [fine("schedule", "the service is running")] if is_serving else []
    findings += [_judge_starter(each, is_serving=is_serving) for each in starters]
    return findings or [
        note(
            "schedule",
            "no service, timer or workflow is in place; cron cannot be seen from here",
            'unless cron runs "prober run": prober setup systemd',
        )
    ]


def judge_heartbeat(host: str | None) -> Finding:
    """Judge whether somebody notices when prober itself stops."""
    if host is None:
        advice = "add [heartbeat] url, of a service that tells you when requests stop coming"
        return note("heartbeat", "not configured: nobody watches the watcher", advice)
    return fine("heartbeat", f"goes to {host}; not requested now, for that would hide an outage of ours")


def _judge_starter(starter: Starter, *, is_serving: bool) -> Finding:
    name = starter.path.rpartition("/")[2]
    if not starter.is_enabled:
        return note("schedule", f"{starter.path} is in place, but not enabled", f"systemctl enable --now {name}")
    if starter.is_lasting and not is_serving:
        return note(
            "schedule",
            f"{starter.path} is enabled, but nothing holds the lock of this store",
            f"systemctl status {name}; perhaps it has its store elsewhere: name that with --db",
        )
    return fine("schedule", f"{starter.path} is in place")
