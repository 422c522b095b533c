"""``prober setup``: make another program run prober again and again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.cli.values import duration_ms
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    from prober.app.setup import installation, obstacles, put_units

    settings = globals_of(context)
    if not write and (force or root):
        raise UsageError("--force and --root say how to write. Add --write.")
    parts = installation()
    config = Path(settings.config or os.environ.get("PROBER_CONFIG") or SYSTEM_FILE).absolute()
    texts = _texts(parts[0], config, is_timer=timer)
    found = obstacles(parts, config)
    if write and not root and found:
        raise UsageError("\n".join(found))
    for obstacle in found:
        settings.warn(obstacle)
    if not write:
        settings.show("\n".join(texts.values()))
        return
    put = put_units(texts, root=root or Path("/"), may_replace=force)
    for path in put:
        settings.say(f"wrote {path}")
    settings.say(_next_steps(list(texts)[-1], config, is_new=bool(put), is_here=root is None))


def _texts(program: Path, config: Path, *, is_timer: bool) -> dict[str, str]:
    from prober.render.units import SERVICE, TIMER, units

    try:
        return units(TIMER if is_timer else SERVICE, program=str(program), config=str(config))
    except ValueError as error:
        raise UsageError(f"{error} cannot stand in a unit. Use a path of letters, digits and ._-+,:=@~") from error


def _next_steps(unit: str, config: Path, *, is_new: bool, is_here: bool) -> str:
    if not is_here:
        return f"In the image: systemctl enable {unit}"
    lines = [] if is_new else ["It was in place already."]
    if not os.path.lexists(config):  # Path.exists raises where a folder cannot be searched
        lines.append(f"There is no {config} yet: prober init {config.parent}")
    lines.append(f"Next: systemctl daemon-reload && systemctl enable --now {unit}")
    return "\n".join(lines)


@app.command("actions", cls=Command)
def set_up_actions(
    context: typer.Context,
    cron: Annotated[
        str, typer.Option("--cron", metavar="CRON", help="When GitHub is to start it, in UTC.")
    ] = "3-58/5 * * * *",
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The branch that keeps the history.")
    ] = "prober-state",
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="TIME", help="How long a run may watch, when it is to stay.")
    ] = "50m",
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
    from prober.app.workflow import put_workflow, read_wishes, repository_of, secrets_of, source_of, workflow_text

    settings = globals_of(context)
    if force and not write:
        raise UsageError("--force says how to write. Add --write.")
    wishes = read_wishes(cron=cron, branch=branch, deadline_ms=duration_ms("--deadline", deadline, such_as="50m"))
    config = settings.config_path()
    root = repository_of(config)
    text = workflow_text(config, wishes, source=source_of(root, source))
    if not write:
        settings.show(text)
        return
    path, is_new = put_workflow(root, text, may_replace=force)
    settings.say(f"wrote {path}" if is_new else "It was in place already.")
    settings.say(_what_github_needs(secrets_of(config)))


def _what_github_needs(secrets: Sequence[str]) -> str:
    return (
        f"Next: set those of these secrets that you use: {', '.join(secrets)}\n"
        "(on GitHub under Settings, Secrets and variables, Actions; or: gh secret set NAME), and push it with your "
        "configuration to the default branch.\nThen let it send a test mail: gh workflow run ping.yml -f mode=drill"
    )
