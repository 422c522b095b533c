"""Run the benchmarks beside this file, all or those named, and print one table: ``python -m bench [NAME]...``.

Each has ``measure()``, which yields figures as they are known. One that is out of its bound makes the exit code 1.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import bench

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench import Figure


def all_names() -> list[str]:
    return sorted(each.name for each in pkgutil.iter_modules(bench.__path__) if not each.name.startswith("_"))


def figures(names: Sequence[str], progress: Console) -> Iterator[tuple[str, Figure]]:
    for name in names:
        with progress.status(f"measuring {name}"):
            for figure in importlib.import_module(f"bench.{name}").measure():
                yield name, figure


def table_of(measured: Sequence[tuple[str, Figure]]) -> Table:
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    table = Table("benchmark", "figure", title=machine, box=None)
    for heading in ("measured", "bound", ""):
        table.add_column(heading, justify="right")
    for name, figure in measured:
        bound = "" if figure.bound is None else f"<= {figure.bound:g} {figure.unit}"
        verdict = "" if figure.bound is None else "ok" if figure.is_kept else "OVER"
        table.add_row(name, figure.name, f"{figure.value:.4g} {figure.unit}", bound, verdict)
    return table


def main(asked: Sequence[str]) -> int:
    known = all_names()
    if unknown := [name for name in asked if name not in known]:
        Console(stderr=True).print(f"no benchmark {unknown[0]}. There are: {', '.join(known) or 'none'}")
        return 2
    measured = list(figures(asked or known, Console(stderr=True)))
    Console().print(table_of(measured))
    return 0 if all(figure.is_kept for _, figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
