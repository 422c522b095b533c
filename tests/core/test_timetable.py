"""Which probe is next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prober.core.timetable import Timetable

IDS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("plan"), IDS, st.integers(0, 20)),
        st.tuples(st.just("forget"), IDS, st.just(0)),
        st.tuples(st.just("take"), st.just(""), st.integers(0, 20)),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_is_a_list_of_starts_of_which_the_earliest_is_taken(steps: list[tuple[str, str, int]]) -> None:
    timetable = Timetable()
    naive: dict[str, int] = {}
    for what, probe_id, at_ms in steps:
        if what == "plan":
            timetable.plan(probe_id, at_ms)
            naive[probe_id] = at_ms
        elif what == "forget":
            timetable.forget(probe_id)
            naive.pop(probe_id, None)
        else:
            due = sorted((start, each) for each, start in naive.items() if start <= at_ms)
            taken = timetable.take_due(at_ms)
            assert taken == (due[0][1] if due else None)
            naive.pop(taken or "", None)
        assert timetable.next_ms() == min(naive.values(), default=None)


def test_nothing_planned_means_nothing_is_due() -> None:
    timetable = Timetable()
    assert (timetable.next_ms(), timetable.take_due(10**15)) == (None, None)
