"""Prober's units, and what of this installation the service could not reach.

The service runs as a user of its own who sees neither homes nor /tmp: what lies there, or is closed to other users,
does not exist for it.
"""

from __future__ import annotations

import stat
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

import prober
from prober.adapters.config.find import SYSTEM_FILE
from prober.app.placing import Placing, prepare
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIT_FOLDER: Final = Path("/etc/systemd/system")
CREDENTIALS_FOLDER: Final = Path("/etc/prober/credentials")
HIDDEN: Final = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 - nothing is put there


def installation() -> list[Path]:
    """Return what has to be reached to run prober, its command first. Raises UsageError where it has none."""
    program = Path(sysconfig.get_path("scripts"), "prober")
    if not program.exists():
        raise UsageError(f"there is no {program}, which a unit could start. Install prober with pip (docs/systemd.md).")
    return [program, Path(sys.executable), Path(sys.base_prefix), Path(prober.__file__)]


def obstacles(parts: Iterable[Path], config: Path, *, hidden: Iterable[Path] = HIDDEN) -> list[str]:
    """Return a sentence if the service cannot reach the parts of the installation, and one if not the configuration.

    A configuration that is not there yet is judged by the folders that are.
    """
    found = []
    reasons = (_why_unreachable(part, hidden) for part in parts)
    if why := next(filter(None, reasons), None):
        found.append(f"{why}. Install prober into /opt/prober (docs/systemd.md).")
    if why := _why_unreachable(config, hidden, may_be_new=True):
        what = "It is" if config == SYSTEM_FILE else f"Put it to {SYSTEM_FILE},"
        found.append(f"{why}. {what} for all to read; secrets have a place of their own.")
    return found


def _why_unreachable(path: Path, hidden: Iterable[Path], *, may_be_new: bool = False) -> str | None:
    real = path.resolve()
    named = f"{path}" if real == path else f"{path} leads to {real}, which"
    for folder in hidden:
        if real.is_relative_to(folder):
            return f"{named} lies below {folder}, which the service does not see"
    closed = next((each for each in (real, *real.parents) if not _is_open(each, may_be_new=may_be_new)), None)
    return None if closed is None else f"{named} is closed to the service (chmod o+rX {closed})"


def _is_open(path: Path, *, may_be_new: bool) -> bool:
    """Say whether every user may read a file, or pass through a folder; what even we cannot see is closed."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return may_be_new
    except OSError:
        return False
    return bool(mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH))


def prepare_units(texts: Mapping[str, str], *, root: Path, may_replace: bool) -> Placing:
    """Return units below a root, and the folder for secrets, ready to be put. Raises UsageError."""
    folder, secrets = (root / each.relative_to("/") for each in (UNIT_FOLDER, CREDENTIALS_FOLDER))
    return prepare(
        {folder / name: text for name, text in texts.items()},
        folders={folder: 0o755, secrets.parent: 0o755, secrets: 0o700},
        may_replace=may_replace,
        to_keep="; changes of your own are kept in a drop-in: systemctl edit {name}",
        advice="Run it as root (sudo); for an image there is: prober setup systemd --root DIR",
    )
