"""Files put in place: each whole or not at all, and over another one only when told.

What is seen to be impossible is said before anything is written.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Texts by their place, where something else stands or nothing, and folders to make before, with their modes.

    ``advice`` is for where that fails.
    """

    texts: Mapping[Path, str]
    folders: Mapping[Path, int]
    advice: str

    def put(self) -> list[Path]:
        """Write the files, and return their places. Raises UsageError."""
        with _advised(self.advice):
            for path, mode in self.folders.items():
                make_folder(path, mode)
            for path, text in self.texts.items():
                put_text(path, text)
        return list(self.texts)


def prepare(
    texts: Mapping[Path, str], *, folders: Mapping[Path, int], may_replace: bool, advice: str, to_keep: str = ""
) -> Placing:
    """Return what is to be written so that these files are there, and write nothing yet.

    Raises UsageError where another file stands that may not be replaced, with the advice ``to_keep`` (which may name
    it as ``{name}``), and where we could not write.
    """
    with _advised(advice):
        stale = {path: text for path, text in texts.items() if differs(path, text)}
        if not may_replace and (present := next(filter(os.path.lexists, stale), None)):
            kept = to_keep.format(name=present.name)
            raise UsageError(f"{present} exists and is not what would be written. Replace it with --force{kept}.")
        for path in (*stale, *(each for each in folders if not each.exists())):
            require_writable(path)
    return Placing(texts=stale, folders=folders, advice=advice)


@contextmanager
def _advised(advice: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}. {advice}.") from error


def require_writable(path: Path) -> None:
    """Raise the OSError that a new file or folder there would, as far as that is seen without making it."""
    folder = next(each for each in path.absolute().parents if os.path.lexists(each))
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


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
