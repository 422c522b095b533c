"""A store in another file comes home; whatever is wrong with it, nothing happens to ours."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.store.db import open_store
from prober.app.merging import merge_file
from prober.errors import ConfigError, StoreError, UsageError
from tests.adapters.store.life import Life, content
from tests.app.world import World, config, probe
from tests.fakes import T0, FakeMail, header, jumping_time

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "prober.db"
    with closing(open_store(path, now_ms=0)) as store:
        Life(store).play("..")
    return path


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "fallback.db"
    with closing(open_store(path, now_ms=0)) as store:
        Life(store, location="github-actions").play("xxa..")
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.startswith("prober.db")}


def test_it_comes_home_and_stays_as_it_was(ours: Path, theirs: Path) -> None:
    before = files(theirs.parent)
    told: list[tuple[int, int]] = []
    merged = merge_file(
        ours, theirs, config=config(), now_ms=0, on_progress=lambda done, total: told.append((done, total))
    )
    assert (merged.results, merged.incidents, merged.alerts) == (4, 1, 4)
    assert told == [(4, 4)]
    assert files(theirs.parent) == before


def test_a_missing_store_is_made(tmp_path: Path, theirs: Path) -> None:
    assert merge_file(tmp_path / "prober.db", theirs, config=config(), now_ms=0).results == 4
    with closing(open_store(tmp_path / "prober.db", now_ms=0)) as one, closing(open_store(theirs, now_ms=0)) as other:
        assert content(one) == content(other)
        assert one.installation != other.installation


def test_a_store_in_use_takes_in_one_in_use(ours: Path, theirs: Path) -> None:
    with closing(open_store(ours, now_ms=0)) as one, closing(open_store(theirs, now_ms=0)) as other:
        Life(other, location="there").play(".")
        Life(one, location="here", now_ms=10**12).play(".")
        assert merge_file(ours, theirs, config=config(), now_ms=0).results == 5


@pytest.mark.parametrize("name", ["prober.db", "link.db"])
def test_a_store_is_not_merged_into_itself_by_whatever_name(ours: Path, name: str) -> None:
    (ours.parent / "link.db").symlink_to(ours)
    with pytest.raises(UsageError, match="this very store"):
        merge_file(ours, ours.parent / name, config=config(), now_ms=0)


@pytest.mark.parametrize("name", ["none.db", "."])
def test_a_file_that_is_not_there_is_named(ours: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        merge_file(ours, ours.parent / name, config=config(), now_ms=0)


def test_a_store_of_other_probes_is_taken_in_only_when_asked_to(ours: Path, theirs: Path) -> None:
    of_others = config(probe("shop"))
    with pytest.raises(ConfigError, match=r"fallback\.db holds .* other probes \(api\), .*\n.* with --adopt"):
        merge_file(ours, theirs, config=of_others, now_ms=0)
    assert merge_file(ours, theirs, config=of_others, now_ms=0, adopt=True).results == 4


def test_a_damaged_file_changes_nothing(ours: Path, theirs: Path) -> None:
    theirs.write_bytes(theirs.read_bytes()[:9000])
    before = ours.read_bytes()
    with pytest.raises(StoreError, match=r"fallback\.db: damaged"):
        merge_file(ours, theirs, config=config(), now_ms=0)
    assert ours.read_bytes() == before


@pytest.mark.anyio
async def test_an_alert_that_waits_elsewhere_is_sent_from_here_and_names_the_incident_as_it_is_called_here(
    tmp_path: Path,
) -> None:
    here = World(tmp_path / "prober.db")
    await here.runs("xxx..")
    there = World(tmp_path / "fallback.db", config=config(location="there"), mail=FakeMail("g" * 99))
    await there.runs("xxx")
    (waiting,) = there.waiting()
    merge_file(here.path, there.path, config=here.config, now_ms=T0)
    here.clock.set_by_ms = 3_600_000
    await here.run(".")
    (_, mail) = here.mail.accepted[-1]
    assert header(mail, "Message-ID") == waiting.message_id
    assert b"#2" in mail
    assert here.waiting() == []
