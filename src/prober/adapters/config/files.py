"""Read a small file whatever stands at its path: nothing there may block us or fill our memory."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableError(Exception):
    """A file cannot be read; the text says why, to stand after the file's name."""


def read_regular(path: Path, *, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes. Raises `UnreadableError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise UnreadableError(_why(error)) from None
    try:
        return _read(descriptor, limit)
    except OSError as error:
        raise UnreadableError(_why(error)) from None
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int) -> bytes:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise UnreadableError("it is a directory")
    if not stat.S_ISREG(mode):
        raise UnreadableError("it is not a regular file")
    content = bytearray()
    while len(content) <= limit and (chunk := os.read(descriptor, limit + 1 - len(content))):
        content += chunk
    if len(content) > limit:
        raise UnreadableError(f"it is larger than {limit // 2**20} MiB")
    return bytes(content)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
