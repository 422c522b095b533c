"""`prober db`: looking at the store, copying it, pruning it, and bringing another one home."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.lock import Lock, acquire
from prober.adapters.store.db import open_store
from prober.cli import output
from tests.adapters.store.life import Life
from tests.adapters.store.test_backup import damage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber


@pytest.fixture
def store(folder: Path, configure: Configure) -> Path:
    """A store with four results and an incident, of a configured probe."""
    configure()
    path = folder / "prober.db"
    with closing(open_store(path, now_ms=0)) as opened:
        Life(opened).play("xx..")
    return path


@pytest.fixture
def other(folder: Path) -> Path:
    """The store of another place."""
    path = folder / "other.db"
    with closing(open_store(path, now_ms=0)) as opened:
        Life(opened, location="there").play("xx")
    return path


# info


@pytest.mark.usefixtures("store")
def test_info_says_which_store_it_is_and_what_it_holds(prober: RunProber, folder: Path) -> None:
    ran = prober("db", "info")
    lines = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert (ran.code, ran.err) == (0, "")
    assert lines["store"] == f"{folder}/prober.db (beside the configuration)"
    assert lines["results"].startswith("4, ")
    assert lines["incidents"] == "1"
    assert "integrity" not in lines


def test_info_says_why_it_is_this_store(prober: RunProber, store: Path) -> None:
    told = json.loads(prober("--db", str(store), "db", "info", "--json").out)
    assert (told["schema"], told["why"], told["counts"]["results"], told["integrity"]) == (1, "--db", 4, None)


@pytest.mark.usefixtures("store")
def test_a_whole_store_passes_the_check(prober: RunProber) -> None:
    assert prober("db", "info", "--check").out.splitlines()[-1] == "  integrity     ok"
    assert json.loads(prober("db", "info", "--check", "--json").out)["integrity"] == "ok"


def test_a_damaged_store_fails_the_check_and_is_still_shown(prober: RunProber, store: Path) -> None:
    damage(store)
    ran = prober("db", "info", "--check")
    assert ran.code == 5
    assert "Page" in ran.out.splitlines()[-1]
    assert "prober.db is damaged. Bring back a backup" in ran.err


@pytest.mark.parametrize("command", [["info"], ["backup", "copy.db"], ["prune"]])
def test_there_is_nothing_to_do_without_a_store(
    configure: Configure, prober: RunProber, folder: Path, command: list[str]
) -> None:
    configure()
    ran = prober("db", *command)
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == f'error: there is no store at {folder}/prober.db yet. "prober run" makes it.\n'
    assert list(folder.glob("*.db*")) == []


# backup


@pytest.mark.usefixtures("store")
def test_a_backup_is_made_and_its_size_is_told(prober: RunProber, folder: Path) -> None:
    ran = prober("db", "backup", "copy.db")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("copy.db: ")
    assert ran.err.endswith(" kB, whole\n")
    told = json.loads(prober("db", "backup", "again.db", "--json").out)
    assert told == {"schema": 1, "path": "again.db", "size_bytes": (folder / "again.db").stat().st_size}
    assert prober("-q", "db", "backup", "quiet.db").err == ""


@pytest.mark.usefixtures("store")
def test_a_file_is_replaced_only_when_asked_to(prober: RunProber, folder: Path) -> None:
    (folder / "copy.db").write_text("what was there")
    ran = prober("db", "backup", "copy.db")
    assert ran.code == 2
    assert "copy.db exists already. Name another file, or replace it with --force." in ran.err
    assert (folder / "copy.db").read_text() == "what was there"
    assert prober("db", "backup", "--force", "copy.db").code == 0
    assert (folder / "copy.db").read_bytes().startswith(b"SQLite format 3")


def test_a_backup_never_takes_the_place_of_the_store_or_of_one_in_use(
    prober: RunProber, store: Path, other: Path, folder: Path
) -> None:
    (folder / "link.db").symlink_to(store)
    for name in ("prober.db", "link.db"):
        ran = prober("db", "backup", "--force", name)
        assert (ran.code, "is the store itself" in ran.err) == (2, True)
    with closing(open_store(other, now_ms=0)) as opened:
        Life(opened, location="there").play(".")
        ran = prober("db", "backup", "--force", "other.db")
        assert (ran.code, "other.db is a database in use" in ran.err) == (2, True)
    ran = prober("db", "backup", "--force", ".")
    assert (ran.code, "is a folder. Name a file in it." in ran.err) == (2, True)


@pytest.mark.usefixtures("store")
def test_a_backup_into_nowhere_says_so(prober: RunProber) -> None:
    ran = prober("db", "backup", "nowhere/copy.db")
    assert (ran.code, "nowhere/copy.db: No such file or directory" in ran.err) == (5, True)


# prune


def test_old_results_are_pruned(prober: RunProber, store: Path) -> None:
    assert prober("db", "prune", "--keep", "36500d").out == "0 results pruned\n"
    ran = prober("db", "prune", "--keep", "1d", "--json")
    assert (ran.code, json.loads(ran.out)["pruned"]) == (0, {"results": 4})
    assert json.loads(prober("db", "info", "--json").out)["counts"] | {"rollups": 0} == {
        "probes": 1,
        "results": 0,
        "rollups": 0,
        "incidents": 1,
        "open_incidents": 0,
        "rounds": 1,
    }
    assert prober("db", "prune", "--vacuum").code == 0
    assert store.exists()


@pytest.mark.usefixtures("store")
def test_keeping_less_than_a_day_makes_no_sense(prober: RunProber) -> None:
    ran = prober("db", "prune", "--keep", "3h")
    assert (ran.code, "for a day at least: 1d." in ran.err) == (2, True)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("keep", "advice"),
    [("soon", 'Write a number with d, h, m, s or ms, such as "90d".'), ("12 weeks", 'Write "84d".')],
)
def test_what_is_no_duration_is_told_how_to_write_one(prober: RunProber, keep: str, advice: str) -> None:
    ran = prober("db", "prune", "--keep", keep)
    assert (ran.code, ran.err) == (2, f'error: --keep: "{keep}" is not a duration. {advice}\n')


def test_the_file_stays_as_big_as_it_is_while_somebody_uses_it(prober: RunProber, store: Path) -> None:
    lock = acquire(store, command="serve", now_ms=0)
    assert isinstance(lock, Lock)
    with lock:
        ran = prober("db", "prune", "--vacuum")
        assert (ran.code, "leave out --vacuum" in ran.err) == (5, True)
        assert prober("db", "prune").code == 0


# merge


@pytest.mark.usefixtures("store", "other")
def test_another_store_comes_home_once(prober: RunProber) -> None:
    ran = prober("db", "merge", "other.db")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "added 2 results, 1 incident, 1 event, 2 alerts and 1 round\n"
    assert prober("db", "merge", "other.db").out == "nothing new\n"
    told = json.loads(prober("db", "merge", "other.db", "--json").out)
    assert (told["schema"], set(told["added"].values()), told["changed"]) == (1, {0}, 0)
    assert len(prober("incidents", "list").out.splitlines()) == 3


@pytest.mark.usefixtures("other")
def test_a_store_is_made_of_another_one(configure: Configure, prober: RunProber) -> None:
    configure()
    assert "2 results" in prober("db", "merge", "other.db").out
    assert prober("db", "info").code == 0


@pytest.mark.usefixtures("store", "other")
def test_a_store_of_other_probes_is_refused_unless_adopted(configure: Configure, prober: RunProber) -> None:
    configure().write_text('[probe.shop]\nurl = "https://shop.example/"\n')
    ran = prober("db", "merge", "other.db")
    assert (ran.code, "take this one over with --adopt" in ran.err) == (3, True)
    assert prober("db", "merge", "other.db", "--adopt").code == 0


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("prober.db", 2, "is this very store"),
        ("none.db", 2, "there is no file none.db"),
        ("probes.toml", 5, "probes.toml: damaged, or not a database"),
    ],
)
def test_what_cannot_be_merged_is_refused(prober: RunProber, name: str, code: int, said: str) -> None:
    ran = prober("db", "merge", name)
    assert (ran.code, ran.out, said in ran.err) == (code, "", True)


# Progress


@pytest.mark.usefixtures("store", "other")
def test_progress_is_shown_on_a_terminal_and_gone_at_the_end(
    prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda stream: stream is sys.stderr)
    assert prober("db", "merge", "other.db").err == f"\r{'2 of 2 results':<70}\r{'':<70}\r"
    shown = prober("db", "prune", "--keep", "1d").err
    assert shown.startswith("\rrolled up to 20")
    assert shown.endswith(f"\r{'':<70}\r")
    assert prober("-q", "db", "merge", "other.db").err == ""


def test_progress_that_nobody_can_see_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, prober: RunProber, store: Path, other: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(output, "is_terminal", lambda stream: stream is sys.stderr)
    monkeypatch.setattr("prober.cli.db.typer.echo", lambda text, **how: fail() if how.get("err") else print(text))  # noqa: T201
    assert prober("db", "merge", str(other)).code == 0
    assert store.exists()
