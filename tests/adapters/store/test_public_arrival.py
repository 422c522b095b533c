"""What was published becomes a store again, in which nobody who was told, or is to be, is forgotten."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.adapters.store import carriers, events, incidents, outbox, schema, states
from prober.adapters.store.db import CorruptStore, ForeignStore, NewerStore
from prober.adapters.store.public import export, load
from prober.core.alerts import AlertKind
from prober.core.delivery import message_id
from prober.core.model import ProbeState, Streak
from prober.core.settings import EmailChannel
from prober.errors import StoreError
from tests.adapters.store import builders
from tests.adapters.store.builders import T0, alert, begin, know, probe, queue
from tests.adapters.store.life import RECIPIENTS, Life
from tests.adapters.store.test_merge import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prober.adapters.store.db import Store
    from prober.core.model import Probe

KEY, OTHER_KEY = b"correct horse battery staple", b"another key"
DEEDS = st.text("...xxxxss?aaggucbdkrfF+zZlLhmm", max_size=25)


def channel(*to: str, channel_id: str = "ops") -> EmailChannel:
    return EmailChannel(id=channel_id, to=to, sender="prober@acme.example", server="mail.acme.example", port=587)


OPS = channel(*RECIPIENTS)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = Stores(tmp_path)
    yield made
    made.close()


class Branch:
    """What is published, from one store to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def pass_on(
        self,
        store: Store,
        *channels: EmailChannel,
        key: bytes = KEY,
        new_key: bytes | None = None,
        probes: Sequence[Probe] = (),
    ) -> Store:
        self._count += 1
        path = self._folder / f"loaded-{self._count}.db"
        content = export(store, key=key)
        return load(path, content, key=new_key or key, channels=channels, probes=probes, now_ms=T0)


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(tmp_path)


def told(store: Store) -> list[tuple[str, str, str]]:
    """Return (state, channel, recipient) of each alert, in the order of these."""
    return sorted(map(tuple, store.rows("SELECT state, channel, recipient FROM outbox")))


# The file.


def test_the_store_is_for_its_owner_alone(branch: Branch, stores: Stores) -> None:
    with closing(branch.pass_on(stores.new(), OPS)) as loaded:
        assert stat.S_IMODE(loaded.path.stat().st_mode) == 0o600


def test_a_file_that_is_there_already_is_left_alone(stores: Stores, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"mine")
    with pytest.raises(StoreError):
        load(there, export(stores.new(), key=KEY), key=KEY, channels=[OPS], now_ms=T0)
    assert there.read_bytes() == b"mine"


NEWER = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999_tomorrow', '')"


def spoiled(statement: str) -> Callable[[Store], bytes]:
    def spoil(store: Store) -> bytes:
        store.write("PRAGMA foreign_keys = OFF")
        store.write(statement)
        return store.connection.serialize()

    return spoil


def scratched(store: Store) -> bytes:
    content = bytearray(export(store, key=KEY))
    for page in range(20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    return bytes(content)


def foreign(_store: Store) -> bytes:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE theirs (a)")
        made.commit()
        return made.serialize()


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (lambda _: b"", CorruptStore, "empty"),
        (lambda _: b"not a database at all" * 500, CorruptStore, "damaged"),
        (lambda store: export(store, key=KEY)[:50_000], CorruptStore, "damaged"),
        (scratched, CorruptStore, "damaged"),
        (spoiled("UPDATE states SET probe = 'nobody'"), CorruptStore, "damaged"),
        (spoiled("DELETE FROM meta"), CorruptStore, "damaged"),
        (spoiled("ALTER TABLE outbox RENAME COLUMN recipient TO to_whom"), CorruptStore, "damaged"),
        (spoiled("DROP TABLE runs"), CorruptStore, "damaged"),
        (foreign, ForeignStore, "another program"),
        (spoiled(NEWER), NewerStore, "newer version"),
    ],
)
def test_what_cannot_be_read_is_told_apart_and_leaves_no_file(
    stores: Stores, tmp_path: Path, content: Callable[[Store], bytes], error: type[StoreError], says: str
) -> None:
    store = stores.new()
    Life(store).play("..xx..xx")
    with pytest.raises(error, match=says):
        load(tmp_path / "loaded.db", content(store), key=KEY, channels=[OPS], now_ms=T0)
    assert not list(tmp_path.glob("loaded.db*"))


def test_a_fault_of_this_machine_is_not_taken_for_one_of_the_state(stores: Stores, tmp_path: Path) -> None:
    path = tmp_path / "loaded.db"
    path.with_name("loaded.db-wal").mkdir()
    with pytest.raises(StoreError, match="unable to open") as caught:
        load(path, export(stores.new(), key=KEY), key=KEY, channels=[OPS], now_ms=T0)
    assert not isinstance(caught.value, CorruptStore)
    assert not path.exists()


def test_a_state_of_an_older_version_is_brought_up_to_date(stores: Stores, tmp_path: Path) -> None:
    old = stores.new()
    Life(old).play("..xx")
    old.write("DROP VIEW v_runs")
    old.write("DROP TABLE runs")
    old.write("DELETE FROM _sqlite_migrations WHERE name = 'm005_runs'")
    content = old.connection.serialize()
    with closing(load(tmp_path / "new.db", content, key=KEY, channels=[OPS], now_ms=T0)) as loaded:
        assert schema.all_applied(loaded.connection) == schema.all_known()


def test_a_store_that_was_never_published_is_taken_as_it_is(stores: Stores, tmp_path: Path) -> None:
    store = stores.new()
    Life(store).play("..xxa")
    path = tmp_path / "taken.db"
    with closing(load(path, store.connection.serialize(), key=KEY, channels=[OPS], now_ms=T0)) as loaded:
        assert told(loaded) == told(store)
        assert loaded.installation == store.installation


# Who is who.


def test_everybody_is_found_again(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    Life(store).play("..xxau..xx")
    with closing(branch.pass_on(store, OPS)) as loaded:
        assert told(loaded) == told(store)
        assert outbox.told(loaded, 2) == {("ops", each) for each in RECIPIENTS}


def test_a_message_keeps_its_id_over_any_number_of_runs(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    know(store, "api")
    number = events.record_event(
        store, uid="ab" * 16, kind="down_opened", probe_id="api", location="here", incident=begin(store), at_ms=T0
    )
    name = message_id(store.installation, "ab" * 16, f"ops {RECIPIENTS[0]}", domain=OPS.domain)
    outbox.queue(store, [replace(alert("x", event=number, incident=1, to=RECIPIENTS[0]), message_id=name)])
    with closing(branch.pass_on(store, OPS)) as second, closing(branch.pass_on(second, OPS)) as third:
        assert [each.message_id for each in outbox.all_waiting(third)] == [name]
        assert second.installation == third.installation
        assert second.installation != store.installation


def test_an_alert_that_was_being_sent_may_have_arrived(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    life = Life(store).play("xxc")
    with closing(branch.pass_on(store, OPS)) as loaded:
        row = min(outbox.all_waiting(loaded), key=lambda row: row.id if row.attempts else 99)
        assert (row.state, row.fate, row.attempts, row.frozen, row.lease_owner) == ("queued", "unknown", 1, None, None)
        assert row.next_attempt_at_ms == life.now_ms + 60_000


def test_an_address_that_is_gone_leaves_its_alerts_to_the_others(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    Life(store).play("..xx")
    with closing(branch.pass_on(store, channel("ops@acme.example"))) as loaded:
        assert told(loaded) == [("queued", "ops", "ops@acme.example")]


def test_an_address_that_takes_the_place_of_another_gets_what_waits_and_hears_of_the_end(
    branch: Branch, stores: Stores
) -> None:
    store = stores.new()
    Life(store, recipients=("old@acme.example",)).play("..xxa")
    queue(store, "waiting", to="old@acme.example", kind=AlertKind.CERTIFICATE)
    new = "new@acme.example"
    with closing(branch.pass_on(store, channel(new))) as loaded:
        assert [(row.kind, row.recipient) for row in outbox.all_waiting(loaded)] == [("certificate_expiring", new)]
        assert ("ops", new) in outbox.told(loaded, 1)
        (old,) = [each for state, _, each in told(loaded) if state == "sent" and each != new]
        assert old.startswith("hmac:")


def test_what_waits_on_a_channel_that_is_gone_is_told_on_all_that_are_there(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    queue(store, "waiting", to="old@acme.example")
    others = channel("a@acme.example", channel_id="one"), channel("b@acme.example", channel_id="two")
    with closing(branch.pass_on(store, *others)) as loaded:
        assert told(loaded) == [("queued", "one", "a@acme.example"), ("queued", "two", "b@acme.example")]
        assert len({row.message_id for row in outbox.all_waiting(loaded)}) == 2


def test_what_waits_for_an_address_that_is_gone_stays_on_its_channel(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    queue(store, "waiting", to="old@acme.example")
    both = channel("a@acme.example"), channel("b@acme.example", channel_id="two")
    with closing(branch.pass_on(store, *both)) as loaded:
        assert told(loaded) == [("queued", "ops", "a@acme.example")]


def test_where_nobody_is_configured_what_waits_goes_on_waiting(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    queue(store, "waiting", to="old@acme.example")
    with closing(branch.pass_on(store)) as silent, closing(branch.pass_on(silent, channel("old@acme.example"))) as back:
        assert len(outbox.all_waiting(silent)) == 1
        assert told(back) == [("queued", "ops", "old@acme.example")]
        (row,) = outbox.all_waiting(back)
        assert row.message_id.endswith("@acme.example>")


def test_a_new_message_has_the_id_that_its_recipient_would_have_had_from_the_beginning(
    branch: Branch, stores: Stores
) -> None:
    store = stores.new()
    number = builders.event(store, "ab" * 16)
    outbox.queue(store, [alert("x", event=number, kind=AlertKind.DOWN, to="old@acme.example")])
    with closing(branch.pass_on(store, channel("new@acme.example"))) as loaded:
        (row,) = outbox.all_waiting(loaded)
        named = message_id(loaded.installation, "ab" * 16, "ops new@acme.example", domain="acme.example")
        assert row.message_id == named


def test_a_test_mail_to_several_is_told_to_each_once_under_another_key(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    outbox.queue(store, [replace(alert(each, to=each), kind=AlertKind.TEST) for each in RECIPIENTS])
    with closing(branch.pass_on(store, OPS, new_key=OTHER_KEY)) as loaded:
        assert told(loaded) == sorted(("queued", "ops", each) for each in RECIPIENTS)


def test_a_batch_that_would_tell_nothing_new_is_closed(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    Life(store).play("xx..xxb")
    store.write("UPDATE outbox SET facts = json_set(facts, '$.checks', id) WHERE kind = 'several'")
    with closing(branch.pass_on(store, channel("ops@acme.example"))) as loaded:
        waiting = [row for row in outbox.all_waiting(loaded) if row.kind is AlertKind.SEVERAL]
        assert [row.recipient for row in waiting] == ["ops@acme.example"]
        assert carriers.find_mergeable(loaded, 2, "ops", "ops@acme.example") is not None


# A key that changes.


def test_of_two_of_whom_one_was_told_both_are_told_under_a_new_key(branch: Branch, stores: Stores) -> None:
    store = stores.new()
    Life(store).play("..xxa")
    with closing(branch.pass_on(store, OPS, new_key=OTHER_KEY)) as loaded:
        assert told(loaded) == sorted(("queued", "ops", each) for each in RECIPIENTS)


def reached(store: Store) -> dict[str, set[str]]:
    """Return who has or will have each event, of those of which somebody is still to hear."""
    rows = store.rows(
        """SELECT e.uid, group_concat(o.recipient) AS recipients, max(coalesce(c.state, o.state) = 'queued') AS waits
        FROM outbox o JOIN events e ON e.id = o.event LEFT JOIN outbox c ON c.id = o.carrier
        WHERE coalesce(c.state, o.state) IN ('queued', 'sent') GROUP BY e.uid"""
    )
    return {row["uid"]: set(row["recipients"].split(",")) for row in rows if row["waits"]}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS, runs=st.integers(1, 3))
def test_under_a_new_key_nobody_is_forgotten_and_nothing_waits_twice(
    tmp_path_factory: pytest.TempPathFactory, deeds: str, runs: int
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    stores, branch = Stores(folder), Branch(folder)
    store = stores.new()
    Life(store).play(deeds)
    outbox.release_leases(store)
    loaded = [branch.pass_on(store, OPS)]
    waiting, number = reached(loaded[0]), len(told(loaded[0]))
    for run in range(runs):
        loaded.append(branch.pass_on(loaded[-1], OPS, key=bytes([run]), new_key=bytes([run + 1])))
    last = loaded[-1]
    assert reached(last).keys() == waiting.keys()
    assert all(reached(last)[uid] >= set(RECIPIENTS) for uid in waiting)
    for each in incidents.all_incidents(last, open_only=True):
        assert outbox.told(loaded[0], each.number) <= outbox.told(last, each.number)
    double = last.rows(
        """SELECT 1 FROM outbox WHERE state IN ('queued', 'batched') AND kind <> 'several'
        GROUP BY event, channel, recipient HAVING count(*) > 1"""
    )
    assert not double
    assert last.rows("PRAGMA foreign_key_check") == []
    assert len(told(last)) <= 2 * number
    for store in loaded:
        store.close()
    stores.close()


# What the rules remember.

PENDING = ProbeState(
    identity="0123456789abcdef", failing=Streak(count=2, started_at_ms=T0), certificate="ab" * 32, since_ms=T0
)


def remembering(store: Store) -> Store:
    know(store, "api")
    with store.transaction():
        states.save_states(store, "here", {"api": PENDING})
    return store


def test_a_probe_that_is_asked_the_same_goes_on_where_it_was(branch: Branch, stores: Stores) -> None:
    same = probe("api", identity=PENDING.identity)
    with closing(branch.pass_on(remembering(stores.new()), OPS, probes=[same])) as loaded:
        assert states.all_states(loaded, "here") == {"api": PENDING}


def test_a_probe_that_is_asked_otherwise_is_not_taken_for_the_same(branch: Branch, stores: Stores) -> None:
    changed = probe("api", identity="fedcba9876543210")
    with closing(branch.pass_on(remembering(stores.new()), OPS, probes=[changed])) as loaded:
        seen = states.all_states(loaded, "here")["api"]
        assert seen.identity not in {PENDING.identity, changed.identity}
        assert seen.failing == PENDING.failing


def test_under_a_new_key_checks_go_on_counting(branch: Branch, stores: Stores) -> None:
    same = probe("api", identity=PENDING.identity)
    with closing(branch.pass_on(remembering(stores.new()), OPS, new_key=OTHER_KEY, probes=[same])) as loaded:
        assert states.all_states(loaded, "here") == {"api": PENDING}
