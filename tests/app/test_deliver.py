"""Every alert is tried until a server takes it: in order, in few mails, and repeated only as it was."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.adapters.store import outbox
from prober.app.compose import list_id
from prober.app.deliver import Delivery
from prober.core.model import Policy
from tests.app.world import CHIEF, HERE, OPS, QUICK, Lines, World, channel, probe
from tests.fakes import header, jumping_time
from tests.render.mails import parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio
MIN = 60


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


@pytest.fixture
def world(world: World) -> World:
    world.configure(probe(policy=QUICK))
    return world


def numbered(count: int) -> list[str]:
    return [f"p{n}" for n in range(count)]


async def fall(world: World, ids: Sequence[str]) -> None:
    """Let some probes fail for the first time."""
    await world.run("x", [each for each in world.config.probes if each.id in ids], covers_all=False)


async def run_while_the_first_alert_is_dropped(world: World) -> None:
    async def drop() -> None:
        await anyio.sleep(5)
        with closing(world.open()) as store, store.transaction():
            assert outbox.drop(store, 1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drop)
        await world.run("x")


async def deliver(world: World, seconds: float) -> Delivery:
    """Deliver for a while, as a process does that stays."""
    with closing(world.books()) as books:
        delivery = Delivery(
            books=books,
            channels=world.config.channels,
            clock=world.clock,
            open_session=world.mail.open,
            owner=HERE.owner,
            location="here",
        )
        with anyio.move_on_after(seconds):
            await delivery.run()
    return delivery


async def test_a_refused_alert_is_tried_again_and_again_until_it_is_accepted(world: World) -> None:
    world.mail.script = "g" * 9
    await world.run("x")
    await deliver(world, 3600)
    at_s = world.mail.tried_at_s
    for wait_s, base in zip(
        (after - before for before, after in pairwise(at_s)), (10, 30, 60, 120, 300, 600, 600, 600, 600), strict=True
    ):
        assert 0.8 * base - 1 <= wait_s <= 1.2 * base + 1
    assert (len(world.mail.accepted), world.waiting()) == (1, [])


async def test_a_process_that_stays_tries_by_itself_when_it_is_time(world: World) -> None:
    world.mail.script = "ggg"
    await world.run("x")
    delivery = await deliver(world, 5 * MIN)
    assert (len(world.mail.tried), len(world.mail.accepted), delivery.accepted) == (4, 1, 1)


async def test_what_falls_due_while_another_mail_takes_long_is_not_forgotten(world: World) -> None:
    world.configure(probe(policy=QUICK), channels=(channel(OPS, CHIEF),))
    world.mail.script = "gg"
    await world.run("x")
    await anyio.sleep(60)
    world.mail.script, world.mail.takes_s = "la", 60
    begun_s = anyio.current_time()
    await deliver(world, 10 * MIN)
    assert len(world.mail.accepted) == 2
    assert max(world.mail.tried_at_s) - begun_s < 5 * MIN


async def test_a_permanent_refusal_is_shown_tried_hourly_and_never_dropped(world: World) -> None:
    world.mail.script = "pp"
    await world.run("x")
    await deliver(world, 47 * MIN)
    assert len(world.mail.tried) == 1
    report = await world.run("x", probes=())
    (refusal,) = report.refusals
    assert refusal.startswith(f"{OPS}: not tried now, next try at 15:")
    assert refusal.endswith("; the last time: 550 5.1.1 never heard of")
    await deliver(world, 30 * MIN)
    assert (len(world.mail.tried), world.waiting()[0].is_permanent) == (2, True)
    await deliver(world, 75 * MIN)
    assert (len(world.mail.accepted), world.waiting()) == (1, [])


async def test_a_mail_whose_fate_is_unknown_is_repeated_byte_by_byte_and_its_recovery_follows(world: World) -> None:
    world.mail.script = "u"
    await world.run("x")
    await anyio.sleep(5 * MIN)
    world.configure(channels=(channel(OPS, sender="changed@acme.example"),))
    await world.run(".")
    (_, down), (_, again), (_, up) = world.mail.accepted
    assert down == again
    assert header(up, "Subject") == "[UP after 5m00s] api: status 503 (inc 1)" or header(up, "Subject").startswith(
        "[UP"
    )
    assert header(up, "In-Reply-To") == header(down, "Message-ID") == header(up, "References")


@pytest.mark.parametrize("script", ["uuuu", "llll", "uuug"])
async def test_a_recovery_never_overtakes_a_beginning_whose_fate_is_unknown(world: World, script: str) -> None:
    world.mail.script = script
    await world.run("x")
    for _ in range(3):
        await anyio.sleep(MIN + 20)
        await world.run("x")
    await world.run(".")
    await anyio.sleep(1)
    await world.run(".")
    await anyio.sleep(12 * MIN)
    await world.run(".")
    kinds = [subject[:3] for subject in world.mail.subjects()]
    assert kinds == sorted(kinds)
    assert kinds[-2:] == ["[DO", "[UP"]
    assert len({mail for _, mail in world.mail.tried[:-1]}) == 1


async def test_a_beginning_that_is_refused_when_its_recovery_is_recorded_already_goes_first(world: World) -> None:
    pending = probe("pending", recheck_ms=2_000)
    world.configure(probe(policy=QUICK, interval_ms=2_000, timeout_ms=500), pending)
    world.mail.script, world.mail.takes_s = "g", 5
    await world.run({"api": "x.", "pending": "xx."})
    assert [row.state for row in world.waiting()] == ["queued", "queued"]
    await anyio.sleep(MIN)
    await world.run(".")
    assert [subject[:3] for subject in world.mail.subjects()] == ["[DO", "[UP"]


async def test_a_beginning_and_the_recovery_that_waited_for_it_go_out_in_one_run(world: World) -> None:
    world.mail.script = "llll"
    await world.run("x")
    for _ in range(3):
        await anyio.sleep(80)
        await world.run("x")
    await world.run(".")
    assert world.mail.accepted == []
    await anyio.sleep(3 * MIN)
    report = await world.run(probes=[])
    assert [subject[:3] for subject in world.mail.subjects()] == ["[DO", "[UP"]
    assert (report.accepted, report.undelivered) == (2, 0)


async def test_a_recovery_never_overtakes_the_batch_that_tells_of_the_beginning(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(4)))
    world.mail.script = "l"
    await world.run("x")
    await world.run(dict.fromkeys(numbered(3), "x"))
    assert world.mail.accepted == []
    await anyio.sleep(MIN)
    await world.run(dict.fromkeys(numbered(3), "x"))
    assert [subject[:4] for subject in world.mail.subjects()] == ["[DOW", "[UP "]


async def test_a_recovery_is_threaded_to_the_mail_by_which_this_recipient_first_heard(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF),))
    await world.runs("x.")
    first: dict[str, str] = {}
    for to, mail in world.mail.accepted:
        assert header(mail, "In-Reply-To") == first.setdefault(to, "")
        first[to] = first[to] or header(mail, "Message-ID")
    assert len(set(first.values())) == len(world.mail.accepted) / 2 == 2


async def test_a_recovery_is_threaded_to_the_batch_that_told_of_the_beginning(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(4)))
    await world.run("x")
    await world.run(dict.fromkeys(numbered(3), "x"))
    (_, batch), (_, up) = world.mail.accepted
    assert header(batch, "X-Prober-Event") == "several"
    assert header(up, "Subject").startswith("[UP after")
    assert header(up, "In-Reply-To") == header(batch, "Message-ID")


async def test_a_mail_that_tells_of_beginning_and_end_answers_to_none(world: World) -> None:
    world.mail.script = "g"
    await world.runs("x.")
    (_, mail) = world.mail.accepted[-1]
    assert "alert delayed" in header(mail, "Subject")
    assert header(mail, "In-Reply-To") == ""


async def test_three_alerts_are_three_mails_and_four_are_one(world: World) -> None:
    for count, mails in ((3, 3), (4, 1), (9, 1)):
        world.mail.accepted.clear()
        world.configure(*(probe(f"{count}-{n}", policy=QUICK) for n in range(count)))
        await anyio.sleep(2 * MIN)
        await world.run("x", covers_all=False)
        assert len(world.mail.accepted) == mails


async def test_a_batch_is_fixed_before_it_is_sent_and_repeated_as_it_is(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(9)))
    world.mail.script = "u"
    await fall(world, numbered(5))
    await fall(world, numbered(9))
    await anyio.sleep(MIN)
    await world.run(probes=[])
    tried = [mail for _, mail in world.mail.tried]
    assert len(tried) == 3
    assert tried[0] == tried[2]
    assert [header(mail, "Subject") for mail in tried[:2]] == [
        "[DOWN 5] p0, p1, p2 +2 (batch 6)",
        "[DOWN 4] p5, p6, p7 +1 (batch 11)",
    ]


async def test_after_three_within_a_minute_the_next_come_together_when_it_is_over(world: World) -> None:
    falling = [probe(each, policy=QUICK, interval_ms=2_000, timeout_ms=500) for each in numbered(8)]
    pending = probe("pending", policy=Policy(failures=99), recheck_ms=2_000, timeout_ms=500)
    world.configure(*falling, pending)
    lines = Lines()
    scripts = {each: "." * n + "x" * 99 for n, each in enumerate(numbered(8))} | {"pending": "x" * 35}
    await world.run(scripts, journal=lines.journal())
    assert [line for line in lines.lines if "held" in line] == [
        f"alerts to {OPS} held until 14:14:20 UTC, to go together: 3 were sent within a minute"
    ]
    assert [subject.split("]")[0] for subject in world.mail.subjects()] == ["[DOWN P1"] * 3 + ["[DOWN 5"]
    assert [round(at_s) for at_s in world.mail.tried_at_s] == [0, 2, 4, 60]


async def test_the_end_of_a_run_holds_nothing_back(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(5)))
    await fall(world, numbered(3))
    await fall(world, numbered(5))
    assert [subject.split("]")[0] for subject in world.mail.subjects()] == ["[DOWN P1"] * 3 + ["[DOWN 2"]


async def test_one_connection_serves_all_mails_of_a_pass(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(3)), channels=(channel(OPS, CHIEF),))
    await world.run("x")
    assert (len(world.mail.accepted), world.mail.sessions) == (6, 1)


async def test_a_refused_recipient_keeps_nothing_from_the_others(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF),))
    world.mail.script = "p"
    await world.run("x")
    assert [to for to, _ in world.mail.accepted] == [OPS]
    assert [row.recipient for row in world.waiting()] == [CHIEF]


async def test_a_mail_that_could_first_be_tried_late_says_so(world: World) -> None:
    world.configure(probe("first", policy=QUICK), probe("late", policy=QUICK))
    world.mail.takes_s = 1e9
    with anyio.move_on_after(60):
        await world.run("x")
    world.mail.takes_s = 0
    await anyio.sleep(11 * MIN + 1)
    await world.run(probes=[])
    first, late = (parsed(mail).text for _, mail in world.mail.accepted)
    assert "queued" not in first
    assert "queued 12 min" in late


async def test_what_a_dead_process_was_sending_is_taken_over_at_once_as_it_was(world: World) -> None:
    world.mail.takes_s = 1e9
    with anyio.move_on_after(60):
        await world.run("x")
    assert [row.state for row in world.waiting()] == ["sending"]
    world.mail.takes_s = 0
    await world.run(probes=[])
    (_, first), (_, second) = world.mail.tried
    assert first == second
    assert [row.fate for row in world.rows()] == ["unknown"]


async def test_what_was_interrupted_before_any_content_went_out_was_surely_not_accepted(world: World) -> None:
    world.mail.takes_s, world.mail.content_left = 1e9, False
    with anyio.move_on_after(60):
        await world.run("x")
    assert [(row.state, row.fate) for row in world.waiting()] == [("queued", "refused")]
    world.mail.takes_s = 0
    await world.run(".", probes=[])
    assert len(world.mail.accepted) == 1


async def test_an_alert_that_is_dropped_while_it_is_sent_counts_as_sent_if_it_was_accepted(world: World) -> None:
    world.mail.takes_s = 10
    await run_while_the_first_alert_is_dropped(world)
    assert [row.state for row in world.rows()] == ["sent"]


async def test_an_alert_dropped_before_its_turn_is_not_sent(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF),))
    world.mail.takes_s = 10
    await run_while_the_first_alert_is_dropped(world)
    assert [to for to, _ in world.mail.tried] == [CHIEF]


async def test_rows_of_a_channel_that_is_gone_are_left_alone(world: World) -> None:
    world.mail.script = "g"
    await world.run("x")
    world.configure(channels=(channel(CHIEF, id="other"),))
    await deliver(world, 10 * MIN)
    assert len(world.mail.tried) == 1


async def test_facts_that_cannot_be_read_are_mailed_as_they_are(world: World) -> None:
    world.mail.script = "g"
    await world.run("x")
    with closing(world.open()) as store:
        store.write("""UPDATE outbox SET facts = '{"kind":"of a newer version"}', frozen = NULL""")
    await anyio.sleep(MIN)
    await world.run(probes=[])
    (_, mail) = world.mail.accepted[0]
    assert "of a newer version" in parsed(mail).text


async def test_a_batch_that_nobody_got_is_undone_when_an_incident_of_it_ends(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(5)))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(5)
    await world.run({"p0": "."} | dict.fromkeys(numbered(5)[1:], "x"))
    (mail,) = world.mail.accepted
    seen = parsed(mail[1])
    assert seen["Subject"].startswith("[DOWN 4, UP 1]")
    assert "stands for both" in seen.text
    assert sorted(row.state for row in world.rows()) == ["batched"] * 5 + ["closed", "merged", "sent"]


async def test_when_all_of_a_batch_is_over_one_mail_tells_both(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(5)))
    world.mail.script = "g"
    await world.run("x")
    await anyio.sleep(5)
    await world.run(".")
    assert [subject.split("]")[0] for subject in world.mail.subjects()] == ["[UP 5"]


async def test_a_batch_answers_the_mail_in_which_its_reader_first_heard_of_one_of_its_incidents(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(5)))
    await world.run("x")
    await anyio.sleep(2 * MIN)
    await world.run(".")
    first, second = (mail for _, mail in world.mail.accepted)
    assert header(first, "In-Reply-To") == ""
    assert header(second, "In-Reply-To") == header(first, "Message-ID") != ""


async def test_a_batch_names_what_is_down_first_and_says_what_connectivity_said(world: World) -> None:
    world.configure(*(probe(each, policy=QUICK) for each in numbered(6)), probe("other", policy=QUICK))
    await fall(world, ["p0", "p1", "other"])
    await anyio.sleep(2 * MIN)
    await world.run({"p0": ".", "p1": ".", "other": "x"} | dict.fromkeys(numbered(6)[2:], "x"))
    seen = parsed(world.mail.accepted[-1][1])
    assert seen["Subject"].startswith("[DOWN 4, UP 2] p2, ")
    assert "other" in seen.text
    assert "not configured" in seen.text


async def test_who_was_taken_off_the_list_gets_nothing_more(world: World) -> None:
    world.configure(channels=(channel(OPS, CHIEF),))
    world.mail.script = "gg"
    await world.run("x")
    world.configure(channels=(channel(CHIEF),))
    await anyio.sleep(2 * MIN)
    report = await world.run("x")
    assert [to for to, _ in world.mail.accepted] == [CHIEF]
    assert [each.recipient for each in report.closed] == [OPS]


async def test_all_mails_of_a_place_share_a_list_id_that_a_filter_can_name() -> None:
    assert list_id("Web 1.acme", channel()) == "<web-1-acme.prober.acme.example>"
    assert list_id("\u2603", channel()) == "<here.prober.acme.example>"
