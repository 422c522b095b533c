"""Put prober's units in place, and say what of this installation the service could not reach.

The service runs as a user of its own who sees neither homes nor /tmp: what lies there, or is closed to other users,
does not exist for it.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

import prober
from prober.adapters.config.find import SYSTEM_FILE
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
    """Return a sentence if the service cannot reach the parts of the installation, and one if not the configuration."""
    found = []
    reasons = (_why_unreachable(part, hidden) for part in parts)
    if why := next(filter(None, reasons), None):
        found.append(f"{why}. Install prober into /opt/prober (docs/systemd.md).")
    if os.path.lexists(config) and (why := _why_unreachable(config, hidden)):
        what = "It is" if config == SYSTEM_FILE else f"Put it to {SYSTEM_FILE},"
        found.append(f"{why}. {what} for all to read; secrets have a place of their own.")
    return found


def _why_unreachable(path: Path, hidden: Iterable[Path]) -> str | None:
    real = path.resolve()
    named = f"{path}" if real == path else f"{path} leads to {real}, which"
    for folder in hidden:
        if real.is_relative_to(folder):
            return f"{named} lies below {folder}, which the service does not see"
    closed = next((each for each in (real, *real.parents) if not _is_open(each)), None)
    return None if closed is None else f"{named} is closed to the service (chmod o+rX {closed})"


def _is_open(path: Path) -> bool:
    """Say whether every user may read a file, or pass through a folder; what even we cannot see is closed."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH))


def put_units(texts: Mapping[str, str], *, root: Path, may_replace: bool) -> list[Path]:
    """Write units below a root, with the folder for secrets, and return those that were not there as they should be.

    One that differs is replaced only if that is allowed; otherwise nothing is written at all. Raises UsageError.
    """
    folder, secrets = (root / each.relative_to("/") for each in (UNIT_FOLDER, CREDENTIALS_FOLDER))
    try:
        stale = {folder / name: text for name, text in texts.items() if differs(folder / name, text)}
        if not may_replace and (present := [path for path in stale if os.path.lexists(path)]):
            raise _differ(present[0])
        for path, mode in ((folder, 0o755), (secrets.parent, 0o755), (secrets, 0o700)):
            make_folder(path, mode)
        for path, text in stale.items():
            put_text(path, text)
    except OSError as error:
        raise UsageError(
            f"{error.filename}: {error.strerror}. Run it as root (sudo), or for an image with --root."
        ) from error
    return list(stale)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder that does not exist, and those above it for all to enter, whatever the umask."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir()
        path.chmod(mode)


def differs(path: Path, text: str) -> bool:
    """Say whether something else stands there, or nothing; a link, as a masked unit is one, is something else."""
    return path.is_symlink() or not path.exists() or path.read_bytes() != text.encode()


def put_text(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    new.replace(path)


def _differ(path: Path) -> UsageError:
    return UsageError(
        f"{path} exists and is not what would be written. Replace it with --force;"
        f" changes of your own are kept in a drop-in: systemctl edit {path.name}"
    )
