"""Whatever happens, in whatever order: nothing that nobody else watches stays untold, and nothing else is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from prober.adapters.store import outbox
from prober.app.announce import Announcer
from prober.core import gate, standby
from prober.core.model import Closed, Opened
from tests.app.standing_life import live

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = ["xxx", "xx.", "x..", ".x.", "sss", "s.s", "...", "?.x", "xs?"]
RUNS = [
    "xxx xxx",
    "xxx xxx",
    "... ...",
    "sss sss",
    "F F F",
    "F F F",
    "S S",
    "A A",
    "M M",
    "U U U",
    "L +16",
    "F +11 F d",
]
DEEDS = st.one_of(
    st.sampled_from(ROUNDS),
    st.sampled_from(RUNS),
    st.sampled_from("FSAMDUOLK"),
    st.sampled_from(["+3", "+16", "a4", "b2", "*3", "r", "d"]),
)
LIVES = st.lists(DEEDS, max_size=30).map(" ".join)


@settings(max_examples=300)
@given(LIVES)
def test_what_nobody_else_watches_is_told_and_nothing_is_told_of_what_somebody_watches(deeds: str) -> None:
    live(deeds.split())


@pytest.mark.parametrize(
    "deeds",
    [
        "F xxx xxx F F xxx ... ...",
        "F xxx xxx S S xxx F F F ... xxx xxx",
        "F xxx xxx U U U xxx",
        "F xxx xxx O O O O xxx",
        "F xxx xxx L L +16 xxx",
        "F xxx xxx K xxx F F F xxx ...",
        "F A A xx. xx. S S xxx",
        "M M xxx xxx F F F xxx ...",
        "F D xxx xxx S S r xxx xxx ...",
        "S S a4 xxx xxx xxx xxx xxx xxx ...",
        "F xxx xxx F +11 F d L +16 xxx",
        "F *9 xxx xxx S S xxx +16 ... xxx",
        "S S sss sss xxx xxx d +16 sss sss F F F +16 ...",
    ],
)
def test_a_life_that_was_thought_of(deeds: str) -> None:
    live(deeds.split())


def twice(announce: Callable[..., None]) -> Callable[..., None]:
    def announced(self: Announcer, event: Any, *arguments: Any, **named: Any) -> None:
        for _ in range(2 if isinstance(event, Opened) else 1):
            announce(self, event, *arguments, **named)

    return announced


def to_all(admit: Callable[..., Any]) -> Callable[..., Any]:
    def admitted(event: Any, *, channels: Any, **named: Any) -> Any:
        told = {"told": gate.everyone(channels)} if isinstance(event, Closed) else {}
        return admit(event, channels=channels, **named | told)

    return admitted


BROKEN: dict[str, tuple[object, str, Any]] = {
    "speaks while they watch": (standby, "is_held", lambda *_: False),
    "never releases": (Announcer, "release", lambda *_: None),
    "ignores maintenance": (gate, "is_active", lambda *_: False),
    "forgets who was told": (outbox, "told", lambda *_: set()),
    "tells each beginning twice": (Announcer, "_announce", twice(Announcer._announce)),
    "tells ends to everybody": (gate, "admit", to_all(gate.admit)),
    "waits for one look more": (standby, "STALE_LOOKS", 3),
    "waits for ever where nobody answers": (standby, "SILENT_LOOKS", 99),
    "waits for ever where told to wait": (standby, "PATIENCE_MS", 10**12),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_gate_that_is_broken_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BROKEN[name])

    @settings(max_examples=400, phases=[Phase.generate], derandomize=True, database=None)
    @given(LIVES)
    def lives(deeds: str) -> None:
        live(deeds.split())

    with pytest.raises(AssertionError):
        lives()
