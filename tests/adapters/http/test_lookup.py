"""Lookups run in threads that nobody waits for."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import Any

import anyio
import anyio.to_thread
import pytest

from prober.adapters.http.lookup import ThreadedLookup

pytestmark = pytest.mark.anyio

HANGING = """
import anyio, socket, time
from prober.adapters.http.lookup import ThreadedLookup
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
async def main():
    with anyio.move_on_after(0.1):
        await ThreadedLookup()("hangs.example")
anyio.run(main)
"""


async def test_localhost_is_found_with_the_time_it_took() -> None:
    lookup = ThreadedLookup()
    answer = await lookup("localhost")
    lookup.close()
    assert "127.0.0.1" in answer.addresses
    assert len(set(answer.addresses)) == len(answer.addresses)
    assert 0 < answer.took_ns < 10**9


@pytest.mark.parametrize("name", ["nowhere.example", "a..b", "x" * 70 + ".example"])
async def test_a_name_that_is_not_found_raises(name: str) -> None:
    lookup = ThreadedLookup()
    with pytest.raises((OSError, UnicodeError)):
        await lookup(name)
    lookup.close()


async def test_a_hung_lookup_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    real = socket.getaddrinfo

    def slow(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "hangs.example":
            let_go.wait(10)
        return real("localhost", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    lookup = ThreadedLookup()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(lookup, "hangs.example")
        await anyio.sleep(0.05)
        with anyio.fail_after(2):
            answers = [await lookup("quick.example") for _ in range(5)]
        let_go.set()
    lookup.close()
    assert all(answer.addresses for answer in answers)


async def test_idle_threads_are_used_again_and_end_with_the_lookup() -> None:
    older = threading.enumerate()
    lookup = ThreadedLookup()
    for _ in range(5):
        await lookup("localhost")
    assert len(set(threading.enumerate()) - set(older)) <= 2
    lookup.close()
    for thread in threading.enumerate():
        if thread.name == "prober-lookup" and thread not in older:
            await anyio.to_thread.run_sync(thread.join, 5)
            assert not thread.is_alive()


async def test_beyond_the_most_threads_names_wait_their_turn() -> None:
    lookup = ThreadedLookup(threads=1)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(lookup, "localhost")
    lookup.close()


def test_a_hung_lookup_does_not_delay_the_exit() -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=20)
    assert time.monotonic() - began < 10
