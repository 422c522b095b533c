"""Two runs at one time: their states become what the rules make of both runs' results in order."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from prober.adapters.store import incidents, outbox
from prober.adapters.store.db import Store, open_store
from prober.adapters.store.merge import merge
from prober.adapters.store.states import all_states
from prober.app.actions.rederive import rederive
from prober.app.record import record
from prober.app.round import Round
from prober.core.model import Kind, Outcome, Reason, Result
from tests.app.world import HERE, config

KNOWN = config()
(PROBE,) = KNOWN.probes
MINUTE_MS = 60_000
OUTCOMES = {".": Outcome.OK, "s": Outcome.SLOW, "x": Outcome.FAILED, "?": Outcome.UNKNOWN}


def seen(sign: str, at_ms: int) -> Result:
    return Result(
        probe_id=PROBE.id,
        location=KNOWN.location,
        at_ms=at_ms,
        outcome=OUTCOMES[sign],
        reason=Reason.STATUS if sign == "x" else None,
        latency_us={".": 50_000, "s": 1_500_000}.get(sign),
        interval_ms=PROBE.interval_ms,
        identity=PROBE.identity,
    )


def play(store: Store, checks: str, *, first_ms: int, step_ms: int) -> None:
    """Record a check for each sign that is one, in a round of its own."""
    for number, sign in enumerate(checks):
        if sign != " ":
            at_ms = first_ms + number * step_ms
            round_ = Round(started_at_ms=at_ms, ended_at_ms=at_ms + 1, results=(seen(sign, at_ms),), is_reachable=None)
            record(round_, store=store, config=KNOWN, place=HERE, covers_all=True, is_alerting=True)


def both(folder: Path, before: str, mine: str, theirs: str) -> tuple[Store, int]:
    """Let two runs begin from one store, check in turn, and bring them together; return how many alerts that queued."""
    one, other = folder / "one.db", folder / "other.db"
    with closing(open_store(one, now_ms=0)) as store:
        play(store, before, first_ms=MINUTE_MS, step_ms=MINUTE_MS)
        base = all_states(store, KNOWN.location)
    shutil.copy(one, other)
    begin_ms = (len(before) + 2) * MINUTE_MS
    with closing(open_store(other, now_ms=0)) as store:
        play(store, theirs, first_ms=begin_ms + 30_000, step_ms=MINUTE_MS)
    store = open_store(one, now_ms=0)
    play(store, mine, first_ms=begin_ms, step_ms=MINUTE_MS)
    with closing(open_store(other, now_ms=0)) as their_store:
        merge(store, their_store)
    queued = rederive(store, config=KNOWN, base=base, place=HERE, now_ms=begin_ms + 60 * MINUTE_MS)
    return store, queued


def test_failures_that_each_run_saw_too_few_of_open_one_incident_and_one_alert(tmp_path: Path) -> None:
    store, queued = both(tmp_path, "...", "xx", "x")
    with closing(store):
        (incident,) = incidents.all_incidents(store)
        assert (incident.kind, incident.checks) == (Kind.DOWN, 3)
        assert queued == len(outbox.all_waiting(store)) == 1


def test_an_incident_that_one_run_opened_is_not_opened_again(tmp_path: Path) -> None:
    store, queued = both(tmp_path, "...", "xxx", "x")
    with closing(store):
        assert len(incidents.all_incidents(store)) == 1
        assert (queued, len(outbox.all_waiting(store))) == (0, 1)


def test_an_outage_that_both_runs_told_is_told_once(tmp_path: Path) -> None:
    store, queued = both(tmp_path, "...", "xxx", "xxx")
    with closing(store):
        assert [each.closed_as for each in incidents.all_incidents(store)].count(None) == 1
        assert (queued, len(outbox.all_waiting(store))) == (0, 1)


def test_an_end_that_needs_the_good_checks_of_both_runs_is_told(tmp_path: Path) -> None:
    store, _ = both(tmp_path, "xxx", ".", ".")
    with closing(store):
        (incident,) = incidents.all_incidents(store)
        assert incident.closed_as == "recovered"


def beginnings_and_ends(store: Store) -> dict[int, tuple[int, int]]:
    """Return how many mails are to tell that each incident began, and how many that it ended."""
    rows = store.rows(
        """SELECT i.number, sum(o.kind IN ('down', 'slow')) AS began, sum(o.kind NOT IN ('down', 'slow')) AS ended
        FROM incidents i LEFT JOIN outbox o ON o.incident = i.number AND o.state IN ('queued', 'sending')
        GROUP BY i.number"""
    )
    return {row["number"]: (row["began"] or 0, row["ended"] or 0) for row in rows}


signs = st.text(alphabet=".sx?", max_size=5)


@settings(max_examples=30)
@given(before=signs, mine=signs, theirs=signs)
@example(before="", mine="xxx", theirs=".x.")
@example(before="xxx", mine=".", theirs=".")
@example(before="xxx", mine="?ss", theirs="?x")
@example(before="xx", mine="xss", theirs="?x")
def test_the_rules_go_on_from_what_one_run_would_have_seen(before: str, mine: str, theirs: str) -> None:
    with TemporaryDirectory() as name, TemporaryDirectory() as naive:
        store, _ = both(Path(name), before, mine, theirs)
        with closing(store), closing(open_store(Path(naive) / "prober.db", now_ms=0)) as alone:
            play(alone, before, first_ms=MINUTE_MS, step_ms=MINUTE_MS)
            begin_ms = (len(before) + 2) * MINUTE_MS
            for number in range(5):
                play(alone, mine[number : number + 1], first_ms=begin_ms + number * MINUTE_MS, step_ms=1)
                play(alone, theirs[number : number + 1], first_ms=begin_ms + number * MINUTE_MS + 30_000, step_ms=1)
            ours, naives = all_states(store, KNOWN.location), all_states(alone, KNOWN.location)
            open_ours = {each.kind for each in incidents.open_incidents(store, KNOWN.location)}
            open_naives = {each.kind for each in incidents.open_incidents(alone, KNOWN.location)}
            assert ours.keys() == naives.keys()
            for probe_id, state in ours.items():
                assert state.last_at_ms == naives[probe_id].last_at_ms
                assert (state.down_since_ms is not None) == (Kind.DOWN in open_ours)
                assert (state.slow_since_ms is not None) == (Kind.SLOW in open_ours)
            # What one run saw the end of has ended, and was told: it begins anew by the usual count.
            ended = {each.kind for each in incidents.all_incidents(store) if each.ended_at_ms is not None}
            assert open_ours | ended | ({Kind.SLOW} if Kind.DOWN in open_ours else set()) >= open_naives


@settings(max_examples=60)
@given(before=signs, mine=signs, theirs=signs)
@example(before="ss", mine="s", theirs="s..")
@example(before="xxx", mine="..", theirs="..")
@example(before="xxx", mine="..xxx", theirs=".")
@example(before="", mine="xxx..", theirs="xxx")
def test_of_each_incident_people_hear_the_beginning_once_and_the_end_once(before: str, mine: str, theirs: str) -> None:
    """Nothing was delivered yet, so an end tells the beginning too, in its own mail."""
    with TemporaryDirectory() as name:
        store, _ = both(Path(name), before, mine, theirs)
        with closing(store):
            told = beginnings_and_ends(store)
            for each in incidents.all_incidents(store):
                if each.ended_at_ms is None:
                    assert told[each.number] == (1, 0), each
                elif each.closed_as == "recovered":
                    assert told[each.number] == (0, 1), each
                else:  # the other run may have seen its end, before it knew that it was superseded
                    assert told[each.number][1] <= 1, each
