"""Bring what another store knows into this one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from prober.adapters.store.backup import private_copy
from prober.adapters.store.db import open_store
from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.notices import HISTORY, put_notice
from prober.app.record import refuse_foreign
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prober.core.settings import Config


def merge_file(
    path: Path,
    other: Path,
    *,
    config: Config,
    now_ms: int,
    adopt: bool = False,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Merged:
    """Merge the store in a file into the one at ``path``, which is made if need be; a service may run meanwhile.

    The other file is only read, and brought up to date in a private copy. Raises UsageError when there is none, or when
    it is this very store, ConfigError when it holds other probes only, unless they are adopted, and StoreError when it
    is no whole store of this version or an older one.
    """
    if not other.is_file():
        raise UsageError(f"there is no file {other}. Name another store of prober.")
    if path.exists() and path.samefile(other):
        raise UsageError(f"{other} is this very store. Name another one.")
    with private_copy(other, now_ms=now_ms) as theirs:
        if not adopt:
            refuse_foreign(theirs, config)
        with closing(open_store(path, now_ms=now_ms)) as ours:
            merged = merge(ours, theirs, on_progress=on_progress)
            put_notice(ours, HISTORY, None, now_ms=now_ms)
            return merged
