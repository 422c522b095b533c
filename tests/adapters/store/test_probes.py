"""Probes are known without their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.store.probes import all_probe_ids, ensure_probes, shown_url
from tests.adapters.store.builders import probe

if TYPE_CHECKING:
    from prober.adapters.store.db import Store


def test_a_probe_is_added_once_and_brought_up_to_date(store: Store) -> None:
    for name in ("API", "API", "The API"):
        with store.transaction():
            ensure_probes(store, [probe(name=name, url="https://me:secret@api.example:8443/v1?key=secret#x")])
    with store.transaction():
        ensure_probes(store, [probe("web")])
    assert all_probe_ids(store) == {"api", "web"}
    row = store.find("SELECT name, url FROM probes WHERE id = 'api'")
    assert row
    assert tuple(row) == ("The API", "https://api.example:8443/v1")


def test_a_probe_that_is_known_as_it_is_costs_no_write(store: Store) -> None:
    for written in (1, 0):
        before = store.connection.total_changes
        with store.transaction():
            ensure_probes(store, [probe()])
        assert store.connection.total_changes - before == written


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example/a?b=c#d", "https://api.example/a"),
        ("https://u:p@q@[::1]:80/", "https://[::1]:80/"),
        ("http://api.example", "http://api.example"),
    ],
)
def test_a_url_is_shown_without_credentials_query_and_fragment(url: str, shown: str) -> None:
    assert shown_url(url) == shown
