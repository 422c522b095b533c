"""A signal leaves seconds, whenever it comes, and never ends the process by itself."""

from __future__ import annotations

import os
import signal

import anyio
import anyio.lowlevel
import pytest

from prober.app.actions.interruption import Interruption

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_what_lasts_when_the_signal_comes_is_cut_short(number: signal.Signals) -> None:
    interruption = Interruption()
    async with interruption.watched():
        with interruption.bounding(0.05) as scope:
            os.kill(os.getpid(), number)
            await anyio.sleep(20)
        assert scope.cancelled_caught
    assert (interruption.number, interruption.asked.is_set()) == (number, True)


async def test_what_begins_after_the_signal_has_what_is_left_of_its_time() -> None:
    interruption = Interruption()
    async with interruption.watched():
        os.kill(os.getpid(), signal.SIGINT)
        await interruption.asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await anyio.sleep(0.05)
        with interruption.bounding(0.01) as over:
            await anyio.sleep(20)
        with interruption.bounding(60) as ample:
            await anyio.lowlevel.checkpoint()
    assert (over.cancelled_caught, ample.cancelled_caught) == (True, False)
    assert interruption.number is signal.SIGINT, "the first one counts"


async def test_without_a_signal_everything_has_its_time() -> None:
    interruption = Interruption()
    async with interruption.watched():
        with interruption.bounding(0) as scope:
            await anyio.sleep(0.01)
    assert (scope.cancelled_caught, interruption.number) == (False, None)
