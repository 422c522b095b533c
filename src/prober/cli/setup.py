"""``prober setup``: make another program run prober again and again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.cli.values import duration_ms
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.app.placing import Placing
    from prober.cli.context import Globals

CRON: Final = "3-58/5 * * * *"
BRANCH: Final = "prober-state"
DEADLINE: Final = "50m"

app = typer.Typer(name="setup", cls=Group, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def setup() -> None:
    """Print, or put in place, what runs prober again and again.

    Examples:
      prober setup systemd
      prober setup actions --write
    """


@app.command("systemd", cls=Command)
def set_up_systemd(
    context: typer.Context,
    timer: Annotated[
        bool, typer.Option("--timer", help="A run every 5 minutes, started by a timer, instead of the service.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Put it in place instead of printing it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --write: replace a unit that differs.")] = False,
    root: Annotated[
        Path | None, typer.Option("--root", metavar="DIR", help="With --write: below this folder, as in an image.")
    ] = None,
) -> None:
    """Print the unit of systemd that runs this installation, or put it in place.

    The configuration is /etc/prober/probes.toml, unless another one is named with --config.

    Examples:
      prober setup systemd
      sudo prober setup systemd --write
      sudo prober setup systemd --timer --write
    """
    from prober.adapters.config.find import SYSTEM_FILE
    from prober.app.setup import installation, obstacles, prepare_units

    settings = globals_of(context)
    if not write and (force or root):
        raise UsageError("--force and --root say how to write. Add --write.")
    parts = installation()
    config = Path(settings.config or os.environ.get("PROBER_CONFIG") or SYSTEM_FILE).absolute()
    texts = unit_texts(parts[0], config, is_timer=timer)
    found = obstacles(parts, config)
    if write and not root and found:
        raise UsageError("\n".join(found))
    for obstacle in found:
        settings.warn(obstacle)
    if not write:
        settings.show("\n".join(texts.values()))
        return
    put(settings, prepare_units(texts, root=root or Path("/"), may_replace=force), what="The unit")
    unit = list(texts)[-1]
    if root:
        settings.say(f"In the image: systemctl enable {unit}")
        return
    if not os.path.lexists(config):  # Path.exists raises where a folder cannot be searched
        settings.say(f"There is no {config} yet: prober init {config.parent}")
    settings.say(how_to_start(unit))


def put(settings: Globals, files: Placing, *, what: str) -> None:
    """Write files that are prepared, and say so. Raises UsageError."""
    written = files.put()
    for path in written:
        settings.say(f"wrote {path}")
    if not written:
        settings.say(f"{what} was in place already.")


def how_to_start(unit: str) -> str:
    """Return what comes after a unit is in place."""
    return f"Next: systemctl daemon-reload && systemctl enable --now {unit}"


def unit_texts(program: Path, config: Path, *, is_timer: bool) -> dict[str, str]:
    """Return the unit, or the pair of the timer, that runs a program. Raises UsageError."""
    from prober.render.units import SERVICE, TIMER, units

    try:
        return units(TIMER if is_timer else SERVICE, program=str(program), config=str(config))
    except ValueError as error:
        raise UsageError(f"{error} cannot stand in a unit. Use a path of letters, digits and ._-+,:=@~") from error


@app.command("actions", cls=Command)
def set_up_actions(
    context: typer.Context,
    cron: Annotated[str, typer.Option("--cron", metavar="CRON", help="When GitHub is to start it, in UTC.")] = CRON,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The branch that keeps the history.")
    ] = BRANCH,
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="TIME", help="How long a run may watch, when it is to stay.")
    ] = DEADLINE,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="OWNER/REPO@COMMIT", help="Where prober is, if it was not installed from there."
        ),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put it in place instead of printing it.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --write: replace a workflow that differs.")] = False,
) -> None:
    """Print the workflow with which GitHub Actions runs prober, or put it in place.

    It is for the repository that holds the configuration, and hands on the secrets that this names.

    Examples:
      prober setup actions
      prober setup actions --write
      prober setup actions --cron "7-52/15 * * * *" --write --force
    """
    from prober.adapters.config.source import read_source
    from prober.app.workflow import prepare_workflow, read_wishes, repository_of, secrets_of, source_of, workflow_text

    settings = globals_of(context)
    if force and not write:
        raise UsageError("--force says how to write. Add --write.")
    wishes = read_wishes(cron=cron, branch=branch, deadline_ms=duration_ms("--deadline", deadline, such_as=DEADLINE))
    config = settings.config_path()
    root = repository_of(config)
    secrets = secrets_of(read_source(config).text)
    text = workflow_text(config, wishes, secrets=secrets, source=source_of(root, source))
    if not write:
        settings.show(text)
        return
    put(settings, prepare_workflow(root, text, may_replace=force), what="The workflow")
    settings.say(what_github_needs(secrets))


def what_github_needs(secrets: Sequence[str]) -> str:
    """Return what comes after a workflow is in place."""
    return (
        f"Next: set those of these secrets that you use: {', '.join(secrets)}\n"
        "(on GitHub under Settings, Secrets and variables, Actions; or: gh secret set NAME), and push it with your "
        "configuration to the default branch.\nThen let it send a test mail: gh workflow run ping.yml -f mode=drill"
    )
