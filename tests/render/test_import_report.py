from __future__ import annotations

import json

from prober.core.importing.plan import Note, Plan, Present
from prober.render.import_report import report, shape
from tests.core.importing.tables import monitor, plan_of


def full_plan() -> Plan:
    return plan_of(
        monitor(auth="basic", username="me", password="pw", rest=("its choice of regions (eu)",)),
        monitor(id=1, name="Known"),
        monitor(id=2, kind="ping", name="Router\x1b[31m"),
        monitor(id=3, kind="ping", name="Switch"),
        present=Present(monitor_ids=[1]),
        troubles=("alert contacts cannot be read with this key",),
    )


def test_the_report_says_what_came_over_what_did_not_and_what_to_do() -> None:
    assert (
        report(full_plan(), target="probes.toml", is_written=True)
        == """\
  1 probe imported into probes.toml

  left out
    its uptimerobot_id stands there already
      Known

  not carried over
    ping: prober asks with HTTP only
      Router, Switch

  to know
    alert contacts cannot be read with this key
    its choice of regions (eu) was not carried over
      api

  secrets to set, in the environment or as files in $CREDENTIALS_DIRECTORY
    API_PASSWORD  the password

  Next: set these, then prober check
"""
    )


def test_what_was_only_shown_is_not_said_to_be_written() -> None:
    said = report(plan_of(monitor()), target="other.toml", is_written=False)
    assert said == "  1 probe would be imported into other.toml\n\n  Nothing was written.\n"
    assert report(plan_of(monitor()), target="other.toml", is_written=True).endswith(
        "  Next: prober -c other.toml check\n"
    )


def test_what_was_printed_is_not_said_to_be_in_a_file() -> None:
    said = report(full_plan(), target=None, is_written=True)
    assert said.startswith("  1 probe printed, not written to a file\n")
    assert said.endswith("  Next: save it as probes.toml, set these, then prober check\n")
    assert report(plan_of(), target=None, is_written=False) == "  nothing to import\n"


def test_nothing_to_import_is_said() -> None:
    assert report(plan_of(), target="a\nb", is_written=False) == "  nothing to import into a b\n"


def test_it_is_80_columns_wide_and_lists_no_more_ids_than_help() -> None:
    ids = tuple(f"probe-{number}" for number in range(40))
    monitors = [monitor(id=number, name=name, auth="bearer") for number, name in enumerate(ids, 1)]
    plan = plan_of(*monitors, monitor(id=99, name="n" * 60, auth="bearer"), troubles=("x " * 99,))
    some = Plan(probes=plan.probes, notes=(Note(what="some", ids=ids), Note(what="all", ids=(*ids, "n" * 60))))
    said = report(some, target="probes.toml", is_written=True)
    assert max(len(line) for line in said.splitlines() if "NNN" not in line) <= 80
    assert "      probe-0, probe-1, probe-2, probe-3, probe-4, probe-5, probe-6, probe-7 and\n      32 more\n" in said
    assert "      all 41 probes\n" in said
    assert f"    {'N' * 60}_TOKEN\n      the bearer token\n" in said


def test_colour_marks_what_was_left_behind() -> None:
    said = report(full_plan(), target="probes.toml", is_written=True, paint=lambda word, colour: f"<{colour}>{word}")
    assert "<green>1 probe" in said
    assert "<yellow>not carried over" in said


def test_the_json_has_all_of_it() -> None:
    assert json.loads(shape(full_plan(), target="probes.toml", text=None)) == {
        "schema": 1,
        "file": "probes.toml",
        "imported": ["api"],
        "skipped": [
            {"name": "Router", "why": "ping: prober asks with HTTP only"},
            {"name": "Switch", "why": "ping: prober asks with HTTP only"},
            {"name": "Known", "why": "its uptimerobot_id stands there already"},
        ],
        "secrets": ["API_PASSWORD"],
        "notes": [
            {"id": None, "what": "alert contacts cannot be read with this key"},
            {"id": "api", "what": "its choice of regions (eu) was not carried over"},
        ],
        "text": None,
    }
