"""The configuration with all its problems, and where its variables come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.adapters.config import InvalidConfig
from prober.core.diagnosis import Finding, fine, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prober.adapters.config import Problem
    from prober.adapters.config.outline import Outline
    from prober.adapters.config.variables import Origin
    from prober.core.settings import Config
    from prober.errors import ConfigError

_FROM: Final[dict[Origin, str]] = {
    "environment": "from the environment",
    "credentials": "from $CREDENTIALS_DIRECTORY",
    "default": "by a default in the file",
}


def look_at_configuration(
    path: Path | None, config: Config | None, problem: ConfigError | None, outline: Outline | None
) -> list[Finding]:
    """Return what is to be said of the file: that it is valid, or everything that is wrong with it."""
    findings = []
    if config is not None:
        count = len(config.probes)
        findings.append(fine("configuration", f"{path}: valid, {count} probe{'s' if count > 1 else ''}"))
    if isinstance(problem, InvalidConfig):
        findings += map(_problem, problem.problems)
    elif problem is not None:
        message, _, advice = str(problem).partition(". ")
        findings.append(wrong("configuration", message, advice))
    return findings if outline is None else [*findings, *_variables(outline)]


def _problem(problem: Problem) -> Finding:
    excerpt = problem.excerpt
    where = problem.file if excerpt is None else f"{problem.file}:{excerpt.line}:{excerpt.column}"
    advice = problem.suggestion or 'mend it, and look again: "prober check --offline" shows the line'
    return wrong("configuration", f"{where}: {problem.message}", advice)


def _variables(outline: Outline) -> Iterator[Finding]:
    if not outline.variables:
        yield fine("secrets", "the configuration asks for none")
    for origin, where in _FROM.items():
        if names := _names(outline, origin):
            yield fine("secrets", f"{names}: {where}")
    if names := _names(outline, None):
        advice = "put it into the environment, or into a file of that name in $CREDENTIALS_DIRECTORY"
        yield wrong("secrets", f"{names}: set nowhere", advice)


def _names(outline: Outline, origin: Origin | None) -> str:
    return ", ".join(name for name, where in outline.variables.items() if where == origin)
