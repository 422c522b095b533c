"""Gather what an alert says, at the moment it is queued."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from prober.adapters.store import incidents, notes, probes, results, states
from prober.app import history
from prober.app.maintenance import all_maintenance
from prober.app.role import watcher_of
from prober.core import standby
from prober.core.alerts import AlertFacts, AlertKind, CheckLine
from prober.core.durations import format_duration
from prober.core.model import (
    CertificateExpiring,
    Closed,
    ClosedAs,
    Event,
    Incident,
    Kind,
    Opened,
    Probe,
    ProberBlind,
    Reminded,
    Result,
    Severity,
    State,
)
from prober.core.people import Action
from prober.core.rollup import DAY_MS
from prober.core.sight import Disagreed, KeyRejected, RoleChanged
from prober.core.uptime import budget_used_percent, length_ms, without
from prober.render.rule import rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.adapters.store.db import Store
    from prober.core.settings import Config
    from prober.core.sight import Role
    from prober.core.standby import Standing
    from prober.core.uptime import Span

CHECKS_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What surrounds the events of one round: the same for every alert that it queues.

    ``standing`` is None when we stand behind nobody.
    """

    store: Store
    config: Config
    now_ms: int
    origin: str
    is_reachable: bool | None
    mask: Callable[[str], str]
    standing: Standing | None = None

    def facts(self, event: Event, number: int | None) -> AlertFacts:
        """Return what an alert about an event says; ``number`` is that of its incident, if it has one."""
        match event:
            case CertificateExpiring():
                return self._of_certificate(event)
            case ProberBlind():
                return self._of_blindness(event)
            case RoleChanged() | KeyRejected() | Disagreed():
                return self._of_watcher(event, number)
            case Opened() | Closed() | Reminded():
                return self._of_incident(event, incidents.find_incident(self.store, number or 0))
            case _:
                assert_never(event)

    def probe(self, probe_id: str) -> Probe | None:
        """Return a probe as it is configured, None for one that was removed."""
        return next((probe for probe in self.config.probes if probe.id == probe_id), None)

    def _of_incident(self, event: Opened | Closed | Reminded, incident: Incident | None) -> AlertFacts:
        probe = self.probe(event.probe_id)
        if incident is None:
            return self._about(event.probe_id, probe)
        facts = replace(
            self._about(event.probe_id, probe, since_ms=incident.started_at_ms),
            kind=_kind(event),
            severity=incident.severity,
            incident=incident.number,
            started_at_ms=incident.started_at_ms,
            confirmed_at_ms=incident.confirmed_at_ms,
            ended_at_ms=incident.ended_at_ms,
            reason=incident.reason,
            detail=incident.detail,
            checks=incident.checks,
            rule=rule(event, probe),
            acknowledged_by=incident.acknowledged_by,
            acknowledged_at_ms=incident.acknowledged_at_ms,
        )
        match event:
            case Opened(kind=kind):
                return self._with_comparison(facts) if kind is Kind.SLOW else facts
            case Reminded():
                return self._with_news(facts)
            case Closed(closed_as=ClosedAs.RESOLVED):
                return self._with_cost(self._with_resolution(facts, incident), probe)
            case Closed():
                return self._with_cost(facts, probe)
        assert_never(event)

    def _with_news(self, facts: AlertFacts) -> AlertFacts:
        return replace(facts, failed_checks=self._failed_checks(facts, self.now_ms), connectivity=self._asked())

    def _with_resolution(self, facts: AlertFacts, incident: Incident) -> AlertFacts:
        said = notes.last_note(self.store, incident.number, Action.RESOLVED)
        return replace(facts, resolved_by=said.who, resolved_note=said.text, connectivity=self._asked())

    def _asked(self) -> str | None:
        """Return what is known of our own network, if anybody asked: no check of this moment caused the alert."""
        return None if self.is_reachable is None else self._connectivity()

    def _of_certificate(self, event: CertificateExpiring) -> AlertFacts:
        probe = self.probe(event.probe_id)
        return replace(
            self._about(event.probe_id, probe),
            kind=AlertKind.CERTIFICATE,
            severity=probe.severity.one_lower() if probe else None,
            certificate_not_after_ms=event.not_after_ms,
            rule=f"less than {format_duration(event.stage_ms)} left",
        )

    def _of_blindness(self, event: ProberBlind) -> AlertFacts:
        return replace(
            self._about(None, None),
            kind=AlertKind.BLIND,
            started_at_ms=event.since_ms,
            confirmed_at_ms=event.at_ms,
        )

    def _of_watcher(self, event: RoleChanged | KeyRejected | Disagreed, number: int | None) -> AlertFacts:
        watcher = watcher_of(self.config)
        facts = replace(self._about(None, None), watcher=watcher)
        match event:
            case KeyRejected():
                return replace(facts, kind=AlertKind.KEY, severity=Severity.P2)
            case RoleChanged(role="standing-in"):
                kind, severity = AlertKind.STANDING_IN, Severity.P2
            case RoleChanged():
                kind, severity = AlertKind.STANDING_BY, Severity.P3
            case Disagreed():
                facts = self._about(event.probe_id, self.probe(event.probe_id), since_ms=event.started_at_ms)
                return replace(
                    facts,
                    kind=AlertKind.DISAGREEMENT,
                    severity=Severity.P3,
                    watcher=watcher,
                    incident=number,
                    started_at_ms=event.started_at_ms,
                    confirmed_at_ms=event.since_ms,
                )
        return replace(
            facts,
            kind=kind,
            severity=severity,
            role=event.role,
            started_at_ms=event.since_ms,
            watched_as=event.why,
            probes=event.probe_ids,
        )

    def _role(self, probe_id: str | None) -> Role:
        if self.standing is None:
            return "active"
        return self.standing.role if probe_id is None else standby.role_of(self.standing, probe_id)

    def _about(self, probe_id: str | None, probe: Probe | None, *, since_ms: int | None = None) -> AlertFacts:
        facts = AlertFacts(
            kind=AlertKind.TEST,
            queued_at_ms=self.now_ms,
            location=self.config.location,
            origin=self.origin,
            role=self._role(probe_id),
            probe_id=probe_id,
            others_down=self._others_down(probe_id),
            connectivity=self._connectivity(),
        )
        if probe_id is None:
            return facts
        last = results.last_results(self.store, probe_id, self.config.location, CHECKS_SHOWN)
        before_ms = self.now_ms if since_ms is None else since_ms
        good = results.last_good(self.store, probe_id, self.config.location, before_ms=before_ms)
        before = replace(
            facts,
            probe_name=probe_id,
            checks_before=tuple(map(_line, reversed(last))),
            excerpt=last[0].excerpt if last else None,
            last_good_at_ms=good.at_ms if good else None,
            latency_before_us=good.latency_us if good else None,
            latency_now_us=last[0].latency_us if last else None,
            figures=history.figures(
                self.store, probe_id, self.now_ms, self._maintenance(probe_id, self.now_ms - 30 * DAY_MS)
            ),
            percentiles=(history.percentiles_of_day(self.store, probe_id, self.config.location, self.now_ms),),
        )
        return self._with_settings(before, probe) if probe else before

    def _with_settings(self, facts: AlertFacts, probe: Probe) -> AlertFacts:
        return replace(
            facts,
            probe_name=probe.name,
            url=probes.shown_url(self.mask(probe.url)),
            verify=probe.verify,
            slow_ms=probe.policy.slow_ms,
            target_percent=probe.target_percent,
            runbook=probe.runbook,
            dashboard=probe.dashboard,
        )

    def _with_cost(self, facts: AlertFacts, probe: Probe | None) -> AlertFacts:
        if facts.probe_id is None or facts.started_at_ms is None or facts.ended_at_ms is None:
            return facts
        used = None
        if probe is not None and probe.target_percent is not None:
            planned = self._maintenance(facts.probe_id, facts.started_at_ms)
            down = without([(facts.started_at_ms, facts.ended_at_ms)], planned)
            used = budget_used_percent(length_ms(down), target_percent=probe.target_percent)
        failed = self._failed_checks(facts, facts.ended_at_ms)
        return replace(facts, failed_checks=failed, budget_used_percent=used, excerpt=None)

    def _maintenance(self, probe_id: str, since_ms: int) -> Sequence[Span]:
        found = all_maintenance(self.store, self.config, [probe_id], since_ms=since_ms, now_ms=self.now_ms)
        return found.get(probe_id, ())

    def _failed_checks(self, facts: AlertFacts, until_ms: int) -> int:
        if facts.probe_id is None or facts.started_at_ms is None:
            return 0
        return results.count_failed(self.store, facts.probe_id, self.config.location, facts.started_at_ms, until_ms)

    def _with_comparison(self, facts: AlertFacts) -> AlertFacts:
        if facts.probe_id is None:
            return facts
        week_ago_ms = self.now_ms - 7 * DAY_MS
        compared = tuple(
            replace(history.percentiles_of_day(self.store, facts.probe_id, self.config.location, until_ms), window=name)
            for name, until_ms in (("today", self.now_ms), ("7 days ago", week_ago_ms))
        )
        return replace(facts, percentiles=(*facts.percentiles, *compared))

    def _others_down(self, probe_id: str | None) -> tuple[str, ...]:
        known = states.all_states(self.store, self.config.location)
        down = {each for each, state in known.items() if state.state is State.DOWN} - {probe_id}
        return tuple(probe.name for probe in self.config.probes if probe.id in down)

    def _connectivity(self) -> str:
        if not self.config.connectivity_urls:
            return "not configured: an outage of our own network would look the same"
        if self.is_reachable is None:
            return "not asked: nothing failed on the way"
        return "our own network is fine" if self.is_reachable else "no connectivity url answered"


def _line(result: Result) -> CheckLine:
    return CheckLine(
        at_ms=result.at_ms,
        outcome=result.outcome,
        reason=result.reason,
        detail=result.detail,
        latency_us=result.latency_us,
    )


def _kind(event: Opened | Closed | Reminded) -> AlertKind:
    match event:
        case Opened(kind=kind):
            return AlertKind.DOWN if kind is Kind.DOWN else AlertKind.SLOW
        case Reminded():
            return AlertKind.REMINDER
        case Closed(closed_as=ClosedAs.REMOVED):
            return AlertKind.REMOVED
        case Closed(closed_as=ClosedAs.RESOLVED):
            return AlertKind.RESOLVED
    return AlertKind.RECOVERED if event.kind is Kind.DOWN else AlertKind.SLOW_OVER
