"""Incidents, what people did about them, and events.

An incident that has ended anywhere has ended; of two ends the earlier is the first good check that anybody made. Two
that are open for one probe, location and kind were opened by two processes that did not know of each other. It is one
outage, so the one that began earlier goes on, and the other ends, superseded, where it began. Its alerts then belong to
the first, so that everyone who was told of either is told of the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prober.adapters.store.merge.attach import number_new
from prober.adapters.store.merge.copies import join_incidents

if TYPE_CHECKING:
    import sqlite3

    from prober.adapters.store.db import Store

_KNOWN = """
SELECT {which}.* FROM temp.incidents_map m
JOIN main.incidents a ON a.number = m.ours JOIN other.incidents b ON b.number = m.theirs
WHERE (a.ended_at_ms, a.closed_as, a.acknowledged_at_ms, a.severity, a.confirmed_at_ms, a.checks, a.is_held)
  IS NOT (b.ended_at_ms, b.closed_as, b.acknowledged_at_ms, b.severity, b.confirmed_at_ms, b.checks, b.is_held)
ORDER BY m.theirs
"""

# The store that has a mark that the other has not went on from there, whatever its clock said.
_DIFFERING_MARKS = """
SELECT a.number, b.false_positive,
  EXISTS (SELECT 1 FROM main.notes n WHERE n.incident = a.number AND n.action LIKE '%false_positive'
    AND n.uid NOT IN (SELECT uid FROM other.notes)) AS ours_went_on,
  EXISTS (SELECT 1 FROM other.notes n WHERE n.incident = b.number AND n.action LIKE '%false_positive'
    AND n.uid NOT IN (SELECT uid FROM main.notes)) AS theirs_went_on
FROM temp.incidents_map m JOIN main.incidents a ON a.number = m.ours JOIN other.incidents b ON b.number = m.theirs
WHERE a.false_positive <> b.false_positive
"""

_MARK = """
UPDATE main.incidents SET false_positive = iif(:ours_went_on = :theirs_went_on, coalesce(
    (SELECT action = 'false_positive' FROM main.notes WHERE incident = :number AND action LIKE '%false_positive'
     ORDER BY at_ms DESC, uid DESC LIMIT 1), true), :false_positive)
WHERE number = :number
"""

# Both orders of (start, uid) decide alike, so that it does not matter which store takes in which.
_RIVALS = """
SELECT a.number AS ours, b.number AS theirs, (a.started_at_ms, a.uid) < (b.started_at_ms, b.uid) AS ours_stays
FROM temp.incidents_map m JOIN other.incidents b ON b.number = m.theirs
JOIN main.incidents a USING (probe, location, kind)
WHERE m.is_new AND a.ended_at_ms IS NULL AND b.ended_at_ms IS NULL
"""


def take_in(store: Store) -> tuple[int, int, int]:
    """Take in incidents and notes; return how many incidents are new, how many went on, and how many notes are new."""
    store.write(
        """INSERT INTO temp.incidents_map (theirs, ours, is_new)
        SELECT b.number, a.number, a.number IS NULL FROM other.incidents b LEFT JOIN main.incidents a USING (uid)"""
    )
    number_new(store, "incidents")
    changed = _join_known(store)
    rivals = store.rows(_RIVALS)
    for each in rivals:
        if not each["ours_stays"]:
            _supersede(store, each["ours"])
    new = _add_new(store, [each["theirs"] for each in rivals if each["ours_stays"]])
    store.write("UPDATE temp.incidents_map SET told = ours")
    for each in rivals:
        _tell_together(store, each)
    return new, changed, _take_in_notes(store)


def take_in_events(store: Store) -> int:
    """Add the events that are not known, and return how many."""
    (last,) = store.rows("SELECT coalesce(max(id), 0) AS id FROM main.events")
    new = store.write(
        """INSERT INTO main.events (uid, kind, probe, location, incident, at_ms, facts)
        SELECT b.uid, b.kind, b.probe, b.location, m.ours, b.at_ms, b.facts
        FROM other.events b LEFT JOIN temp.incidents_map m ON m.theirs = b.incident WHERE true ORDER BY b.id
        ON CONFLICT (uid) DO NOTHING"""
    )
    store.write(
        """UPDATE main.events SET facts = json_set(facts, '$.incident', m.told) FROM temp.incidents_map m
        WHERE events.id > :last AND m.theirs = json_extract(events.facts, '$.incident') AND m.theirs <> m.told""",
        {"last": last["id"]},
    )
    return new


def _join_known(store: Store) -> int:
    changed = 0
    ours, others = (store.rows(_KNOWN.format(which=which)) for which in "ab")
    for mine, theirs in zip(ours, others, strict=True):
        joined = join_incidents(dict(mine), dict(theirs))
        if joined != dict(mine):
            changed += 1
            store.write(
                """UPDATE main.incidents SET severity = :severity, confirmed_at_ms = :confirmed_at_ms,
                  checks = :checks, reason = :reason, detail = :detail, ended_at_ms = :ended_at_ms,
                  closed_as = :closed_as, acknowledged_at_ms = :acknowledged_at_ms, is_held = :is_held
                WHERE number = :number""",
                joined,
            )
    return changed


def _supersede(store: Store, number: int) -> None:
    store.write(
        """UPDATE main.incidents SET ended_at_ms = started_at_ms, closed_as = 'superseded', is_held = 0
        WHERE number = :number""",
        {"number": number},
    )


def _add_new(store: Store, superseded: list[int]) -> int:
    return store.write(
        """INSERT INTO main.incidents (number, uid, probe, location, kind, severity, started_at_ms, confirmed_at_ms,
          ended_at_ms, closed_as, acknowledged_at_ms, is_held, false_positive, reason, detail, checks)
        SELECT m.ours, b.uid, b.probe, b.location, b.kind, b.severity, b.started_at_ms, b.confirmed_at_ms,
          iif(s.value IS NULL, b.ended_at_ms, b.started_at_ms), iif(s.value IS NULL, b.closed_as, 'superseded'),
          b.acknowledged_at_ms, b.is_held AND s.value IS NULL, b.false_positive, b.reason, b.detail, b.checks
        FROM temp.incidents_map m JOIN other.incidents b ON b.number = m.theirs
        LEFT JOIN json_each(:superseded) s ON s.value = b.number WHERE m.is_new ORDER BY m.ours""",
        {"superseded": json.dumps(superseded)},
    )


def _tell_together(store: Store, rival: sqlite3.Row) -> None:
    """Let the alerts of the one that was superseded tell of the one that goes on."""
    if rival["ours_stays"]:
        store.write("UPDATE temp.incidents_map SET told = :ours WHERE theirs = :theirs", dict(rival))
    else:
        store.write(
            """UPDATE main.outbox SET incident = (SELECT ours FROM temp.incidents_map WHERE theirs = :theirs)
            WHERE incident = :ours""",
            dict(rival),
        )


def _take_in_notes(store: Store) -> int:
    """Add what people said and did. Where the stores differ on whether an incident counts, the later mark decides."""
    differing = store.rows(_DIFFERING_MARKS)
    new = store.write(
        """INSERT INTO main.notes (uid, incident, at_ms, who, action, text)
        SELECT b.uid, m.ours, b.at_ms, b.who, b.action, b.text
        FROM other.notes b JOIN temp.incidents_map m ON m.theirs = b.incident WHERE true ORDER BY b.id
        ON CONFLICT (uid) DO NOTHING"""
    )
    for row in differing:
        if row["theirs_went_on"] or not row["ours_went_on"]:
            store.write(_MARK, dict(row))
    return new
