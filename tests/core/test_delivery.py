"""Which alerts go together, when a failed one is tried again, and what identifies one."""

from __future__ import annotations

import pytest

from prober.core.delivery import Plan, Waiting, backoff_ms, due_at_ms, message_id, plan


def fresh(*ids: int) -> list[Waiting]:
    return [Waiting(id=each, next_attempt_at_ms=0, can_join=True) for each in ids]


def repeated(each: int) -> Waiting:
    return Waiting(id=each, next_attempt_at_ms=0, can_join=False)


def later(each: int) -> Waiting:
    return Waiting(id=each, next_attempt_at_ms=10**9, can_join=True)


NOW = 100_000


@pytest.mark.parametrize(
    ("waiting", "accepted_at_ms", "is_last", "expected"),
    [
        (fresh(1, 2, 3), [], False, Plan(single=(1, 2, 3))),
        (fresh(1, 2, 3, 4), [], False, Plan(together=(1, 2, 3, 4))),
        ([*fresh(1, 2, 3), repeated(9)], [], False, Plan(single=(1, 2, 3, 9))),
        ([*fresh(1, 2, 3, 4), repeated(9)], [], False, Plan(single=(9,), together=(1, 2, 3, 4))),
        ([*fresh(1, 2, 3), later(4)], [], False, Plan(together=(1, 2, 3, 4))),
        ([*fresh(1), later(4)], [], False, Plan(single=(1,))),
        ([later(4)], [], True, Plan()),
        ([], [], True, Plan()),
        (fresh(4), [40_001, 60_000, 90_000], False, Plan(held_until_ms=100_001)),
        (fresh(4), [40_000, 60_000, 90_000], False, Plan(single=(4,))),
        (fresh(4), [41_000, 60_000, 70_000, 90_000], False, Plan(held_until_ms=120_000)),
        ([*fresh(4), repeated(9)], [50_000] * 3, False, Plan(single=(9,), held_until_ms=110_000)),
        (fresh(4), [50_000] * 3, True, Plan(single=(4,))),
        (fresh(4, 5), [50_000] * 3, True, Plan(together=(4, 5))),
        ([repeated(2), *fresh(4)], [50_000] * 3, True, Plan(single=(2, 4))),
    ],
)
def test_what_goes_out_now(waiting: list[Waiting], accepted_at_ms: list[int], is_last: bool, expected: Plan) -> None:
    assert plan(waiting, accepted_at_ms=accepted_at_ms, now_ms=NOW, is_last=is_last) == expected


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 10), (1, 10), (2, 30), (3, 60), (4, 120), (5, 300), (6, 600), (7, 600), (99, 600)]
)
def test_failed_attempts_are_spaced_ever_wider_within_20_percent(attempts: int, seconds: int) -> None:
    waits = {backoff_ms(attempts, is_permanent=False, key=str(key)) for key in range(200)}
    assert min(waits) >= 800 * seconds
    assert max(waits) <= 1200 * seconds
    assert max(waits) - min(waits) > 200 * seconds


def test_a_permanent_refusal_is_tried_hourly() -> None:
    assert 0.8 * 3_600_000 <= backoff_ms(1, is_permanent=True, key="k") <= 1.2 * 3_600_000


def test_the_message_id_differs_by_event_recipient_and_installation_and_by_nothing_else() -> None:
    ids = {
        message_id(installation, event, recipient, domain="acme.example")
        for installation in ("i", "j")
        for event in ("e", "f")
        for recipient in ("a@x.example", "b@x.example")
    }
    assert len(ids) == 8
    again = message_id("i", "e", "a@x.example", domain="acme.example")
    assert again in ids
    assert "a@x.example" not in again
    assert again.endswith("@acme.example>")


@pytest.mark.parametrize(
    ("next_ms", "is_untried", "is_permanent", "due_ms"),
    [
        (NOW - 5, False, False, NOW - 5),
        (NOW + 600_000, False, False, NOW + 600_000),
        (NOW + 720_000, False, False, NOW + 720_000),
        (NOW + 720_001, False, False, NOW),
        (NOW + 4_320_000, False, True, NOW + 4_320_000),
        (NOW + 4_320_001, False, True, NOW),
        (NOW + 1, True, False, NOW),
        (NOW - 1, True, False, NOW - 1),
    ],
)
def test_nothing_waits_for_a_wall_clock_that_was_ahead(
    next_ms: int, is_untried: bool, is_permanent: bool, due_ms: int
) -> None:
    assert due_at_ms(next_ms, is_untried=is_untried, is_permanent=is_permanent, now_ms=NOW) == due_ms
