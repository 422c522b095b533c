"""The probes that the store has seen, with nothing secret in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prober.adapters.store.db import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prober.adapters.store.db import Store
    from prober.core.model import Probe


def ensure_probes(store: Store, probes: Iterable[Probe]) -> None:
    """Make the probes known, or bring name and url up to date; needs the caller's transaction."""
    store.write_many(
        """INSERT INTO probes (id, name, url) VALUES (:id, :name, :url)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url
        WHERE (name, url) IS NOT (excluded.name, excluded.url)""",
        [clean({"id": probe.id, "name": probe.name, "url": shown_url(probe.url)}) for probe in probes],
    )


def all_probe_ids(store: Store) -> set[str]:
    """Return the ids of all probes that were ever checked here."""
    return {row["id"] for row in store.rows("SELECT id FROM probes")}


def find_first_check_ms(store: Store, probe_id: str) -> int | None:
    """Return when the probe was first checked, from anywhere; None before that."""
    rows = store.rows("SELECT min(first_at_ms) AS at_ms FROM series WHERE probe = :probe", {"probe": probe_id})
    first: int | None = rows[0]["at_ms"]
    return first


def shown_url(url: str) -> str:
    """Return a url without credentials, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
