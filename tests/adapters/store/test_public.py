"""What leaves the house holds nothing private, and is the same for the same state."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import incidents, notes, notices, runs
from prober.adapters.store.backup import private_copy
from prober.adapters.store.merge import Merged, merge
from prober.adapters.store.public import export, load
from prober.adapters.store.results import append_results
from prober.adapters.store.runs import RunRow
from prober.core.model import Outcome, Reason
from prober.core.people import Action, Note
from prober.core.settings import EmailChannel
from tests.adapters.store.builders import T0, failed, know, result
from tests.adapters.store.life import RECIPIENTS, Life, content
from tests.adapters.store.test_merge import Stores
from tests.core.any_alerts import any_alert
from tests.core.test_publicity import FULL, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.alerts import AlertFacts

KEY: Final = b"correct horse battery staple"
CHANNELS: Final = (
    EmailChannel(id="ops", to=RECIPIENTS, sender="prober@acme.example", server="mail.acme.example", port=587),
)
DEEDS: Final = st.text("...xxxxss?aaggucbdkrfF+zZlLhmm", max_size=25)

# The names that the configuration gives to probes, places and channels are public, and words of closed lists.
NAMES: Final = {
    "probes.id",
    "series.probe",
    "states.probe",
    "incidents.probe",
    "events.probe",
    "maintenance.probe",
    "outbox.channel",
} | {
    f"{table}.location"
    for table in ("series", "states", "incidents", "events", "rounds", "runs", "blackouts", "standings")
}
WORDS: Final = {"incidents.kind", "incidents.severity", "incidents.closed_as", "notes.action", "meta.name"} | {
    f"outbox.{column}" for column in ("kind", "state", "fate")
}
SHAPES: Final = st.sampled_from(
    [
        "{}",
        "ops@{}.example",
        "<{}@example.org>",
        "Bearer {}",
        "status 503, expected 2xx; Server: {}",
        "today\n{}",
        "hmac:0123456789abcdef0123456789abcdef{}",
        "0123456789abcdef0123456789abcdef\n{}",
        "123.1{}",
        "down_opened\n{}",
        "\u202e{}\x1b[2J",
    ]
)
TOKENS: Final = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=12, max_size=24)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    yield made
    made.close()


def lived(store: Store) -> Store:
    """Return a store in which every table has rows."""
    life = Life(store).play("..xxagk?ss..zxxcrmfxxbll")
    with store.transaction():
        append_results(store, [failed(life.now_ms + 1, detail="x", excerpt="x", reason=Reason.BODY)])
    for each in incidents.all_incidents(store):
        notes.add_note(store, each, Note(at_ms=1, who="anna", action=Action.NOTED, text="looking"))
    notices.put_notice(store, "configuration", "wrong", now_ms=1)
    runs.save_run(store, RunRow(location="here", run="1.1", trigger="schedule", started_at_ms=T0))
    return store


def texts(store: Store) -> Iterator[tuple[str, str]]:
    """Yield every column of every table of ours that can hold a text of any kind, and the bytes of messages."""
    for (table,) in store.rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict AND type = 'table'"
    ):
        for column, kind in store.rows(f"SELECT name, type FROM pragma_table_info('{table}')"):
            if (kind == "TEXT" and f"{table}.{column}" not in NAMES | WORDS) or column == "frozen":
                yield table, column


def put_everywhere(store: Store, secret: str) -> None:
    """Put a secret into every text of a store that is neither a name nor a word of ours."""
    numbers = count()
    store.connection.create_function("another", 0, lambda: str(next(numbers)))  # some texts have to differ
    facts = FULL.to_json().replace(SECRET, json.dumps(secret)[1:-1])
    standing = json.dumps(
        {"role": secret, "why": secret, secret: 1, "probes": {secret: {}, "api": {"is_ours": secret}}}
    )
    for table, column in texts(store):
        value = f":{column}" if column in {"facts", "standing"} else ":secret || another()"
        value = f"cast({value} AS BLOB)" if column == "frozen" else value
        where = "WHERE name = 'installation'" if table == "meta" else ""
        values = {"secret": secret, "facts": facts, "standing": standing}
        assert store.write(f"UPDATE {table} SET {column} = {value} {where}", values)


def forms(token: str) -> Iterator[bytes]:
    plain = token.encode()
    yield from (plain, plain.lower(), token.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode())
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + plain)[4:-4]


@thorough
@given(token=TOKENS, shape=SHAPES)
def test_nothing_private_is_in_what_is_published(
    tmp_path_factory: pytest.TempPathFactory, token: str, shape: str
) -> None:
    stores = Stores(tmp_path_factory.mktemp("stores"))
    store = lived(stores.new())
    put_everywhere(store, shape.format(token))
    plain = store.connection.serialize()
    assert token.encode() in plain  # a copy of the store would tell it
    content = export(store, key=KEY)
    assert [form for form in forms(token) if form in content] == []
    stores.close()


def test_no_text_is_overlooked_by_this(stores: Stores) -> None:
    store = lived(stores.new())
    put_everywhere(store, "QQQQ")
    seen = {f"{table}.{column}" for table, column in texts(store)}
    assert {"outbox.recipient", "outbox.last_error", "outbox.frozen", "outbox.facts", "events.facts"} <= seen
    assert {"probes.url", "result_details.excerpt", "rounds.host", "notes.who", "states.identity", "runs.run"} <= seen
    for table, column in texts(store):
        (told,) = store.rows(f"SELECT count(*) AS n FROM {table} WHERE instr(cast({column} AS TEXT), 'QQQQ')")
        assert told["n"], (table, column)


def test_neither_the_key_nor_what_message_ids_are_made_with_is_published(stores: Stores, tmp_path: Path) -> None:
    fresh = stores.new()
    content = export(fresh, key=KEY)
    with closing(load(tmp_path / "loaded.db", content, key=KEY, channels=CHANNELS, now_ms=1)) as loaded:
        for each in (fresh, loaded):
            told = export(each, key=KEY)
            assert each.installation.encode() not in told
            assert KEY not in told
        assert loaded.installation != fresh.installation


def test_what_is_published_says_what_happened_in_our_words(stores: Stores) -> None:
    store = stores.new()
    know(store, "api")
    with store.transaction():
        append_results(
            store,
            [
                failed(T0, detail="status 503, expected 2xx", excerpt="Bad Gateway"),
                failed(T0 + 60_000, reason=Reason.BODY, detail="body: expected to contain abc", status=200),
                result(T0 + 120_000, outcome=Outcome.SLOW, detail="1.2 s, limit 1 s"),
            ],
        )
    with closing(sqlite3.connect(":memory:")) as published:
        published.deserialize(export(store, key=KEY))
        seen = published.execute("SELECT outcome, reason, detail, excerpt, latency_ms FROM v_results").fetchall()
        known = published.execute("SELECT id, name, url FROM probes").fetchall()
    assert seen == [
        ("failed", "status", "status 503", None, None),
        ("failed", "body", "the body is not as expected", None, None),
        ("slow", None, None, None, 61.2),
    ]
    assert known == [("api", "api", "")]


@thorough
@given(deeds=DEEDS, facts=any_alert)
def test_what_comes_back_is_published_as_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, deeds: str, facts: AlertFacts
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    stores = Stores(folder)
    store = stores.new()
    Life(store).play(deeds)
    store.write("UPDATE outbox SET facts = :facts WHERE id % 3 = 1", {"facts": facts.to_json()})
    content = export(store, key=KEY)
    with closing(load(folder / "loaded.db", content, key=KEY, channels=CHANNELS, now_ms=1)) as loaded:
        assert export(loaded, key=KEY) == content
    stores.close()


@thorough
@given(before=DEEDS, after=DEEDS)
def test_a_run_that_meets_what_it_published_itself_learns_nothing(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    stores = Stores(folder)
    first = stores.new()
    life = Life(first).play(before)
    with closing(load(folder / "ours.db", export(first, key=KEY), key=KEY, channels=CHANNELS, now_ms=1)) as ours:
        Life(ours, now_ms=life.now_ms).play(after)
        for ids in ("events", "incidents"):  # as they are in life: hashes, that is
            ours.write(f"UPDATE {ids} SET uid = 'hmac:' || printf('%032x', rowid)")
        ours.write("UPDATE outbox SET message_id = printf('<%032x@acme.example>', id)")
        content = export(ours, key=KEY)
        with closing(load(folder / "theirs.db", content, key=KEY, channels=CHANNELS, now_ms=1)) as theirs:
            merge(ours, theirs)
            assert export(ours, key=KEY) == content
    stores.close()


def test_the_same_state_gives_the_same_bytes_whatever_happened_to_the_file(stores: Stores) -> None:
    store = lived(stores.new())
    aged = stores.copy(store)
    aged.write("CREATE TABLE gone (text TEXT)")
    aged.write("INSERT INTO gone SELECT hex(randomblob(100000))")
    aged.write("DROP TABLE gone")
    aged.write("PRAGMA user_version = 7")
    assert export(aged, key=KEY) == export(store, key=KEY)
    Life(aged, now_ms=T0 + 10**9).play(".")
    assert export(aged, key=KEY) != export(store, key=KEY)


def test_every_process_publishes_the_same_bytes(stores: Stores) -> None:
    store = lived(stores.new())
    program = """if True:
        import hashlib, sys
        from pathlib import Path
        from prober.adapters.store.db import open_reader
        from prober.adapters.store.public import export
        print(hashlib.sha256(export(open_reader(Path(sys.argv[1])), key=b"k")).hexdigest())"""
    command = [sys.executable, "-c", program, str(store.path)]
    told = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_another_key_hides_the_same_addresses_differently(stores: Stores) -> None:
    store = lived(stores.new())
    assert export(store, key=b"one") != export(store, key=b"two")


def test_publishing_changes_nothing_in_the_store(stores: Stores) -> None:
    store = lived(stores.new())
    before = store.connection.serialize()
    export(store, key=KEY)
    assert store.connection.serialize() == before


def test_what_is_published_is_one_whole_file_with_nothing_beside_it(stores: Stores, tmp_path: Path) -> None:
    file = tmp_path / "published.db"
    file.write_bytes(export(lived(stores.new()), key=KEY))
    file.chmod(0o400)
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as published:
        assert published.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert published.execute("PRAGMA foreign_key_check").fetchall() == []
        assert published.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert published.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert published.execute("SELECT count(*) FROM notices").fetchone() == (0,)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("published")] == [file.name]


@pytest.mark.parametrize(("ours", "theirs"), [(2, 1), (1, 2), (2, 2)])
def test_a_round_that_was_recorded_twice_is_published_once_as_the_one_of_more_checks(
    stores: Stores, ours: int, theirs: int
) -> None:
    store = stores.new()
    Life(store).play("..")
    once = export(store, key=KEY)
    store.write("UPDATE rounds SET checks = :checks", {"checks": ours})
    store.write(
        """INSERT INTO rounds (location, started_at_ms, ended_at_ms, checks, is_offline, host, pid)
        SELECT location, started_at_ms, ended_at_ms, :checks, is_offline, '', pid FROM rounds""",
        {"checks": theirs},
    )
    assert export(store, key=KEY) == once


def test_ten_probes_over_300_runs_stay_under_a_megabyte(stores: Stores) -> None:
    store = stores.new()
    probes = [f"probe-{number}" for number in range(10)]
    know(store, *probes)
    for number in range(300):
        at_ms = T0 + number * 1_000_000
        signs = [failed if (number + each) % 9 == 0 else result for each in range(10)]
        with store.transaction():
            append_results(store, [make(at_ms, probe_id=each) for make, each in zip(signs, probes, strict=True)])
        runs.save_run(
            store, RunRow(location="here", run=f"{10**10 + number}.1", trigger="schedule", started_at_ms=at_ms)
        )
    assert len(export(store, key=KEY)) < 1_000_000


def test_what_is_published_comes_home_into_another_history(stores: Stores, tmp_path: Path) -> None:
    away, home = stores.new(), stores.new()
    Life(away, location="github-actions").play("..xxaa..aa")
    runs.save_run(away, RunRow(location="github-actions", run="1.1", trigger="schedule", started_at_ms=T0))
    Life(home).play("..xx..")
    before = content(home)
    file = tmp_path / "published.db"
    file.write_bytes(export(away, key=KEY))
    with private_copy(file, now_ms=1) as published:
        added = merge(home, published)
        assert merge(home, published) == Merged()
    assert (added.results, added.incidents, added.alerts, added.runs) == (6, 1, 4, 1)
    assert all(known <= content(home)[table] for table, known in before.items())
