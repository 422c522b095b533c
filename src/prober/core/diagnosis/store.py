"""The store's file and the disk under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prober.core.diagnosis.finding import Finding, fine, note, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

_MB: Final = 1_000_000
FREE_NOTE_BYTES: Final = 500 * _MB
FREE_WRONG_BYTES: Final = 50 * _MB
SYNC_NOTE_US: Final = 50_000
SYNC_WRONG_US: Final = 500_000
NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
    | {"glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "vboxsf"}
)
_OTHERS_BITS: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The folder of a store. ``sync_us`` is what a small durable write took; ``trouble`` is why none could be made."""

    file_system: str | None
    free_bytes: int
    sync_us: int | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFile:
    """The file of a store. ``mode`` holds its permission bits; ``faults`` is what a quick check found, None: too long.

    ``trouble`` is why it could not be opened.
    """

    size_bytes: int
    mode: int
    is_writable: bool
    faults: str | None = None
    is_checked: bool = False
    trouble: str | None = None


def judge_place(path: str, why: str, *, is_there: bool, is_stood_in_for: bool = False) -> Finding:
    """Judge where the store is, and for what reason there."""
    if is_there:
        return fine("store", f"{path} ({why})")
    if is_stood_in_for:
        advice = "put it back: what happened meanwhile is then added to it; without it a restart begins a new one"
        return wrong("store", f"{path} ({why}): gone", advice)
    return note("store", f"{path} ({why}): not there yet", '"prober run" makes it; another place is named with --db')


def judge_no_folder(path: str, why: str, maker: str | None) -> Finding:
    """Judge a store without a folder, which the unit ``maker`` makes when it is started, if there is one."""
    if maker is not None:
        return note("store", f"{path} ({why}): not there yet", f"the first start makes it: systemctl start {maker}")
    return wrong("store", f"{path} ({why}): its folder does not exist", "create it, or name another with --db")


def judge_stand_in(path: str) -> Finding:
    """Judge a file that holds what could not be written to the store."""
    advice = "see that the store can be written; the next round then takes everything over from there"
    return note("store", f"{path} stands in for it, because it could not be written", advice)


def judge_file(path: str, file: StoreFile) -> Iterator[Finding]:
    """Judge what is there."""
    if file.trouble is not None:
        message, _, advice = file.trouble.partition("; ")
        yield wrong("store", message, advice or "check the file and its folder")
    if not file.is_writable:
        yield wrong(
            "store",
            "the file or its folder cannot be written by this user",
            "run this as the user who runs prober, or give that user the file and its folder",
        )
    if file.mode & _OTHERS_BITS:
        yield note("store", f"others may read it (mode {file.mode:o})", f"chmod 600 {path}")
    if file.trouble is None:
        yield _judge_content(file)


def judge_disk(folder: str, disk: Disk) -> Iterator[Finding]:
    """Judge the disk: its room, its speed, and whether it is one of this machine."""
    if disk.file_system in NETWORK_FILE_SYSTEMS:
        yield wrong(
            "store",
            f"{folder} is on a network file system ({disk.file_system}), where SQLite's locks do not hold",
            "name a store on a disk of this machine with [store] path or --db",
        )
    yield _judge_room(disk.free_bytes)
    if disk.trouble is not None:
        yield wrong("store", f"no file can be written in {folder}: {disk.trouble}", "make it writable for this user")
    elif disk.sync_us is not None:
        yield _judge_sync(disk.sync_us)


def _judge_content(file: StoreFile) -> Finding:
    size = f"{file.size_bytes / _MB:.1f} MB"
    if not file.is_checked:
        return note("store", f"{size}: too much to check in this time", "prober db info looks at all of it")
    if file.faults is None:
        return fine("store", f"{size}, sound")
    return wrong(
        "store",
        f"{size}, damaged: {file.faults}",
        '"prober run" sets it aside and starts anew; keep a copy of the file',
    )


def _judge_room(free_bytes: int) -> Finding:
    free = f"{free_bytes // _MB:,} MB free on its disk"
    if free_bytes < FREE_WRONG_BYTES:
        return wrong("store", free, "free some space now: without it nothing can be recorded")
    if free_bytes < FREE_NOTE_BYTES:
        return note("store", free, "free some space")
    return fine("store", free)


def _judge_sync(sync_us: int) -> Finding:
    took = f"a durable write takes {sync_us / 1000:.1f} ms"
    if sync_us > SYNC_WRONG_US:
        return wrong("store", took, "the disk is overloaded or failing: look at its health, or move the store")
    if sync_us > SYNC_NOTE_US:
        return note("store", took, "a slow disk delays each round by this; a faster one helps")
    return fine("store", took)
