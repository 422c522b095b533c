"""Which configuration file a command means."""

from __future__ import annotations

from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_NAME: Final = "probes.toml"
SYSTEM_FILE: Final = Path("/etc/prober/probes.toml")


def find_config(explicit: str | None, *, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the configuration to use, or None when there is none.

    One that is named (``--config``, then ``$PROBER_CONFIG``) is returned whether it exists or not: it never falls back
    to another one.
    """
    named = explicit or environ.get("PROBER_CONFIG")
    if named:
        return cwd / named
    return next((path for path in (*_upwards(cwd), SYSTEM_FILE) if exists(path)), None)  # noqa: PTH110 - never raises


def _upwards(cwd: Path) -> Iterator[Path]:
    """Yield the file's place here and, within a repository, in the folders up to its root."""
    folders = [cwd, *cwd.parents]
    depth = next((depth for depth, folder in enumerate(folders) if exists(folder / ".git")), 0)  # noqa: PTH110
    yield from (folder / FILE_NAME for folder in folders[: depth + 1])
