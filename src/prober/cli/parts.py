"""What ``prober init --with`` puts in place beside probes.toml: what ``prober setup`` writes, by its usual wishes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.cli.setup import BRANCH, CRON, DEADLINE, how_to_start, unit_texts, what_github_needs
from prober.cli.values import duration_ms
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prober.app.placing import Placing


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Files that are ready to be put, what they are, and what comes after that."""

    files: Placing
    what: str
    next_step: str


def read_parts(given: Iterable[str]) -> list[str]:
    """Return the parts that ``--with`` names, each once and in their own order. Raises UsageError for any other."""
    wanted = {name for text in given for each in text.split(",") if (name := each.strip())}
    if unknown := sorted(wanted - PARTS.keys()):
        raise UsageError(f'--with: there is no "{unknown[0]}". There are: {", ".join(PARTS)}.')
    return [name for name in PARTS if name in wanted]


def prepare_part(name: str, config: Path, text: str, *, may_replace: bool) -> Part:
    """Return a part for a configuration that is still to be written. Raises UsageError where it cannot be put."""
    try:
        return PARTS[name](config, text, may_replace)
    except UsageError as error:
        raise UsageError(f"--with {name}: {error}\nNothing was written; without --with, probes.toml is.") from error


def _actions(config: Path, text: str, may_replace: bool) -> Part:
    from prober.app.workflow import prepare_workflow, read_wishes, repository_of, secrets_of, source_of, workflow_text

    wishes = read_wishes(cron=CRON, branch=BRANCH, deadline_ms=duration_ms("--deadline", DEADLINE))
    root, secrets = repository_of(config), secrets_of(text)
    workflow = workflow_text(config, wishes, secrets=secrets, source=source_of(root, None))
    files = prepare_workflow(root, workflow, may_replace=may_replace)
    return Part(files=files, what="The workflow", next_step=what_github_needs(secrets))


def _systemd(config: Path, _text: str, may_replace: bool) -> Part:
    from prober.app.setup import installation, obstacles, prepare_units

    parts = installation()
    if found := obstacles(parts, config):
        raise UsageError("\n".join(found))
    texts = unit_texts(parts[0], config, is_timer=False)
    files = prepare_units(texts, root=Path("/"), may_replace=may_replace)
    return Part(files=files, what="The unit", next_step=how_to_start(*texts))


PARTS: Final[Mapping[str, Callable[[Path, str, bool], Part]]] = {"actions": _actions, "systemd": _systemd}
