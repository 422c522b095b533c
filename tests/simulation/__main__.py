"""Simulate years from the command line; the exit code is 1 where a promise was broken."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tests.simulation.run import Findings, find_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--years", type=int, default=1, help="how many worlds of one year, each from a seed of its own")
    parser.add_argument("--days", type=int, default=365, help="how long a year is")
    parser.add_argument("--probes", type=int, default=50)
    parser.add_argument("--there", type=int, help="how many of them the second location watches; all if not given")
    parser.add_argument("--fury", type=int, default=1, help="how many times as much trouble as usual")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--whole", action="store_true", help="the whole of prober instead of its core, which is slow")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each world and location")
    asked = parser.parse_args()
    seeds = [asked.seed, *(f"{asked.seed}.{year}" for year in range(2, asked.years + 1))]
    is_kept = True
    how = {"days": asked.days, "fury": asked.fury, "is_whole": asked.whole}
    for findings in find_all(seeds, probes=asked.probes, there=asked.there, **how):
        is_kept &= not findings.broken
        print(json.dumps(asdict(findings)) if asked.json else line(findings), flush=True)  # noqa: T201
    return 0 if is_kept else 1


def line(found: Findings) -> str:
    told = f"{found.outages} outages, {sum(found.events.values())} events, {found.mails} mails, {found.stops} stops"
    head = f"seed {found.task.seed}, {found.task.location}: {found.checks:,} checks at {found.per_second:,}/s, {told}"
    return "\n".join([f"{head}: {'BROKEN' if found.broken else 'every promise kept'}", *found.broken])


if __name__ == "__main__":
    sys.exit(main())
