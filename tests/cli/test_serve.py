"""``prober serve`` as a process: started, told things by signals, killed, and started again."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING

import pytest

from tests.app.test_books import locked
from tests.cli.conftest import email
from tests.cli.process import run_process, started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

QUICK = 'interval = "1s"\ntimeout = "800ms"\nfailures = 2\nrecoveries = 1'


def wait_for(is_so: Callable[[], object], within_s: float = 45) -> None:
    """Wait until something is so: real processes take real time."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it did not come to be so"
        time.sleep(0.05)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the service and wait until it has a store."""
    with started(folder, *arguments, "serve") as process:
        wait_for(lambda: (folder / "prober.db").exists() and status(folder)["last_round_at"])
        yield process


def status(folder: Path) -> dict[str, object]:
    shown: dict[str, object] = json.loads(run_process(folder, "status", "--json").stdout)
    return shown


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=15)
    return process.returncode, said


def subjects(smtp: SmtpServer) -> list[str]:
    return [mail.content.decode().partition("Subject: ")[2].splitlines()[0] for mail in smtp.mails]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_outage_is_mailed_and_a_signal_ends_the_service_with_zero(
    configure: Configure, web: Web, smtp: SmtpServer, number: signal.Signals
) -> None:
    configure.with_mail(smtp, probe=QUICK)
    with serving(configure.folder) as process:
        web.break_down()
        wait_for(lambda: smtp.mails)
        web.heal()
        wait_for(lambda: len(smtp.mails) == 2)
        process.send_signal(number)
        code, said = ended(process)
    assert (code, "Traceback" in said) == (0, False)
    assert [subject.split()[0] for subject in subjects(smtp)] == ["[DOWN", "[UP"]
    assert "down opened: api: status 503" in said
    assert status(configure.folder)["undelivered_alerts"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_zero_also_while_it_waits_for_its_store(
    configure: Configure, number: signal.Signals
) -> None:
    configure(probe='interval = "1m"')
    run_process(configure.folder, "run")
    with locked(configure.folder / "prober.db", "EXCLUSIVE"), started(configure.folder, "serve") as process:
        wait_for(lambda: "serve" in (configure.folder / "prober.db.lock").read_text())
        process.send_signal(number)
        code, said = ended(process)
    assert code == 0
    assert f"{number.name}: stopping before anything was checked" in said


def test_a_reload_that_is_asked_for_while_it_waits_for_its_store_is_made_after_that(configure: Configure) -> None:
    configure(probe='interval = "1m"')
    run_process(configure.folder, "run")
    with started(configure.folder, "serve") as process:
        with locked(configure.folder / "prober.db", "EXCLUSIVE"):
            wait_for(lambda: "serve" in (configure.folder / "prober.db.lock").read_text())
            process.send_signal(signal.SIGHUP)
        assert process.stderr
        heard = list(takewhile(lambda line: "reloaded: nothing changed" not in line, process.stderr))
        process.terminate()
        code, _ = ended(process)
    assert code == 0
    assert [line for line in heard if "SIGHUP: reading the configuration anew" in line]


def test_beside_a_running_service_a_run_checks_nothing_and_reading_works(configure: Configure, web: Web) -> None:
    configure(probe='interval = "1m"')
    with started(configure.folder, "serve"):
        wait_for((configure.folder / "prober.db").exists)
        ran = run_process(configure.folder, "run")
        second = run_process(configure.folder, "serve")
        assert run_process(configure.folder, "incidents", "list").returncode == 0
    assert (ran.returncode, "the service is running" in ran.stderr) == (0, True)
    assert (second.returncode, "the service is running" in second.stderr) == (0, True)
    assert web.requests == []


def test_what_a_killed_service_left_is_taken_up_by_the_next(configure: Configure, web: Web, smtp: SmtpServer) -> None:
    path = configure(email(1), probe=QUICK)
    with serving(configure.folder) as process:
        web.break_down()
        wait_for(lambda: status(configure.folder)["undelivered_alerts"] == 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    path.write_text(path.read_text().replace("port = 1\n", f"port = {smtp.port}\n"))
    with started(configure.folder, "serve"):
        wait_for(lambda: smtp.mails)
    assert subjects(smtp)[0].startswith("[DOWN P1] api: status 503")


def test_a_reload_is_taken_or_refused_and_status_says_so(configure: Configure) -> None:
    path = configure(probe=QUICK)
    valid = path.read_text()
    with serving(configure.folder) as process:
        path.write_text(valid + '\n[probe.web]\nurl = "x"\ntimeot = "1s"\n')
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        refused = run_process(configure.folder, "status")
        assert (refused.returncode, 'unknown key "timeot"' in refused.stderr) == (3, True)
        path.write_text(valid)
        assert "the old configuration is in force" in str(status(configure.folder)["notices"])
        assert "the old configuration is in force" in run_process(configure.folder, "status").stdout
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: not status(configure.folder)["notices"])
        process.terminate()
        code, said = ended(process)
    assert code == 0
    assert 'unknown key "timeot"' in said
    assert 'did you mean "timeout"' in said


def test_systemd_is_told_that_it_is_ready_that_it_lives_and_that_it_stops(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(probe=QUICK)
    address = configure.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(15)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        with started(configure.folder, "serve") as process:
            first = manager.recv(4096).decode()
            assert (configure.folder / "prober.db").exists()
            heard = [first]
            while "WATCHDOG=1" not in heard:
                heard.append(manager.recv(4096).decode())
            process.terminate()
            while "STOPPING=1" not in heard:
                heard.append(manager.recv(4096).decode())
            assert ended(process)[0] == 0
    assert first.startswith("READY=1\nSTATUS=")


def is_silent(manager: socket.socket, *, within_messages: int) -> bool:
    """Say whether a manager hears nothing more, after what was on its way."""
    for _ in range(within_messages):
        try:
            manager.recv(4096)
        except TimeoutError:
            return True
    return False


BLOCKS = """
import os, time
import prober.app.round as rounds
check = rounds.Rounds.check
async def check_or_block(self, probe):
    while os.path.exists("block"):
        time.sleep(0.1)
    return await check(self, probe)
rounds.Rounds.check = check_or_block
from prober.__main__ import main
main()
"""


def test_a_service_whose_event_loop_is_blocked_does_not_feed_the_watchdog(
    configure: Configure, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure.with_mail(smtp, probe=QUICK)
    address = configure.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        with started(configure.folder, "serve", program=(sys.executable, "-c", BLOCKS)) as process:
            manager.settimeout(15)
            while manager.recv(4096) != b"WATCHDOG=1":
                pass
            (configure.folder / "block").touch()
            manager.settimeout(2.5)
            assert is_silent(manager, within_messages=9)
            process.kill()
        web.break_down()
        (configure.folder / "block").unlink()
        with started(configure.folder, "serve"):
            wait_for(lambda: smtp.mails)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [('[probe.api]\nurl = "nonsense"', 3, "probes.toml:2:7: error"), ("", 3, "there is no probe")],
    ids=["invalid", "empty"],
)
def test_an_invalid_configuration_stops_it_before_anything_is_made(
    folder: Path, text: str, code: int, says: str
) -> None:
    (folder / "probes.toml").write_text(text)
    done = run_process(folder, "serve")
    assert (done.returncode, says in done.stderr) == (code, True)
    assert {each.name for each in folder.iterdir()} == {".git", "probes.toml"}


def test_a_store_of_other_probes_is_refused_unless_it_is_adopted(configure: Configure) -> None:
    path = configure()
    run_process(configure.folder, "run")
    path.write_text(path.read_text().replace("[probe.api]", "[probe.other]"))
    refused = run_process(configure.folder, "serve")
    assert (refused.returncode, "--adopt" in refused.stderr) == (3, True)
    with started(configure.folder, "serve", "--adopt") as process:
        wait_for(lambda: status(configure.folder)["probes"])
        time.sleep(0.5)
        assert process.poll() is None
