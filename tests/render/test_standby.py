"""What ``prober standby`` prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from prober.core.roles import Glance, Pending, ProbeRole, RoleReport
from prober.core.sight import Verdict
from prober.core.standby import Standing
from prober.render.standby import page, shape

if TYPE_CHECKING:
    from prober.core.roles import Care
    from prober.render.columns import Colour

NOW_MS = 1_795_183_961_000  # 2026-11-20 14:12:41 UTC
MIN_MS = 60_000
LOOKED_MS = NOW_MS - 20_000
BY = Standing(
    why=Verdict.WATCHING,
    since_ms=NOW_MS - 271 * MIN_MS,
    seen=Verdict.WATCHING,
    fresh=3,
    looked_ms=LOOKED_MS,
    answered_ms=LOOKED_MS,
    alive_ms=NOW_MS - 2 * MIN_MS,
)
IN = replace(
    BY, role="standing-in", why=Verdict.STALE, since_ms=NOW_MS - 10 * MIN_MS, seen=Verdict.STALE, fresh=0, stale=2
)
LOOK = Glance(at_ms=LOOKED_MS, seen=Verdict.WATCHING, role="standby", monitors=60, newest_at_ms=NOW_MS - 2 * MIN_MS)
DEAD = replace(LOOK, seen=Verdict.UNREACHABLE, role="standing-in", monitors=None, newest_at_ms=None, why="st\x1b[2Jop")


def report(standing: Standing = BY, *probes: ProbeRole, **more: Any) -> RoleReport:
    usual: dict[str, Any] = {"behind": "uptimerobot", "next_look_ms": NOW_MS + 40_000, "looks": (LOOK,)}
    return RoleReport(generated_at_ms=NOW_MS, location="web-1", standing=standing, probes=probes, **usual | more)


def of(probe_id: str, care: Care, pending: Pending | None = None) -> ProbeRole:
    return ProbeRole(id=probe_id, role="standby" if care == "watched" else "standing-in", care=care, pending=pending)


def facts(shown: RoleReport) -> dict[str, str]:
    """Return the facts below the first line by their names."""
    lines = page(shown).partition("\n\n")[0].splitlines()[1:]
    return {line[:16].strip(): line[16:] for line in lines}


def test_it_says_role_and_reason_then_each_probe_then_each_look() -> None:
    assert page(report(BY, of("api", "watched"), of("ready", "unwatched"))).splitlines() == [
        "  standing by behind UptimeRobot since 09:41:41 UTC",
        "    why         UptimeRobot is watching",
        "    last sign   14:10:41 UTC (2 min ago)",
        "    last look   14:12:21 UTC (20 s ago), watching",
        "    next look   14:13:21 UTC (in 40 s)",
        "",
        "  PROBE        ROLE          WHY",
        "  api          standby       watched by UptimeRobot",
        "  ready        standing in   no monitor there: never on standby",
        "",
        "  LOOK          SAW       MONITORS  NEWEST  ROLE     WRONG",
        "  14:12:21 UTC  watching        60  1m old  standby  -",
    ]


@pytest.mark.parametrize(
    ("standing", "name", "said"),
    [
        (IN, "why", "no fresh sample in 2 looks"),
        (replace(IN, why=Verdict.UNREACHABLE), "why", "no answer that tells anything in 3 looks"),
        (
            replace(IN, why=Verdict.LIMITED),
            "why",
            "it has asked us for 15 min to come back later, so nobody knows whether it is watching",
        ),
        (
            replace(IN, why=Verdict.REJECTED),
            "why",
            "it does not accept our key, so nobody knows whether it is watching",
        ),
        (replace(BY, seen=Verdict.STALE), "why", "UptimeRobot was watching before the last look"),
        (
            replace(BY, why=None, seen=Verdict.UNREACHABLE),
            "why",
            "no look has come to anything yet: alerts are held until one does, or 3 agree",
        ),
        (replace(BY, stale=1, silent=1), "pending", "1 of 2 looks saw nothing fresh; after 2 in a row we stand in"),
        (replace(BY, silent=2), "pending", "2 of 3 looks saw nothing fresh; after 3 in a row we stand in"),
        (replace(IN, fresh=1), "pending", "1 of 3 looks say that it is back; after 3 in a row we stand by"),
        (
            replace(BY, limited_since_ms=LOOKED_MS),
            "pending",
            "it has asked us to come back later: without an answer we stand in at 14:27:21 UTC",
        ),
    ],
)
def test_the_reason_and_what_is_pending_are_said_in_words(standing: Standing, name: str, said: str) -> None:
    assert facts(report(standing))[name] == said


def test_what_is_not_known_or_not_pending_is_left_out() -> None:
    assert facts(report(replace(BY, alive_ms=None))).keys() == {"why", "last look", "next look"}


def test_the_last_look_says_what_was_wrong() -> None:
    assert facts(report(IN, looks=(DEAD, LOOK)))["last look"] == "14:12:21 UTC (20 s ago), unreachable: stop"
    forgotten = page(report(IN, looks=()))
    assert "    last look   14:12:21 UTC (20 s ago)\n" in forgotten
    assert "LOOK " not in forgotten


@pytest.mark.parametrize("due_ms", [NOW_MS, NOW_MS - 1])
def test_a_look_that_is_due_comes_with_the_next_round(due_ms: int) -> None:
    assert facts(report(next_look_ms=due_ms))["next look"] == "due: it comes with the next round"


def test_before_the_first_look_it_says_so() -> None:
    lines = page(report(Standing(), of("api", "unseen"), next_look_ms=None, looks=())).splitlines()
    assert lines == [
        "  standing by behind UptimeRobot",
        "    why         no look yet: alerts are held until looks have come to something, after 3 at the latest",
        '    next look   with the next round: "prober run", or the service',
        "",
        "  PROBE        ROLE          WHY",
        "  api          standing in   not looked at yet",
    ]


def test_behind_nobody_it_says_how_to_change_that() -> None:
    said = page(RoleReport(generated_at_ms=NOW_MS, location="web-1"))
    assert said.startswith("  we stand behind nobody, and always tell\n")
    assert "add [standby]" in said


@pytest.mark.parametrize(
    ("care", "pending", "said"),
    [
        ("watched", None, "watched by UptimeRobot"),
        (
            "watched",
            Pending(role="standing-in", looks=1, needed=2),
            "watched by UptimeRobot; 1 of 2 looks did not see it watched",
        ),
        ("blind", None, "paused, gone or stale there"),
        (
            "blind",
            Pending(role="standby", looks=2, needed=3),
            "paused, gone or stale there; 2 of 3 looks saw it watched",
        ),
        ("silent", None, "UptimeRobot is not seen watching"),
        ("unseen", None, "not looked at yet"),
        ("paused", None, "paused here (enabled = false)"),
    ],
)
def test_each_probe_says_why(care: Care, pending: Pending | None, said: str) -> None:
    line = page(report(BY, of("api", care, pending))).splitlines()[7]
    assert line.endswith(f"   {said}")
    assert line.split()[1] == ("-" if care == "paused" else "standby" if care == "watched" else "standing")


def test_a_probe_of_which_they_say_otherwise_says_so() -> None:
    contradicted = replace(of("api", "watched"), contradicted_since_ms=NOW_MS - 12 * MIN_MS)
    shown = report(BY, contradicted)
    assert page(shown).splitlines()[7].endswith("   watched by UptimeRobot; says up for 12 min, we say down")
    assert json.loads(shape(shown))["probes"][0]["contradicted_since"] == "2026-11-20T14:00:41Z"


def test_behind_another_prober_nothing_is_called_a_monitor() -> None:
    shown = page(report(BY, of("api", "unwatched"), behind="prober"))
    assert shown.startswith("  standing by behind the other prober since ")
    assert "no such probe there: never on standby" in shown
    assert "onitor" not in shown
    assert "PROBES" in shown


def test_in_a_narrow_terminal_nothing_is_lost() -> None:
    wrong = replace(DEAD, why="the answer does not say when it was made, or of which probes")
    lines = page(report(replace(IN, why=Verdict.REJECTED), of("api", "blind"), looks=(wrong, LOOK)), width=60)
    assert max(map(len, lines.splitlines())) <= 60
    assert "    wrong: the answer does not say when it was made, or of" in lines
    assert "        which probes" in lines


def test_standing_in_catches_the_eye() -> None:
    def paint(word: str, colour: Colour) -> str:
        return f"<{colour}>{word}</>"

    assert page(report(IN), paint=paint).startswith("  <yellow>STANDING IN for UptimeRobot since 14:02:41 UTC</>\n")
    assert page(report(BY), paint=paint).startswith("  <green>standing by")


def test_json_has_all_of_it() -> None:
    soon = Pending(role="standby", looks=1, needed=3)
    shown = report(replace(IN, fresh=1), of("api", "watched"), of("web", "blind", soon), looks=(DEAD, LOOK))
    assert json.loads(shape(shown)) == {
        "schema": 1,
        "generated_at": "2026-11-20T14:12:41Z",
        "location": "web-1",
        "role": "standing-in",
        "behind": "uptimerobot",
        "since": "2026-11-20T14:02:41Z",
        "why": "stale",
        "newest_at": "2026-11-20T14:10:41Z",
        "pending": {"role": "standby", "looks": 1, "needed": 3},
        "next_look_at": "2026-11-20T14:13:21Z",
        "probes": [
            {
                "id": "api",
                "role": "standby",
                "watched": True,
                "why": "watched",
                "pending": None,
                "contradicted_since": None,
            },
            {
                "id": "web",
                "role": "standing-in",
                "watched": False,
                "why": "blind",
                "pending": {"role": "standby", "looks": 1, "needed": 3},
                "contradicted_since": None,
            },
        ],
        "looks": [
            {
                "at": "2026-11-20T14:12:21Z",
                "seen": "unreachable",
                "role": "standing-in",
                "monitors": None,
                "newest_at": None,
                "detail": "stop",
            },
            {
                "at": "2026-11-20T14:12:21Z",
                "seen": "watching",
                "role": "standby",
                "monitors": 60,
                "newest_at": "2026-11-20T14:10:41Z",
                "detail": None,
            },
        ],
    }


def test_json_behind_nobody_says_that_we_are_active() -> None:
    said = json.loads(shape(RoleReport(generated_at_ms=NOW_MS, location="web-1")))
    assert (said["role"], said["behind"], said["since"], said["probes"], said["looks"]) == (
        "active",
        None,
        None,
        [],
        [],
    )
