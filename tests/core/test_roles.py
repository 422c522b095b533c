"""Why we are in our role, and what is about to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from prober.core.model import Probe
from prober.core.roles import Pending, ProbeRole, RoleReport, patience_ends_ms, pending, probe_role
from prober.core.standby import ProbeStanding, Standing

if TYPE_CHECKING:
    from prober.core.roles import Care
    from prober.core.sight import Role

PROBE = Probe(id="api", name="API", url="https://api.example/", identity="1")
BY, IN = Standing(role="standby"), Standing(role="standing-in")
WATCHED, BLIND = ProbeStanding(fresh=3), ProbeStanding(is_ours=True, blind=2)
UNWATCHED = ProbeStanding(is_ours=True, is_linked=False, blind=2)
SOON_IN, SOON_BY = Pending(role="standing-in", looks=1, needed=2), Pending(role="standby", looks=1, needed=3)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (BY, None),
        (replace(BY, fresh=3), None),
        (replace(BY, stale=1, silent=1), SOON_IN),
        (replace(BY, silent=1), Pending(role="standing-in", looks=1, needed=3)),
        (replace(BY, silent=2), Pending(role="standing-in", looks=2, needed=3)),
        (replace(BY, stale=1, silent=2), Pending(role="standing-in", looks=2, needed=3)),
        (IN, None),
        (replace(IN, stale=5, silent=5), None),
        (replace(IN, fresh=1), SOON_BY),
        (replace(IN, fresh=2), Pending(role="standby", looks=2, needed=3)),
    ],
)
def test_looks_that_do_not_agree_yet_are_counted(standing: Standing, expected: Pending | None) -> None:
    assert pending(standing) == expected


@pytest.mark.parametrize(
    ("standing", "ends_ms"),
    [
        (BY, None),
        (replace(BY, limited_since_ms=60_000), 960_000),
        (replace(BY, limited_since_ms=60_000, answered_ms=30_000), 930_000),
        (replace(IN, limited_since_ms=60_000), None),
    ],
)
def test_patience_with_who_asks_us_to_wait_begins_with_the_last_answer(standing: Standing, ends_ms: int | None) -> None:
    assert patience_ends_ms(standing) == ends_ms


@pytest.mark.parametrize(
    ("standing", "known", "role", "care", "expected"),
    [
        (BY, None, "standby", "unseen", None),
        (IN, None, "standing-in", "unseen", None),
        (BY, WATCHED, "standby", "watched", None),
        (BY, replace(WATCHED, fresh=0, blind=1), "standby", "watched", SOON_IN),
        (BY, BLIND, "standing-in", "blind", None),
        (BY, replace(BLIND, blind=0, fresh=1), "standing-in", "blind", SOON_BY),
        (BY, UNWATCHED, "standing-in", "unwatched", None),
        (IN, UNWATCHED, "standing-in", "unwatched", None),
        (IN, WATCHED, "standing-in", "silent", None),
        (IN, replace(BLIND, fresh=2), "standing-in", "silent", None),
        (replace(IN, fresh=1), replace(BLIND, blind=0, fresh=1), "standing-in", "blind", SOON_BY),
        (replace(IN, fresh=1), WATCHED, "standing-in", "watched", None),
    ],
)
def test_each_probe_has_a_role_and_a_reason(
    standing: Standing, known: ProbeStanding | None, role: Role, care: Care, expected: Pending | None
) -> None:
    standing = replace(standing, probes={} if known is None else {"api": known})
    assert probe_role(standing, PROBE) == ProbeRole(id="api", role=role, care=care, pending=expected)


def test_what_they_say_against_us_is_told_while_they_are_watching() -> None:
    against = replace(WATCHED, contradicted_since_ms=7)
    assert probe_role(replace(BY, probes={"api": against}), PROBE).contradicted_since_ms == 7
    assert probe_role(replace(IN, probes={"api": against}), PROBE).contradicted_since_ms is None


def test_a_probe_that_is_paused_here_is_nobodys() -> None:
    paused = replace(PROBE, enabled=False)
    assert probe_role(replace(BY, probes={"api": BLIND}), paused).care == "paused"
    assert probe_role(BY, paused).care == "paused"


def test_behind_nobody_we_are_active() -> None:
    assert RoleReport(generated_at_ms=0, location="here").role == "active"
    assert RoleReport(generated_at_ms=0, location="here", behind="prober", standing=IN).role == "standing-in"
