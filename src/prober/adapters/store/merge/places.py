"""Probes, what the rules remember of them, when they were in maintenance, rounds, runs and blackouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

# A store that has the result of the other's last check went on from there, whatever its clock said. Only where neither
# has, two processes checked under one name, and the later clock decides.
_LATER_STATES = """
INSERT OR REPLACE INTO main.states ({columns})
SELECT {theirs} FROM other.states theirs LEFT JOIN main.states mine USING (probe, location)
WHERE mine.probe IS NULL OR CASE
  EXISTS (SELECT 1 FROM other.series s JOIN other.results r ON r.series = s.no
    WHERE s.probe = mine.probe AND s.location = mine.location
      AND r.hour = mine.last_at_ms / 3600000 AND r.after_ms = mine.last_at_ms % 3600000)
  - EXISTS (SELECT 1 FROM main.series s JOIN main.results r ON r.series = s.no
    WHERE s.probe = mine.probe AND s.location = mine.location
      AND r.hour = theirs.last_at_ms / 3600000 AND r.after_ms = theirs.last_at_ms % 3600000)
  WHEN 1 THEN true WHEN -1 THEN false ELSE coalesce(theirs.last_at_ms, -1) > coalesce(mine.last_at_ms, -1) END
"""

# As with states: who has the other's last look went on from there.
_LATER_STANDINGS = """
INSERT OR REPLACE INTO main.standings (location, looked_at_ms, standing)
SELECT theirs.location, theirs.looked_at_ms, theirs.standing
FROM other.standings theirs LEFT JOIN main.standings mine USING (location)
WHERE mine.location IS NULL OR CASE
  EXISTS (SELECT 1 FROM other.looks l WHERE l.location = mine.location AND l.at_ms = mine.looked_at_ms)
  - EXISTS (SELECT 1 FROM main.looks l WHERE l.location = mine.location AND l.at_ms = theirs.looked_at_ms)
  WHEN 1 THEN true WHEN -1 THEN false
  ELSE (theirs.looked_at_ms, theirs.standing) > (mine.looked_at_ms, mine.standing) END
"""

_OPEN = """
UPDATE main.states SET {since} = i.started_at_ms,
  {good}_count = iif({since} IS NULL, 0, {good}_count),
  {good}_started_at_ms = iif({since} IS NULL, 0, {good}_started_at_ms),
  since_ms = iif('{kind}' = 'down' OR down_since_ms IS NULL, i.started_at_ms, since_ms)
FROM main.incidents i
WHERE i.probe = states.probe AND i.location = states.location AND i.kind = '{kind}' AND i.ended_at_ms IS NULL
  AND i.started_at_ms IS NOT {since}
"""

_ENDED = """
UPDATE main.states SET {since} = NULL, {bad}_count = 0, {bad}_started_at_ms = 0, {good}_count = 0,
  {good}_started_at_ms = 0, since_ms = i.ended_at_ms,
  was_good = was_good AND NOT (i.kind = 'down' AND i.closed_as = 'resolved')
FROM main.incidents i
WHERE i.probe = states.probe AND i.location = states.location AND i.kind = '{kind}' AND i.ended_at_ms IS NOT NULL
  AND i.started_at_ms = {since}
"""


def take_in_probes(store: Store) -> int:
    """Make all probes and series known, and return how many probes are new; what is known keeps its name and url."""
    new = store.write(
        """INSERT INTO main.probes (id, name, url) SELECT id, name, url FROM other.probes WHERE true
        ON CONFLICT (id) DO NOTHING"""
    )
    store.write(
        """INSERT INTO main.series (probe, location, first_at_ms)
        SELECT probe, location, first_at_ms FROM other.series WHERE true
        ON CONFLICT (probe, location) DO UPDATE SET first_at_ms = min(first_at_ms, excluded.first_at_ms)"""
    )
    store.write(
        """INSERT INTO temp.series_map (theirs, ours)
        SELECT b.no, a.no FROM other.series b JOIN main.series a USING (probe, location)"""
    )
    store.write(
        """INSERT INTO main.intervals (series, from_ms, interval_ms)
        SELECT m.ours, i.from_ms, i.interval_ms FROM other.intervals i JOIN temp.series_map m ON m.theirs = i.series
        WHERE m.ours NOT IN (SELECT series FROM main.intervals)"""
    )
    return new


def take_in_states(store: Store) -> None:
    """Take over each state that is later than ours, before any results are merged."""
    names = [row["name"] for row in store.rows("SELECT name FROM pragma_table_info('states')")]
    store.write(_LATER_STATES.format(columns=", ".join(names), theirs=", ".join(f"theirs.{name}" for name in names)))


def agree_with_incidents(store: Store) -> None:
    """Let each state say what its incidents say: that is what the rules go on from, and what ends an incident.

    One that is open here, but that the state does not know, ends by the usual count of good checks. One that the state
    believes open, but that has ended elsewhere, needs the usual count of bad ones to begin anew.
    """
    for kind, bad, good in (("down", "failing", "good"), ("slow", "slow", "fast")):
        values = {"kind": kind, "since": f"{kind}_since_ms", "bad": bad, "good": good}
        store.write(_OPEN.format(**values))
        store.write(_ENDED.format(**values))


def take_in_blackouts(store: Store) -> None:
    """Add blackouts; one that ended anywhere has ended. Of two that last, the later one is part of the other."""
    store.write(
        """UPDATE main.blackouts AS a SET
          ended_at_ms = coalesce(min(a.ended_at_ms, b.ended_at_ms), a.ended_at_ms, b.ended_at_ms),
          told_at_ms = coalesce(min(a.told_at_ms, b.told_at_ms), a.told_at_ms, b.told_at_ms)
        FROM other.blackouts b WHERE b.location = a.location AND b.since_ms = a.since_ms"""
    )
    store.write(
        """UPDATE main.blackouts AS a SET ended_at_ms = a.since_ms FROM other.blackouts b
        WHERE b.location = a.location AND a.ended_at_ms IS NULL AND b.ended_at_ms IS NULL AND b.since_ms < a.since_ms
          AND (b.location, b.since_ms) NOT IN (SELECT location, since_ms FROM main.blackouts)"""
    )
    store.write(
        """INSERT INTO main.blackouts (location, since_ms, ended_at_ms, told_at_ms)
        SELECT b.location, b.since_ms, iif(a.since_ms IS NULL, b.ended_at_ms, coalesce(b.ended_at_ms, b.since_ms)),
          b.told_at_ms
        FROM other.blackouts b LEFT JOIN main.blackouts a ON a.location = b.location AND a.ended_at_ms IS NULL
        WHERE true ON CONFLICT (location, since_ms) DO NOTHING"""
    )


def take_in_standings(store: Store) -> None:
    """Add the looks that are not known; where we stand is what the last of them came to."""
    store.write(_LATER_STANDINGS)
    store.write(
        """INSERT INTO main.looks (location, at_ms, seen, role, monitors, newest_at_ms, why)
        SELECT location, at_ms, seen, role, monitors, newest_at_ms, why FROM other.looks WHERE true
        ON CONFLICT (location, at_ms) DO NOTHING"""
    )


def take_in_maintenance(store: Store) -> None:
    """Add what was maintenance: of two that began alike, the one that lasted longer."""
    store.write(
        """INSERT INTO main.maintenance (probe, from_ms, to_ms, reason)
        SELECT probe, from_ms, to_ms, reason FROM other.maintenance WHERE true
        ON CONFLICT (probe, from_ms) DO UPDATE SET to_ms = max(to_ms, excluded.to_ms),
          reason = coalesce(min(reason, excluded.reason), reason, excluded.reason)"""
    )


def take_in_rounds(store: Store) -> int:
    """Add the rounds that are not known, let one that a service goes on with go on, and return how many are new."""
    store.write(
        """UPDATE main.rounds AS a SET ended_at_ms = max(a.ended_at_ms, b.ended_at_ms), checks = b.checks,
          is_offline = b.is_offline
        FROM other.rounds b
        WHERE b.location = a.location AND b.started_at_ms = a.started_at_ms AND b.host = a.host AND b.pid = a.pid
          AND b.checks > a.checks"""
    )
    return store.write(
        """INSERT INTO main.rounds (location, started_at_ms, ended_at_ms, checks, is_offline, host, pid)
        SELECT b.location, b.started_at_ms, b.ended_at_ms, b.checks, b.is_offline, b.host, b.pid
        FROM other.rounds b LEFT JOIN main.rounds a
          ON a.location = b.location AND a.started_at_ms = b.started_at_ms AND a.host = b.host AND a.pid = b.pid
        WHERE a.id IS NULL ORDER BY b.id"""
    )


def take_in_runs(store: Store) -> int:
    """Add the runs that are not known, and return how many; one that ended anywhere has ended."""
    store.write(
        """UPDATE main.runs AS a SET
          ended_at_ms = coalesce(max(a.ended_at_ms, b.ended_at_ms), a.ended_at_ms, b.ended_at_ms)
        FROM other.runs b WHERE b.location = a.location AND b.run = a.run"""
    )
    return store.write(
        """INSERT INTO main.runs (location, run, trigger, planned_at_ms, started_at_ms, ended_at_ms)
        SELECT location, run, trigger, planned_at_ms, started_at_ms, ended_at_ms FROM other.runs WHERE true
        ON CONFLICT (location, run) DO NOTHING"""
    )
