"""The page that greets whoever opens the branch of the state.

It may be public for good: no word of a server is in it, no address, and no name but the ids of the probes, which the
configuration in the same repository shows as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.render.actions.figures import (
    ROLES,
    UPTIMES,
    checked_at,
    left_out,
    observed,
    outcome,
    shown,
    state,
    uptimes,
    verdict,
)
from prober.render.actions.markdown import page, quoted, section, table
from prober.render.when import day_and_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.cadence import Cadence
    from prober.core.report import StatusReport


def branch_readme(report: StatusReport, cadence: Cadence | None = None, *, branch: str = "prober-state") -> str:
    """Return README.md of the branch that carries the state from run to run, fit to be read by anybody."""
    return page(
        [f"# {verdict(report)}"],
        [f"As of {day_and_clock(report.generated_at_ms)}, {ROLES[report.role]}."],
        _probes(report),
        left_out(report),
        section("Observed cadence", observed(cadence)),
        section("What this branch is", _about(branch)),
    )


def _probes(report: StatusReport) -> Iterator[str]:
    if report.probes:
        rows = (
            [
                quoted(each.id),
                state(each, report.generated_at_ms),
                *uptimes(each),
                checked_at(each.last, report.generated_at_ms),
                outcome(each.last),
            ]
            for each in shown(report)
        )
        yield from table(["Probe", "State", *UPTIMES, "Last check", "Outcome"], rows)


def _about(branch: str) -> Iterator[str]:
    yield f"""\
`prober actions run` remembers here, between one run of the workflow and the next, what it saw and whom it told. Every
run replaces the only commit of this branch, so whatever else is put here is lost. Nothing checks it out: it needs no
pull request and is never merged. Deleting it makes prober forget: what is down then is told again.

| File | What it holds |
| --- | --- |
| `prober.db` | the state: single checks of 14 days, figures of 400 days, incidents for good |
| `status.json` | how the probes are, for programs: the shape of `prober status --json` |
| `README.md` | this page |

No mail address, no secret and no text that a server sent is in any of them. To look into the history, in a checkout
whose configuration is this one:

```console
$ prober actions fetch --branch {branch}
$ prober db merge prober-state.db
$ prober status
```"""
