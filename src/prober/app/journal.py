"""What a process tells of itself while it works: a method for each thing that can happen, and a log line for it.

Without a log all of it is silent, so that whoever has something to tell need not know whether anybody listens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, assert_never

from prober.adapters.config.problems import InvalidConfig
from prober.adapters.log import Entry
from prober.app.waiting import read_facts
from prober.core.model import CertificateExpiring, Closed, ClosedAs, Opened, Outcome, ProberBlind, Reminded, probe_of
from prober.core.settings import Config
from prober.core.sight import Disagreed, KeyRejected, RoleChanged
from prober.render.role import held
from prober.render.shapes import event_word
from prober.render.when import clock, day, milliseconds, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from prober.adapters.log import Level, Log
    from prober.adapters.store.outbox import OutboxRow
    from prober.app.announce import Told
    from prober.core.model import Event, Result
    from prober.core.standby import Standing
    from prober.errors import ProberError


class Journal:
    """Tell a log what happens. The rounds of a process are counted from 1."""

    def __init__(self, log: Log | None = None) -> None:
        self._log = log
        self._round = 0

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on."""
        if self._log is not None:
            self._log.hide(secrets)

    def started(self, *, version: str, location: str, probes: int, store: Path) -> None:
        """Tell that a service begins."""
        self._say("info", f"prober {version} started: {_count(probes, 'probe')}, location {location}, store {store}")

    def ready(self) -> None:
        """Tell that everything stands, and that checking begins."""
        self._say("info", "ready")

    def round_recorded(self, results: Sequence[Result], told: Iterable[Told], queued: int) -> None:
        """Tell what a round came to, as soon as it is committed; one without anything is not worth a line."""
        told = tuple(told)
        if not (results or told or queued):
            return
        self._round += 1
        for result in results:
            self._say("debug", _result(result), probe=result.probe_id, round_number=self._round)
        for each in told:
            level, message, probe = _event(each.event)
            if each.held_by is not None:
                message += f" (not told: {held(each.held_by, None)})"
            self._say(level, message, probe=probe, incident=each.incident, round_number=self._round)
        if queued:
            self._say("info", f"{_count(queued, 'alert')} queued", round_number=self._round)
        outcomes = Counter(result.outcome for result in results)
        counted = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in Outcome if outcomes[outcome])
        said = f": {counted}" if counted else ""
        self._say("debug", f"round finished: {_count(len(results), 'check')}{said}", round_number=self._round)

    def alert_accepted(self, row: OutboxRow, reply: str) -> None:
        """Tell that a mail server took an alert."""
        self._say_of_alert("info", row, f"accepted: {reply}")

    def alert_refused(self, row: OutboxRow, reply: str, *, retry_ms: int, is_permanent: bool) -> None:
        """Tell that an alert was surely not taken, and when it is tried again."""
        self._say_of_alert(
            "error" if is_permanent else "warning", row, f"refused: {reply}; next try in {words(retry_ms)}"
        )

    def alert_unknown(self, row: OutboxRow, detail: str, *, retry_ms: int) -> None:
        """Tell that an alert may or may not have been taken, and when it is repeated."""
        self._say_of_alert("warning", row, f"may have been taken: {detail}; repeated in {words(retry_ms)}")

    def alerts_held(self, recipient: str, *, until_ms: int) -> None:
        """Tell that what waits for somebody goes out later, in one mail, as they had three within a minute."""
        when = clock(until_ms)
        self._say("info", f"alerts to {recipient} held until {when}, to go together: 3 were sent within a minute")

    def alert_closed(self, row: OutboxRow) -> None:
        """Tell that an alert will not be sent, as nobody is configured who would get it."""
        self._say_of_alert("warning", row, "closed unsent: no longer configured")

    def reloaded(self, before: Config, after: Config) -> None:
        """Tell what a new configuration changed."""
        self._say("info", f"reloaded: {'; '.join(_changes(before, after)) or 'nothing changed'}")

    def reload_failed(self, error: ProberError) -> None:
        """Tell every problem of a configuration that is not taken."""
        problems = problems_of(error)
        self._say("error", f"reload failed, the old configuration stays: {_count(len(problems), 'problem')}")
        for problem in problems:
            self._say("error", problem)

    def store_lost(self, error: ProberError) -> None:
        """Tell that the store cannot be used, and that the work goes on without it."""
        self._say("error", f"the store failed us, checks and alerts go on without it: {error}")

    def kept_in_memory(self, error: ProberError) -> None:
        """Tell that not even a file stands in for the store."""
        told = "no file can be written anywhere: what happens is kept in memory only, and lost when this process ends"
        self._say("error", f"{told}: {error}")

    def standin_set_aside(self, said: str) -> None:
        """Tell that what was done without the store is damaged, and so will never be in it."""
        self._say("error", said)

    def standin_left(self, said: str) -> None:
        """Tell that what was done without the store stays where it is for now."""
        self._say("warning", said)

    def store_healed(self, *, lost_for_ms: int) -> None:
        """Tell that the store is back, with what happened meanwhile."""
        self._say("warning", f"the store is back after {words(lost_for_ms)}, with all that happened meanwhile")

    def store_begun_anew(self, said: str) -> None:
        """Tell that a new store is in the place of one that is gone."""
        self._say("error", said)

    def store_set_aside(self, aside: Path) -> None:
        """Tell that a corrupt store was moved away."""
        self._say("error", f"the store could not be read: it was set aside as {aside}, and history starts anew")

    def unlocked(self, why: str) -> None:
        """Tell that no lock could be made, so that nothing keeps another process away."""
        self._say("warning", f"another prober may run beside this one, as there is no lock: {why}")

    def signal_received(self, name: str, *, meaning: str) -> None:
        """Tell that somebody wants something of this process."""
        self._say("info", f"{name}: {meaning}")

    def stopped(self, *, undelivered: int) -> None:
        """Tell that a service ends."""
        waiting = f", {_count(undelivered, 'alert')} not delivered yet" if undelivered else ""
        self._say("info", f"stopped{waiting}")

    def heartbeat_failed(self, detail: str) -> None:
        """Tell that the heartbeat does not get through, when it begins to be so."""
        self._say("warning", f"heartbeat failed: {detail}")

    def heartbeat_recovered(self) -> None:
        """Tell that the heartbeat gets through again."""
        self._say("info", "heartbeat recovered")

    def watchdog_starving(self, *, idle_ms: int) -> None:
        """Tell that nothing was committed for long, so that systemd is to end and restart us."""
        self._say("error", f"no progress for {words(idle_ms)}: the watchdog is not fed any more")

    def looked(self, standing: Standing, why: str | None) -> None:
        """Tell what a look at the other side came to."""
        said = f"{standing.seen}{f' ({why})' if why else ''}"
        self._say("debug", f"looked at the other side: {said}; our role is {standing.role}")

    def clock_jumped(self, by_ms: int) -> None:
        """Tell that the wall clock was set while we ran."""
        self._say("warning", f"the wall clock jumped {'forward' if by_ms > 0 else 'back'} by {words(abs(by_ms))}")

    def _say_of_alert(self, level: Level, row: OutboxRow, what: str) -> None:
        facts = read_facts(row)
        probe = facts.probe_id if facts else None
        about = f"{probe} {row.kind}" if probe else row.kind
        self._say(level, f"alert {row.id} ({about}) to {row.recipient} {what}", probe=probe, incident=row.incident)

    def _say(
        self,
        level: Level,
        message: str,
        *,
        probe: str | None = None,
        incident: int | None = None,
        round_number: int | None = None,
    ) -> None:
        if self._log is not None:
            self._log.write(Entry(level=level, message=message, probe=probe, incident=incident, round=round_number))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _result(result: Result) -> str:
    said = result.detail if result.latency_us is None else f"{milliseconds(result.latency_us)} ms"
    return f"{result.probe_id}: {result.outcome}{f', {said}' if said else ''}"


def _event(event: Event) -> tuple[Level, str, str | None]:
    """Return how much an event matters, the line for it, and its probe."""
    word, probe = (event_word(event) or "slow_superseded").replace("_", " "), probe_of(event)
    match event:
        case Opened() | Closed() | Reminded() | CertificateExpiring():
            level, said = _news_of_probe(event)
        case ProberBlind() | RoleChanged() | KeyRejected() | Disagreed():
            level, said = _news_of_us(event)
        case _:
            assert_never(event)
    return level, ": ".join(filter(None, (word, probe, said))), probe


def _news_of_probe(event: Opened | Closed | Reminded | CertificateExpiring) -> tuple[Level, str]:
    match event:
        case Opened():
            return "warning", event.detail or f"{event.checks} checks in a row"
        case Closed(closed_as=ClosedAs.SUPERSEDED):
            return "info", "it is down now"
        case Closed():
            return "info", f"after {words(event.ended_at_ms - event.started_at_ms)}"
        case Reminded():
            return "info", f"{event.kind} for {words(event.at_ms - event.started_at_ms)}"
        case CertificateExpiring():
            return "warning", f"it ends on {day(event.not_after_ms)}"


def _news_of_us(event: ProberBlind | RoleChanged | KeyRejected | Disagreed) -> tuple[Level, str]:
    match event:
        case ProberBlind():
            return "warning", f"offline for {words(event.at_ms - event.since_ms)}"
        case RoleChanged(probe_ids=probe_ids):
            return "warning", f"{', '.join(probe_ids) or 'all probes'} ({event.why})"
        case KeyRejected():
            return "error", "so we stand in"
        case Disagreed():
            return "warning", f"the other side has said up for {words(event.at_ms - event.since_ms)}"


def _changes(before: Config, after: Config) -> list[str]:
    old, new = ({probe.id: probe for probe in config.probes} for config in (before, after))
    changed = [each for each in old.keys() & new.keys() if old[each] != new[each]]
    lists = {"added": new.keys() - old.keys(), "removed": old.keys() - new.keys(), "changed": changed}
    said = [f"{what} {', '.join(sorted(ids))}" for what, ids in lists.items() if ids]
    parts = [each.name for each in fields(Config) if each.name not in {"path", "probes", "secrets"}]
    other = [part for part in parts if getattr(before, part) != getattr(after, part)]
    return said + [f"{part.removesuffix('_ms').replace('_', ' ')} changed" for part in other]


def problems_of(error: ProberError) -> list[str]:
    """Return a line for each thing that is wrong."""
    if not isinstance(error, InvalidConfig):
        return [str(error)]
    return ["; ".join(filter(None, (str(each).splitlines()[0], each.suggestion))) for each in error.problems]
