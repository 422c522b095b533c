"""What people read and change: the store, and before it what stands in for it as long as something does.

What stands in knows how things are, the store what was before; numbers of incidents and alerts are the same in both.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prober.adapters.store.db import open_reader, open_store
from prober.adapters.store.faults import moved
from prober.adapters.store.incidents import all_incidents
from prober.adapters.store.meta import is_blank
from prober.app.elsewhere import places_in_use
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.model import Incident

T = TypeVar("T")

ATTEMPTS: Final = 3
WAIT_S: Final = 0.05


@contextmanager
def open_readers(path: Path) -> Iterator[list[Store]]:
    """Open what stands in for the store, if something does, and the store: what knows best first, none before a run.

    Raises StoreError for a store that cannot be read, unless something stands in for it.
    """
    with ExitStack() as stack:
        found = _open_stand_in(path, stack)
        try:
            itself = open_reader(path, wait_s=WAIT_S) if found else open_reader(path)
        except StoreError:
            if not found:
                raise
        else:
            found += [] if itself is None else [stack.enter_context(closing(itself))]
        yield found


def known_incidents(stores: Sequence[Store], **which: Any) -> list[Incident]:  # noqa: ANN401  its own
    """Return incidents as `all_incidents` does, each as the first store that has it knows it."""
    found: dict[str, Incident] = {}
    seen: set[str] = set()
    for store in stores:
        found |= {each.uid: each for each in all_incidents(store, **which) if each.uid not in seen}
        seen |= {each.uid for each in all_incidents(store)} if store is not stores[-1] else set()
    return sorted(found.values(), key=lambda each: (each.started_at_ms, each.number), reverse=True)


def change(path: Path, knows: Callable[[Store], bool], work: Callable[[Store], T], *, now_ms: int) -> T | None:
    """Change something where it is known, and return what ``work`` does; None where it is known nowhere.

    ``work`` is repeated when what stood in was taken home meanwhile.
    """
    for _ in range(ATTEMPTS):
        with open_readers(path) as stores:
            home = next((store.path for store in stores if knows(store)), None)
        if home is None:
            return None
        with closing(open_store(home, now_ms=now_ms)) as store:
            done = work(store)
            with suppress(StoreError):
                store.require_place()
                return done
    raise moved(path)


def _open_stand_in(path: Path, stack: ExitStack) -> list[Store]:
    for file in places_in_use(path):
        with suppress(StoreError):
            store = open_reader(file, wait_s=WAIT_S)
            if store is not None:
                stack.enter_context(closing(store))
                if not is_blank(store):
                    return [store]
    return []
