"""``prober setup``: make another program run prober again and again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command, Group
from prober.errors import UsageError

app = typer.Typer(name="setup", cls=Group, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def setup() -> None:
    """Print, or put in place, what runs prober again and again.

    Examples:
      prober setup systemd
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
