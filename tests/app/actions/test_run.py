"""Jobs around one branch: what one knows the next goes on from, and no alert is lost between them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from prober.adapters.git import GitError, StateBranch
from prober.adapters.store.db import open_in_memory
from prober.adapters.store.runs import all_runs
from prober.core.model import State
from prober.core.settings import Maintenance
from tests.app.actions.world import BRANCH, FIVE_MIN_MS, Jobs, git
from tests.app.world import CHIEF, OPS, channel, probe
from tests.fakes import T0, FakeMail, header

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
QUICKLY = probe(recheck_ms=20)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    known = Jobs(tmp_path)
    known.configure(probes=(QUICKLY,))
    return known


def of_tomorrow(content: bytes) -> bytes:
    """Return a state as a later version would leave it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content)
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('prober', 'm999', '')"
        )
        connection.commit()
        return connection.serialize()


def refuse_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> str:
        raise GitError("no way there")

    monkeypatch.setattr(StateBranch, "push", fail)
    monkeypatch.setattr("prober.app.actions.run.INTENT_WITHIN_S", 0.2)
    monkeypatch.setattr("prober.app.actions.run.SAVE_WITHIN_S", 0.2)


async def later(jobs: Jobs, signs: str, **asked: object) -> list[str]:
    """Run a job one interval later, and return the subjects of the mails that it sent."""
    jobs.clock.set_by_ms += FIVE_MIN_MS
    before = len(jobs.mail.accepted)
    await jobs.run(signs, **asked)  # type: ignore[arg-type]
    return jobs.mail.subjects()[before:]


async def test_the_first_job_makes_the_branch_and_every_job_leaves_one_commit(jobs: Jobs) -> None:
    outcome = await jobs.run(".")
    assert (outcome.fault, outcome.is_whole, jobs.branches(), jobs.commits()) == (None, True, [BRANCH], 1)
    assert [probe["state"] for probe in jobs.status()["probes"]] == ["up"]
    first = git(jobs.remote, "rev-parse", BRANCH)
    await later(jobs, ".")
    assert (jobs.commits(), git(jobs.remote, "rev-parse", BRANCH) == first) == (1, False)


async def test_an_outage_is_told_by_the_job_that_sees_it_first_and_its_end_by_another(jobs: Jobs) -> None:
    assert await later(jobs, ".") == []
    assert await later(jobs, "xxx") == ["[DOWN P1] api: status 503 (inc 1)"]
    assert await later(jobs, "xxx") == []
    (end,) = await later(jobs, "..")
    assert end.startswith("[UP after")
    assert await later(jobs, "xxx") == ["[DOWN P1] api: status 503 (inc 2)"]


async def test_without_recheck_jobs_count_together(jobs: Jobs) -> None:
    jobs.configure(probes=(probe(),))
    assert [len(await later(jobs, sign)) for sign in "xxx"] == [0, 0, 1]


async def test_a_probe_that_is_not_due_is_not_checked_again(jobs: Jobs) -> None:
    await jobs.run(".")
    outcome = await jobs.run("xxx")
    assert (outcome.report.results, jobs.checker.started) == ([], [])


async def test_the_intent_to_tell_is_on_the_branch_before_the_mail_is(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    send = FakeMail.send

    async def look_and_send(self: FakeMail, *, recipient: str, message: bytes) -> object:
        seen.append(jobs.status()["undelivered_alerts"])
        return await send(self, recipient=recipient, message=message)

    monkeypatch.setattr(FakeMail, "send", look_and_send)
    await jobs.run("xxx")
    assert seen == [1]
    assert jobs.status()["undelivered_alerts"] == 0


async def test_what_a_job_could_not_hand_over_the_next_one_does_under_the_same_message_id(jobs: Jobs) -> None:
    jobs.mail.script = "l"
    outcome = await jobs.run("xxx")
    assert outcome.report.undelivered == 1
    jobs.clock.set_by_ms += FIVE_MIN_MS
    await jobs.run("xxx")
    (told,) = jobs.mail.accepted
    assert {header(message, "Message-ID") for _, message in jobs.mail.tried} == {header(told[1], "Message-ID")}


async def test_no_address_and_no_word_of_a_server_is_on_the_branch(jobs: Jobs) -> None:
    jobs.mail.script = "gg"
    await jobs.run("xxx")
    for name in ("prober.db", "status.json", "README.md"):
        content = jobs.file(name)
        assert OPS.encode() not in content
        assert b"acme.example" not in content
        assert b"out of order" not in content
        assert b"come again" not in content


async def test_maintenance_is_on_the_branch_but_not_why(jobs: Jobs) -> None:
    planned = Maintenance(start_ms=T0 - FIVE_MIN_MS, duration_ms=10 * FIVE_MIN_MS, reason="the secret move")
    jobs.configure(maintenance=(planned,))
    for _ in range(2):
        await jobs.run(".")
        jobs.clock.set_by_ms += FIVE_MIN_MS
    (shown,) = jobs.status()["probes"]
    assert (shown["state"], shown["maintenance"]["reason"]) == ("maintenance", None)
    assert b"maintenance until" in jobs.file("README.md")
    for name in ("prober.db", "status.json", "README.md"):
        assert b"secret move" not in jobs.file(name)
    jobs.configure(maintenance=())
    await jobs.run(".")
    (shown,) = jobs.status()["probes"]
    assert (shown["state"], shown["windows"]["24h"]["coverage_percent"]) == ("up", 100)


async def test_a_resident_job_goes_on_at_the_interval_until_its_deadline(jobs: Jobs) -> None:
    jobs.configure(probes=(probe(interval_ms=300, timeout_ms=100),))
    outcome = await jobs.run("." * 9, residence="always", deadline_ms=1_050)
    assert 3 <= len(outcome.report.results) <= 4
    short = await jobs.run("." * 9, deadline_ms=1_050)
    assert len(short.report.results) <= 1


async def test_a_drill_sends_a_marked_mail_to_everyone_through_the_branch(jobs: Jobs) -> None:
    jobs.configure(channels=(channel(OPS, CHIEF),))
    await jobs.run(".", is_drill=True)
    assert sorted(to for to, _ in jobs.mail.accepted) == [CHIEF, OPS]
    assert all("test" in subject.lower() for subject in jobs.mail.subjects())
    await later(jobs, ".")
    assert len(jobs.mail.accepted) == 2


async def test_a_state_that_cannot_be_read_is_kept_aside_and_told(jobs: Jobs) -> None:
    await jobs.run(".")
    jobs.put(b"this is no database")
    jobs.clock.set_by_ms += FIVE_MIN_MS
    outcome = await jobs.run(".")
    assert (outcome.is_whole, outcome.fault) == (False, None)
    assert sorted(jobs.branches()) == [BRANCH, f"{BRANCH}-corrupt-2.1"]
    assert git(jobs.remote, "cat-file", "blob", f"{BRANCH}-corrupt-2.1:prober.db") == b"this is no database"
    (subject,) = jobs.mail.subjects()
    assert "store" in subject.lower()
    assert await later(jobs, ".") == []


async def test_a_state_of_a_newer_version_is_left_alone_and_alerts_still_go_out(jobs: Jobs) -> None:
    await jobs.run(".")
    jobs.put(of_tomorrow(jobs.file("prober.db")))
    before = git(jobs.remote, "rev-parse", BRANCH)
    jobs.clock.set_by_ms += FIVE_MIN_MS
    outcome = await jobs.run("xxx")
    assert "newer version" in (outcome.fault or "")
    assert git(jobs.remote, "rev-parse", BRANCH) == before
    ((_, mail),) = jobs.mail.accepted
    assert b"repeat" in mail


async def test_who_was_told_according_to_a_newer_version_is_told_of_the_end_and_not_of_the_beginning_again(
    jobs: Jobs,
) -> None:
    await jobs.run("xxx")
    jobs.put(of_tomorrow(jobs.file("prober.db")))
    assert await later(jobs, "xxx") == []
    (end,) = await later(jobs, "..")
    assert end.startswith("[UP after")


async def test_where_nothing_can_be_saved_the_alert_goes_out_marked(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_pushes(monkeypatch)
    outcome = await jobs.run("xxx")
    assert "no way there" in (outcome.fault or "")
    ((_, mail),) = jobs.mail.accepted
    assert b"repeat" in mail


async def test_where_nothing_can_be_fetched_checks_go_on_and_the_state_is_saved_later(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.run(".")
    fetch, broken = StateBranch.fetch, [True]

    async def fail_once(self: StateBranch) -> object:
        if broken and broken.pop():
            raise GitError("no way there")
        return await fetch(self)

    monkeypatch.setattr(StateBranch, "fetch", fail_once)
    jobs.clock.set_by_ms += FIVE_MIN_MS
    outcome = await jobs.run("xxx")
    assert (outcome.fault, len(jobs.mail.accepted)) == (None, 1)
    assert jobs.status()["probes"][0]["windows"]["24h"]["checks"]["total"] == 4


async def test_two_jobs_at_once_keep_every_check_of_both(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    await jobs.run(".")
    push, pushes = StateBranch.push, iter("r")

    async def push_second(self: StateBranch, *arguments: object, **named: object) -> str:
        if next(pushes, "") == "r":
            jobs.clock.set_by_ms += FIVE_MIN_MS
            await jobs.run("x")
        return await push(self, *arguments, **named)  # type: ignore[arg-type]

    jobs.configure(probes=(probe(),))
    monkeypatch.setattr(StateBranch, "push", push_second)
    jobs.clock.set_by_ms += FIVE_MIN_MS
    outcome = await jobs.run("x")
    assert outcome.fault is None
    assert jobs.status()["probes"][0]["windows"]["24h"]["checks"]["total"] == 3
    assert jobs.commits() == 1


async def test_where_no_state_can_be_kept_a_run_stays_for_the_verdict_by_itself(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_pushes(monkeypatch)
    monkeypatch.setattr("prober.app.run.AT_ONCE_MS", 10)
    jobs.configure(probes=(probe(),))
    await jobs.run("xxx")
    assert len(jobs.mail.accepted) == 1


async def test_a_fetch_that_fails_once_is_tried_again_and_nothing_is_told_twice(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.run("xxx")
    fetch, troubles = StateBranch.fetch, ["no way there"]

    async def fail_once(self: StateBranch) -> object:
        if troubles:
            raise GitError(troubles.pop())
        return await fetch(self)

    monkeypatch.setattr(StateBranch, "fetch", fail_once)
    assert await later(jobs, "xxx") == []


async def test_an_alert_that_only_both_runs_together_cause_is_sent_by_the_later_one(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    push, pushes = StateBranch.push, iter("r")

    async def push_second(self: StateBranch, *arguments: object, **named: object) -> str:
        if next(pushes, "") == "r":
            jobs.clock.set_by_ms += FIVE_MIN_MS
            await jobs.run("x")
        return await push(self, *arguments, **named)  # type: ignore[arg-type]

    jobs.configure(probes=(probe(),))
    await later(jobs, "x")
    monkeypatch.setattr(StateBranch, "push", push_second)
    assert len(await later(jobs, "x")) == 1
    assert jobs.status()["undelivered_alerts"] == 0


async def test_the_ledger_says_when_each_job_started_and_for_which_slot(jobs: Jobs) -> None:
    for _ in range(3):
        await later(jobs, ".")
    with closing(open_in_memory(now_ms=0)) as store:
        store.connection.deserialize(jobs.file("prober.db"))
        rows = all_runs(store, "here", 0)
    assert [row.run for row in rows] == ["1.1", "2.1", "3.1"]
    assert all(row.trigger == "schedule" and row.ended_at_ms for row in rows)
    slots = [row.planned_at_ms for row in rows]
    late_ms = [row.started_at_ms - (slot or 0) for slot, row in zip(slots, rows, strict=True)]
    assert all(0 <= each < FIVE_MIN_MS for each in late_ms)


async def test_a_probe_keeps_its_state_when_the_key_changes_and_everybody_is_told_of_the_end(jobs: Jobs) -> None:
    jobs.configure(channels=(channel(OPS, CHIEF),))
    await jobs.run("xxx")
    jobs.clock.set_by_ms += FIVE_MIN_MS
    outcome = await jobs.run("..", key=b"another secret")
    assert outcome.report.states["api"].state is State.UP
    ends = [to for to, message in jobs.mail.accepted if header(message, "Subject").startswith("[UP after")]
    assert sorted(ends) == [CHIEF, OPS]
