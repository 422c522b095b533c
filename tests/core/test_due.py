"""Reminders: a table of what recipients live through, a naive model beside it, and clocks that were wrong.

A life is written with one character for each ten minutes, and ``remind`` is half an hour. ``d`` the beginning arrives,
``q`` it is queued but does not arrive, ``+`` the recipient is added to the configuration, ``-`` taken out, ``!`` the
mail server stops taking anything, ``a`` what waits arrives and all later mail too, ``x`` a person gives up what waits.
``k`` acknowledged, ``f`` false positive, ``u`` no false positive after all, ``e`` the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core import due
from prober.core.due import Heard
from prober.core.model import ClosedAs, Incident, Kind, Reminded, Severity
from prober.core.settings import EmailChannel

STEP_MS = 600_000
REMIND_MS = 3 * STEP_MS
INCIDENT = Incident(
    number=42,
    uid="u",
    probe_id="api",
    location="here",
    kind=Kind.DOWN,
    severity=Severity.P1,
    started_at_ms=0,
    confirmed_at_ms=0,
    checks=3,
    announced_at_ms=0,
)


def channel(*to: str, remind_ms: int | None = REMIND_MS, tags: tuple[str, ...] = ()) -> EmailChannel:
    return EmailChannel(
        id="ops", to=to, tags=tags, sender="p@acme.example", server="localhost", port=25, remind_ms=remind_ms
    )


@dataclass(slots=True)
class Life:
    """What one recipient lives through; ``heard`` is None until an alert was queued."""

    script: str
    heard: Heard | None = None
    is_configured: bool = True
    is_reached: bool = True
    waiting_since_ms: int = 0
    reminded: list[int] = field(default_factory=list)

    def live(self, sign: str, now_ms: int) -> None:
        if sign in "dq":
            self.hear(now_ms, is_reached=sign == "d")
        elif sign in "+-":
            self.is_configured = sign == "+"
        elif sign == "!":
            self.is_reached = False
        elif sign == "a":
            self.is_reached = True
            self.settle(now_ms)
        elif sign == "x":
            self.settle(self.waiting_since_ms)

    def hear(self, now_ms: int, *, is_reached: bool, reminders: int = 0) -> None:
        before = self.heard or Heard()
        last_at_ms = now_ms if is_reached else before.last_at_ms
        self.heard = Heard(last_at_ms=last_at_ms, is_waiting=not is_reached, reminders=reminders)
        self.waiting_since_ms = now_ms

    def settle(self, at_ms: int) -> None:
        if self.heard is not None and self.heard.is_waiting:
            self.heard = replace(self.heard, last_at_ms=at_ms, is_waiting=False)


def changed(incident: Incident, sign: str, now_ms: int) -> Incident:
    match sign:
        case "k":
            return replace(incident, acknowledged_at_ms=now_ms)
        case "f" | "u":
            return replace(incident, false_positive=sign == "f")
        case "e":
            return replace(incident, ended_at_ms=now_ms, closed_as=ClosedAs.RECOVERED)
    return incident


def play(*scripts: str, start_ms: int = 0) -> tuple[list[Life], list[Reminded]]:
    """Let recipients of one channel live through their scripts, all of one length."""
    incident = replace(INCIDENT, announced_at_ms=start_ms)
    lives = [Life(script, is_configured="+" not in script) for script in scripts]
    events: list[Reminded] = []
    for number, signs in enumerate(zip(*scripts, strict=True)):
        now_ms = start_ms + number * STEP_MS
        for life, sign in zip(lives, signs, strict=True):
            life.live(sign, now_ms)
            incident = changed(incident, sign, now_ms)
        everyone = {("ops", str(name)): life for name, life in enumerate(lives)}
        reminders = due.remind(
            incident,
            {name: life.heard for name, life in everyone.items() if life.heard is not None},
            channels=[channel(*(name for (_, name), life in everyone.items() if life.is_configured))],
            tags=(),
            now_ms=now_ms,
        )
        for reminder in reminders:
            for recipient in reminder.recipients:
                life = everyone[recipient]
                life.reminded.append(number)
                life.hear(now_ms, is_reached=life.is_reached, reminders=reminder.sequence)
        events += reminders
    return lives, events


def marks(life: Life) -> str:
    return "".join("R" if number in life.reminded else "." for number in range(len(life.script)))


@pytest.mark.parametrize(
    ("script", "reminded"),
    [
        ("d..........", "...R..R..R."),
        ("...d.......", "......R..R."),
        ("q..........", "..........."),
        ("q....a.....", "........R.."),
        ("d!.........", "...R......."),
        ("d!...a.....", "...R....R.."),
        ("d!..x......", "...R..R...."),
        ("q.x........", "...R..R..R."),
        ("d.k........", "..........."),
        ("d..k.......", "..........."),
        ("d...k......", "...R......."),
        ("d.f........", "..........."),
        ("d.f....u...", ".......R..R"),
        ("d..e.......", "..........."),
        ("d...e......", "...R......."),
        ("d-....+....", "......R..R."),
        ("...........", "...R..R..R."),
        ("......+....", "......R..R."),
    ],
)
def test_a_recipient_is_reminded_exactly_then(script: str, reminded: str) -> None:
    (life,), _ = play(script)
    assert marks(life) == reminded


@pytest.mark.parametrize(
    ("script", "other", "reminded"),
    [
        ("d..........", "d..........", "...R..R..R."),
        ("d..........", "....+......", "......R..R."),
        ("d.-........", "....+......", "....R..R..R"),
        ("q..........", "....+......", "....R..R..R"),
        ("q..........", ".+.........", "...R..R..R."),
        ("d!.........", "....+......", "....R..R..R"),
        ("d...k......", "....+......", "..........."),
        ("d..........", ".d.........", "....R..R..R"),
    ],
)
def test_who_is_added_meanwhile_gets_the_next_reminder_of_the_others(script: str, other: str, reminded: str) -> None:
    lives, _ = play(script, other)
    assert marks(lives[1]) == reminded


def test_reminders_are_numbered_for_each_recipient_and_those_of_one_number_are_one_event() -> None:
    _, events = play("d......", "d......", "....+..")
    told = [(event.sequence, event.at_ms // STEP_MS, [name for _, name in event.recipients]) for event in events]
    assert told == [(1, 3, ["0", "1"]), (1, 6, ["2"]), (2, 6, ["0", "1"])]


def remind(incident: Incident = INCIDENT, *channels: EmailChannel, tags: tuple[str, ...] = ()) -> tuple[Reminded, ...]:
    heard = {("ops", "a"): Heard(last_at_ms=0)}
    return due.remind(incident, heard, channels=channels or [channel("a")], tags=tags, now_ms=REMIND_MS)


def test_a_channel_without_remind_reminds_nobody() -> None:
    assert remind(INCIDENT, channel("a", remind_ms=None)) == ()


def test_a_channel_reminds_only_of_probes_with_one_of_its_tags() -> None:
    assert remind(INCIDENT, channel("a", tags=("prod",)), tags=("lab",)) == ()
    assert remind(INCIDENT, channel("a", tags=("prod",)), tags=("prod",)) != ()


def test_what_nobody_was_told_of_reminds_nobody() -> None:
    assert remind(replace(INCIDENT, announced_at_ms=None)) == ()


@pytest.mark.parametrize(
    ("last_at_ms", "is_due"),
    [
        (0, False),
        (-REMIND_MS + 1, False),
        (-REMIND_MS, True),
        (REMIND_MS - 1, False),
        (REMIND_MS, True),
        (10**13, True),
    ],
)
def test_a_time_of_a_clock_that_was_wrong_holds_nothing_back_for_long(last_at_ms: int, is_due: bool) -> None:
    heard = {("ops", "a"): Heard(last_at_ms=last_at_ms)}
    assert bool(due.remind(INCIDENT, heard, channels=[channel("a")], tags=(), now_ms=0)) is is_due


@pytest.mark.parametrize(
    ("others", "now_ms", "turns"),
    [
        ({}, REMIND_MS - 1, []),
        ({}, REMIND_MS, [(3, "a")]),
        ({("ops", "b"): Heard(last_at_ms=9)}, REMIND_MS, []),
        ({("ops", "b"): Heard(last_at_ms=0)}, REMIND_MS, [(1, "b"), (3, "a")]),
        ({("ops", "b"): Heard(is_waiting=True)}, REMIND_MS, [(3, "a")]),
    ],
)
def test_who_was_taken_out_before_anything_arrived_and_put_back_joins_with_a_number_of_its_own(
    others: dict[tuple[str, str], Heard], now_ms: int, turns: list[tuple[int, str]]
) -> None:
    heard = {("ops", "a"): Heard(reminders=2)} | others
    reminders = due.remind(INCIDENT, heard, channels=[channel("a", *(to for _, to in others))], tags=(), now_ms=now_ms)
    assert [(each.sequence, to) for each in reminders for _, to in each.recipients] == turns


SCRIPTS = st.text(alphabet="......dq+-!axkfue", max_size=40)


@given(first=SCRIPTS, second=SCRIPTS)
def test_nobody_is_reminded_early_or_after_an_acknowledgement_or_while_an_alert_waits(first: str, second: str) -> None:
    length = min(len(first), len(second))
    lives, _ = play(first[:length], second[:length])
    for place, life in enumerate(lives):
        last: int | None = None
        waiting: int | None = None
        is_reached = True
        for number, signs in enumerate(zip(*(each.script for each in lives), strict=True)):
            sign = signs[place]
            arrived = number if sign == "d" or (sign == "a" and waiting is not None) else None
            given_up = waiting if sign == "x" else None
            is_reached = sign == "a" or (is_reached and sign != "!")
            if arrived is not None or given_up is not None:
                last, waiting = arrived if arrived is not None else given_up, None
            elif sign == "q":
                waiting = number
            if number not in life.reminded:
                continue
            so_far = [each.script[: number + 1] for each in lives]
            assert not any(mark in script for script in so_far for mark in "ke")
            assert waiting is None
            assert last is None or number - last >= 3
            last, waiting = (number, None) if is_reached else (last, number)


@given(quiet=st.lists(st.integers(min_value=1, max_value=50), max_size=8), remind_steps=st.integers(2, 6))
def test_a_look_now_and_then_finds_what_a_look_each_minute_finds(quiet: list[int], remind_steps: int) -> None:
    """A restart, or a run an hour later, changes nothing: a reminder comes at the first look after it is due."""
    incident, ops = replace(INCIDENT), channel("a", remind_ms=remind_steps * STEP_MS)
    heard = Heard(last_at_ms=0)
    now_ms = 0
    for steps in quiet:
        now_ms += steps * STEP_MS
        assert heard.last_at_ms is not None
        is_due = now_ms - heard.last_at_ms >= remind_steps * STEP_MS
        for _ in range(2):
            reminders = due.remind(incident, {("ops", "a"): heard}, channels=[ops], tags=(), now_ms=now_ms)
            assert len(reminders) == is_due
        if is_due:
            heard = Heard(last_at_ms=now_ms, reminders=reminders[0].sequence)


@given(jump_ms=st.integers(-(10**13), 10**13))
def test_after_a_jump_of_the_clock_a_reminder_comes_within_twice_the_time(jump_ms: int) -> None:
    heard = {("ops", "a"): Heard(last_at_ms=0)}
    looks = [jump_ms + step * STEP_MS for step in range(7)]
    assert any(due.remind(INCIDENT, heard, channels=[channel("a")], tags=(), now_ms=now_ms) for now_ms in looks)
