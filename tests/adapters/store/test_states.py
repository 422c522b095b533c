"""States come back as they were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store.states import all_states, save_states
from prober.core.model import ProbeState, Streak
from tests.adapters.store.builders import know

if TYPE_CHECKING:
    from prober.adapters.store.db import Store

TIMES = st.integers(0, 2**48)
STREAKS = st.builds(Streak, count=st.integers(0, 10**6), started_at_ms=TIMES)
STATES = st.builds(
    ProbeState,
    identity=st.text(st.characters(exclude_categories=["Cs"])),
    down_since_ms=st.none() | TIMES,
    slow_since_ms=st.none() | TIMES,
    failing=STREAKS,
    good=STREAKS,
    slow=STREAKS,
    fast=STREAKS,
    was_good=st.booleans(),
    since_ms=st.none() | TIMES,
    last_at_ms=st.none() | TIMES,
    certificate=st.none() | st.just("ab:cd"),
    certificate_stage_ms=st.none() | TIMES,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.dictionaries(st.sampled_from(["api", "web", "db"]), STATES))
def test_what_is_saved_comes_back_equal_and_the_rest_stays(store: Store, states: dict[str, ProbeState]) -> None:
    know(store, "api", "web", "db")
    before = all_states(store, "here")
    with store.transaction():
        save_states(store, "here", states)
    assert all_states(store, "here") == before | states


def test_states_are_per_location(store: Store) -> None:
    know(store, "api")
    with store.transaction():
        save_states(store, "here", {"api": ProbeState(was_good=True)})
    assert all_states(store, "there") == {}
