"""Where else than beside its store a process may keep something: private, and found again by the next process.

Each folder belongs to us alone, so that nobody else can put anything in our way; one that somebody else has prepared is
passed over. Root is also at home in the service's: as with a store, what it makes there belongs to that user.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHARED: Final = ("/tmp", "/dev/shm")  # noqa: S108  we make a private folder there, or use none


def usable_places(path: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Name the files that may stand in for a store, best first; their folders are made."""
    for folder in _folders(environ):
        with suppress(OSError):
            if not os.path.lexists(folder):
                folder.mkdir(mode=0o700, parents=True)
                if os.geteuid() == 0:
                    os.chown(folder, _owner_of(folder), -1)
            if _is_private(folder) and not (folder / _name(path)).is_symlink():
                yield folder / _name(path)


def places_in_use(path: Path, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the files that stand in for a store, or did so until some process ended, the last written first."""
    found = []
    for folder in _folders(environ):
        file = folder / _name(path)
        with suppress(OSError):
            if _is_private(folder) and stat.S_ISREG(file.lstat().st_mode):
                found.append((max(each.stat().st_mtime_ns for each in _parts(file) if each.exists()), file))
    return [file for _, file in sorted(found, reverse=True)]


def remove(file: Path) -> None:
    """Remove a stand-in that nobody has open. Its lock file stays, as somebody may hold it."""
    for each in _parts(file):
        with suppress(OSError):
            each.unlink(missing_ok=True)


def _parts(file: Path) -> list[Path]:
    return [file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm")]


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    home = environ.get("HOME")
    own = (
        environ.get("RUNTIME_DIRECTORY", "").split(":")[0],
        environ.get("XDG_RUNTIME_DIR", ""),
        environ.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else ""),
    )
    shared = (environ.get("TMPDIR", ""), *_SHARED)
    named = [(base, "prober") for base in own] + [(base, f"prober-{os.geteuid()}") for base in shared]
    return (Path(base, name) for base, name in dict.fromkeys(named) if base.startswith("/"))


def _is_private(folder: Path) -> bool:
    seen = folder.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == _owner_of(folder) and not stat.S_IMODE(seen.st_mode) & 0o077


def _owner_of(folder: Path) -> int:
    """Return whose a folder has to be: ours, and for root that of whom the folder above belongs to."""
    us = os.geteuid()
    return us or folder.parent.stat().st_uid


def _name(path: Path) -> str:
    """Return a name that all names of one store share, and no other store has."""
    return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32] + ".db"
