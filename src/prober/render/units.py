"""The units with which systemd runs prober, for one installation. What stands in them, and why, they say themselves."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

SERVICE: Final = ("prober.service",)
TIMER: Final = ("prober-run.service", "prober-run.timer")

_PLAIN = re.compile(r"/[\w./+,:=@~-]*", re.ASCII)


def units(names: tuple[str, ...], *, program: str, config: str) -> dict[str, str]:
    """Return the text of each unit by its name.

    Raises ValueError for a path with a character that has a meaning of its own in a unit.
    """
    for path in (program, config):
        if not _PLAIN.fullmatch(path):
            raise ValueError(path)
    return {name: _filled(_text(name), program=program, config=config) for name in names}


def _filled(template: str, **values: str) -> str:
    values["sandbox"] = _text("sandbox.conf").rstrip()
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], template)


def _text(name: str) -> str:
    return files("prober.render").joinpath("units", name).read_text("utf-8")
