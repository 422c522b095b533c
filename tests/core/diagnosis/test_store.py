from __future__ import annotations

import pytest

from prober.core.diagnosis.store import (
    NETWORK_FILE_SYSTEMS,
    Disk,
    StoreFile,
    judge_disk,
    judge_file,
    judge_place,
    judge_stand_in,
)

MB = 1_000_000
SOUND = {"size_bytes": 2_500_000, "mode": 0o600, "is_writable": True, "is_checked": True}


def of_disk(**fields: object) -> list[tuple[str, str]]:
    disk = Disk(**{"file_system": "ext4", "free_bytes": 10**12} | fields)  # type: ignore[arg-type]
    return [(each.state, each.message) for each in judge_disk("/var", disk)]


def of_file(**fields: object) -> list[tuple[str, str]]:
    return [(each.state, each.message) for each in judge_file("p.db", StoreFile(**SOUND | fields))]  # type: ignore[arg-type]


def test_where_the_store_is_and_why_is_always_said() -> None:
    assert judge_place("p.db", "--db", is_there=True).message == "p.db (--db)"
    assert judge_place("p.db", "--db", is_there=False).state == "note"


@pytest.mark.parametrize(
    ("free", "state"), [(49 * MB, "wrong"), (50 * MB, "note"), (499 * MB, "note"), (500 * MB, "ok")]
)
def test_room_is_judged_before_it_is_gone(free: int, state: str) -> None:
    assert of_disk(free_bytes=free) == [(state, f"{free // MB} MB free on its disk")]


@pytest.mark.parametrize(
    ("sync_us", "state"), [(50_000, "ok"), (50_001, "note"), (500_000, "note"), (500_001, "wrong")]
)
def test_a_slow_disk_is_noticed(sync_us: int, state: str) -> None:
    assert of_disk(sync_us=sync_us)[-1] == (state, f"a durable write takes {sync_us / 1000:.1f} ms")


@pytest.mark.parametrize("kind", sorted(NETWORK_FILE_SYSTEMS))
def test_a_network_file_system_is_wrong(kind: str) -> None:
    state, message = of_disk(file_system=kind)[0]
    assert (state, kind in message) == ("wrong", True)


def test_a_file_system_that_nobody_names_is_not_judged() -> None:
    assert len(of_disk(file_system=None)) == 1


def test_a_folder_that_takes_no_file_is_wrong() -> None:
    assert of_disk(trouble="No space left on device")[-1] == (
        "wrong",
        "no file can be written in /var: No space left on device",
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("ok", "2.5 MB, sound")]),
        ({"faults": "row 7 missing"}, [("wrong", "2.5 MB, damaged: row 7 missing")]),
        ({"is_checked": False}, [("note", "2.5 MB: too much to check in this time")]),
        ({"mode": 0o640}, [("note", "others may read it (mode 640)"), ("ok", "2.5 MB, sound")]),
        ({"trouble": "p.db: locked; try again"}, [("wrong", "p.db: locked")]),
    ],
)
def test_a_file_is_judged_by_what_is_in_it_and_who_may_read_it(
    fields: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert of_file(**fields) == expected


def test_a_store_that_this_user_cannot_write_is_wrong() -> None:
    assert of_file(is_writable=False)[0][0] == "wrong"


def test_the_advice_of_an_error_is_kept_and_never_missing() -> None:
    told = [next(judge_file("p", StoreFile(**SOUND, trouble=text))).advice for text in ("a; b; c", "a")]  # type: ignore[arg-type]
    assert told == ["b; c", "check the file and its folder"]


def test_a_stand_in_is_a_note() -> None:
    finding = judge_stand_in("x.db")
    assert (finding.state, "x.db" in finding.message) == ("note", True)
