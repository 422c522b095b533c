"""What `prober db` prints."""

from __future__ import annotations

import json

import pytest

from prober.core.inventory import Inventory, Progress
from prober.render import inventory

HELD = Inventory(
    size_bytes=23_400_000,
    wal_bytes=4_152,
    free_bytes=980,
    version="m004_service",
    installation="39bcdb60ea7ccf81",
    created_at_ms=1_790_000_000_000,
    probes=50,
    locations=("github-actions", "web-1"),
    results=1_020_000,
    rollups=3_000,
    incidents=12,
    open_incidents=1,
    rounds=288,
    alerts={"queued": 1, "sent": 24},
    first_check_ms=1_780_000_000_000,
    oldest_result_ms=1_782_000_000_000,
    newest_result_ms=1_790_000_000_000,
)
NEW = Inventory(size_bytes=0, wal_bytes=0, free_bytes=0, version="m004_service", installation="1", created_at_ms=0)


def test_a_full_store_is_told_a_line_a_fact() -> None:
    told = inventory.inventory(HELD, path="/var/lib/prober/prober.db", why="$STATE_DIRECTORY")
    assert told.splitlines() == [
        "  store         /var/lib/prober/prober.db ($STATE_DIRECTORY)",
        "  size          23.4 MB, 980 B of it free; 4.2 kB in its -wal file",
        "  version       m004_service",
        "  installation  39bcdb60ea7ccf81, made 2026-09-21 14:13:20 UTC",
        "  probes        50, from github-actions, web-1",
        "  results       1,020,000, 2026-06-21 00:00:00 UTC to 2026-09-21 14:13:20 UTC",
        "  rollups       3,000, since 2026-05-28 20:26:40 UTC",
        "  incidents     12, 1 of them open",
        "  alerts        1 queued, 24 sent",
        "  rounds        288 (of the service, one is up to 5 min of passes)",
    ]


def test_an_empty_store_is_told_without_times() -> None:
    lines = inventory.inventory(NEW, path="p.db", why="--db", integrity="Page 3: \x1b[31mbroken").splitlines()
    assert lines[4:] == [
        "  probes        0",
        "  results       0",
        "  rollups       0",
        "  incidents     0",
        "  alerts        0",
        "  rounds        0",
        "  integrity     Page 3: broken",
    ]


def test_json_has_raw_figures_and_times() -> None:
    told = json.loads(inventory.shape(HELD, path="p.db", why="--db", integrity="ok"))
    assert told["schema"] == 1
    assert (told["path"], told["why"], told["integrity"]) == ("p.db", "--db", "ok")
    assert (told["size_bytes"], told["wal_bytes"], told["free_bytes"]) == (23_400_000, 4_152, 980)
    assert told["first_check_at"] == "2026-05-28T20:26:40Z"
    assert told["counts"]["open_incidents"] == 1
    assert told["alerts"] == [{"state": "queued", "count": 1}, {"state": "sent", "count": 24}]
    assert json.loads(inventory.shape(NEW, path="p.db", why="--db"))["oldest_result_at"] is None


@pytest.mark.parametrize(
    ("size_bytes", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5 * 10**9, "5.0 GB"),
        (10**12, "1.0 TB"),
        (2 * 10**15, "2000.0 TB"),
    ],
)
def test_sizes_have_the_unit_that_suits_them(size_bytes: int, told: str) -> None:
    assert inventory.size(size_bytes) == told


@pytest.mark.parametrize(
    ("added", "changed", "told"),
    [
        ({"results": 0, "incidents": 0}, 0, "nothing new\n"),
        ({"results": 1, "incidents": 0}, 0, "added 1 result\n"),
        ({"results": 12_000, "incidents": 1}, 0, "added 12,000 results and 1 incident\n"),
        (
            {"results": 3, "incidents": 2, "notes": 1},
            2,
            "added 3 results, 2 incidents and 1 note, brought 2 incidents or alerts up to date\n",
        ),
        ({"results": 0}, 1, "brought 1 incident or alert up to date\n"),
    ],
)
def test_a_merge_is_told_in_words(added: dict[str, int], changed: int, told: str) -> None:
    assert inventory.merged_words(added, changed) == told
    assert json.loads(inventory.merged(added, changed)) == {"schema": 1, "added": added, "changed": changed}


def test_pruning_is_told() -> None:
    assert inventory.pruned_words(results=1, reclaimed_bytes=0) == "1 result pruned\n"
    assert inventory.pruned_words(results=5_000, reclaimed_bytes=1_500) == (
        "5,000 results pruned; the file is 1.5 kB smaller\n"
    )
    told = json.loads(inventory.pruned(results=5, reclaimed_bytes=7))
    assert told == {"schema": 1, "pruned": {"results": 5}, "reclaimed_bytes": 7}


def test_progress_is_told_in_days() -> None:
    far = Progress(rolled_to_ms=1_790_000_000_000, oldest_result_ms=1_780_000_000_000)
    assert inventory.progress(far) == "rolled up to 2026-09-21, single results from 2026-05-28 on"
    assert inventory.progress(Progress(rolled_to_ms=0, oldest_result_ms=None)) == "rolled up to 1970-01-01"


def test_a_backup_is_told() -> None:
    assert json.loads(inventory.backup("b.db", 7)) == {"schema": 1, "path": "b.db", "size_bytes": 7}
