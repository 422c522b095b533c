"""Processes behind UptimeRobot: the service as it lives through a takeover, and looks that never come back."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cli.process import started
from tests.cli.test_serve import ended, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    import pytest

    from tests.cli.behind import Behind

QUICK = 'interval = "1s"\ntimeout = "800ms"\nfailures = 2\nrecoveries = 1'
HOUR_S = 3_600


def alone(behind: Behind, keys: str) -> str:
    """Return a probe that UptimeRobot does not watch, of the service that it watches elsewhere."""
    return f'[probe.alone]\nurl = "{behind.web.url}/alone"\n{keys}'


@contextmanager
def serving(behind: Behind) -> Iterator[subprocess.Popen[str]]:
    """Start the service and wait until it has checked and looked."""
    with started(behind.folder, "serve") as process:
        wait_for(lambda: behind.looks() and (behind.folder / "prober.db").exists() and behind.status()["last_round_at"])
        yield process


def test_the_service_holds_tells_and_hands_back(behind: Behind) -> None:
    behind.use(probe=QUICK)
    with serving(behind) as process:
        behind.web.break_down()
        wait_for(behind.incidents)
        seen = behind.looks()
        wait_for(lambda: behind.looks() > seen)
        assert behind.subjects() == []
        behind.account.go_stale(HOUR_S)
        wait_for(lambda: len(behind.smtp.mails) == 2)
        behind.account.go_stale(60)
        wait_for(lambda: len(behind.smtp.mails) == 3)
        process.terminate()
        code, said = ended(process)
    assert (code, "Traceback" in said) == (0, False)
    assert [each.split(":")[0] for each in behind.subjects()] == [
        "[PROBER] UptimeRobot silent",
        "[DOWN P1] api",
        "[PROBER] UptimeRobot is back",
    ]
    assert "standing in: all probes (stale)" in said
    assert "standing by: all probes (watching)" in said


def test_a_reload_without_standby_tells_what_was_held(behind: Behind) -> None:
    behind.use(probe=QUICK)
    with serving(behind) as process:
        behind.web.break_down()
        wait_for(behind.incidents)
        assert behind.subjects() == []
        behind.use(probe=QUICK, standby="")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: behind.smtp.mails)
        looks = behind.looks()
        wait_for(lambda: len(behind.web.requests) > 3)
        process.terminate()
        ended(process)
    assert behind.subjects()[0].startswith("[DOWN P1] api")
    assert behind.looks() - looks <= 1


def test_a_look_that_hangs_starves_no_watchdog_and_delays_no_alert(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind.use(alone(behind, QUICK), probe=QUICK)
    address = behind.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(3)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        with serving(behind) as process:
            behind.account.mood = "hanging"
            seen = behind.looks()
            wait_for(lambda: behind.looks() > seen)
            heard = [manager.recv(4096) for _ in range(6)]
            behind.web.break_down()
            wait_for(lambda: behind.smtp.mails)
            assert behind.looks() == seen + 1
            process.terminate()
            assert ended(process)[0] == 0
    assert heard.count(b"WATCHDOG=1") > 1
    assert [each.split(":")[0] for each in behind.subjects()] == ["[DOWN P1] alone"]


def test_a_run_mails_what_nobody_else_watches_while_its_look_still_hangs_and_then_ends(behind: Behind) -> None:
    behind.use(alone(behind, "failures = 1"))
    assert (behind.run().code, behind.looks()) == (0, 1)
    behind.later.passed_ms = 0
    time.sleep(1)
    behind.account.mood = "hanging"
    behind.web.break_down()
    with started(behind.folder, "run", "--deadline", "6s") as process:
        wait_for(lambda: behind.smtp.mails)
        assert (behind.looks(), process.poll()) == (2, None)
        code, said = ended(process)
    assert (code, "error" in said) == (0, False)
    assert [each.split(":")[0] for each in behind.subjects()] == ["[DOWN P1] alone"]
