"""Faults of the host, really injected into real runs: alerts still go out, the exit code tells, nothing is lost.

A person's view: a folder with probes.toml and a store that has seen good days, a web service that breaks while the
store cannot be written, and a mail server.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.process import PROGRAM, run_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Configure
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

NOBODY = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all") if os.geteuid() == 0 else ()
)
# No file may grow beyond 4 KiB. What Python compiles must not be kept then: it would cut that off without a word.
SMALL_FILES = ("bash", "-c", 'ulimit -f 4; export PYTHONDONTWRITEBYTECODE=1; exec "$0" "$@"')
# As the program is, but for how long it waits for others.
IMPATIENT = """
import prober.app.books, prober.app.run, prober.__main__
prober.app.books.PATIENCE_S = prober.app.books.OPEN_WITHIN_S = prober.app.run.PATIENCE_S = 0.3
prober.__main__.main()
"""
# What must be caught: the store fails, and there is nothing below it.
CONTROL = """
import prober.app.books, prober.__main__
def give_up(self, error):
    raise error
prober.app.books.Books._stand_in = give_up
prober.__main__.main()
"""


class Watch:
    """A configured folder, and runs in processes of their own."""

    def __init__(self, folder: Path, web: Web, smtp: SmtpServer) -> None:
        self.folder, self.web, self.smtp = folder, web, smtp
        self.path = folder / "store" / "prober.db"
        self.runtime = folder / "runtime"

    def run(
        self, *arguments: str, before: tuple[str, ...] = (), program: tuple[str, ...] = PROGRAM
    ) -> subprocess.CompletedProcess[str]:
        return run_process(
            self.folder,
            *("run", "--db", str(self.path), *arguments),
            program=(*before, *program),
            XDG_RUNTIME_DIR=str(self.runtime),
            HOME=str(self.folder / "home"),
        )

    def run_impatiently(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(*arguments, program=(sys.executable, "-c", IMPATIENT))

    def subjects(self) -> list[str]:
        return [str(message_from_bytes(mail.content)["Subject"]) for mail in self.smtp.mails]

    def texts(self) -> list[str]:
        mails = (message_from_bytes(mail.content, policy=policy.default) for mail in self.smtp.mails)
        return [mail.get_body(("plain",)).get_content() for mail in mails]  # type: ignore[union-attr]

    def history(self) -> dict[str, Any]:
        """Return what the store knows, in a form that is easy to compare."""
        with closing(sqlite3.connect(self.path)) as store:
            return {
                "checks": "".join(
                    {"ok": ".", "failed": "x"}[row[0]]
                    for row in store.execute("SELECT outcome FROM v_results ORDER BY at_ms")
                ),
                "incidents": store.execute("SELECT kind, closed_as FROM incidents ORDER BY number").fetchall(),
                "alerts": store.execute("SELECT kind, state FROM outbox ORDER BY id").fetchall(),
            }


@pytest.fixture
def watch(configure: Configure, web: Web, smtp: SmtpServer) -> Watch:
    configure.with_mail(smtp, probe='interval = "1m"\ntimeout = "2s"')
    watch = Watch(configure.folder, web, smtp)
    watch.path.parent.mkdir()
    assert watch.run().returncode == 0
    return watch


@contextmanager
def locked(path: Path, *, for_s: float = 0) -> Iterator[None]:
    """Hold the store's write lock, until the block ends or for so long."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(for_s, connection.rollback) if for_s else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.join()
        connection.close()


def assert_told_once_and_brought_home(watch: Watch, *, while_broken: str) -> None:
    """Say that an outage, seen in so many checks without a store that works again by now, was told, and its end."""
    assert [each.split(":")[0] for each in watch.subjects()] == ["[DOWN P1] api"]
    watch.web.heal()
    ran = watch.run()
    assert (ran.returncode, ran.stdout.count("+ ok")) == (0, 1), ran.stderr
    assert "an earlier run could not write the store; what was done since 20" in ran.stderr
    assert watch.run().returncode == 0
    assert [each.split(" ")[0] for each in watch.subjects()] == ["[DOWN", "[UP"]
    assert watch.history() == {
        "checks": f".{while_broken}..",
        "incidents": [("down", "recovered")],
        "alerts": [("down", "sent"), ("recovered", "sent")],
    }
    assert list(watch.runtime.glob("prober/*.db")) == []
    reply_to = [message_from_bytes(mail.content)["In-Reply-To"] for mail in watch.smtp.mails]
    assert reply_to == [None, message_from_bytes(watch.smtp.mails[0].content)["Message-ID"]]


def test_a_store_locked_for_ever(watch: Watch) -> None:
    watch.web.break_down()
    with locked(watch.path):
        first, second = watch.run_impatiently(), watch.run_impatiently()
    assert (first.returncode, second.returncode) == (5, 5)
    assert first.stdout.count("x failed") == 3  # a single run finds the verdict by itself
    assert "api is DOWN" in first.stdout
    assert "the store could not be written" in first.stderr
    assert "another process is writing to it: try again, or end that process" in first.stderr
    assert second.stdout.count("x failed") == 1
    assert "This mail may repeat: the store cannot be written since 20" in watch.texts()[0]
    assert str(watch.folder) not in watch.texts()[0]
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


def test_a_store_locked_for_a_second_is_no_trouble(watch: Watch) -> None:
    with locked(watch.path, for_s=1):
        ran = watch.run()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert watch.history()["checks"] == ".."


def test_a_store_locked_for_a_while_has_everything_before_the_run_ends(watch: Watch) -> None:
    watch.web.break_down()
    with locked(watch.path, for_s=8):
        ran = watch.run()
    assert ran.returncode == 0, ran.stderr
    assert "is in it now" in ran.stderr
    assert watch.history() == {
        "checks": ".xxx",
        "incidents": [("down", None)],
        "alerts": [("down", "sent")],
    }
    assert "This mail may repeat" in watch.texts()[0]
    assert list(watch.runtime.glob("prober/*.db")) == []


def test_without_what_stands_in_the_alert_would_be_lost(watch: Watch) -> None:
    watch.web.break_down()
    with locked(watch.path):
        ran = watch.run(program=(sys.executable, "-c", CONTROL))
    assert ran.returncode == 5
    with pytest.raises(AssertionError):
        assert_told_once_and_brought_home(watch, while_broken="xxx")
    assert watch.subjects() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("room", [0, 36], ids=["not a byte left", "room to open, but not to write"])
def test_a_disk_that_is_full(watch: Watch, room: int) -> None:
    watch.web.break_down()
    shutil.copytree(watch.path.parent, watch.folder / "kept")
    place, kept, program = watch.path.parent, watch.folder / "kept", " ".join(PROGRAM)
    script = f"""
    mount -t tmpfs -o size=600k none {place} || exit 77
    cp {kept}/* {place}
    dd if=/dev/zero of={place}/ballast bs=4k 2>/dev/null
    truncate -s -{room}k {place}/ballast
    for n in 1 2; do {program} run --db {watch.path}; echo "exit $?"; done
    cp {place}/prober.db* {kept}
    """
    ran = run_process(watch.folder, script, program=("unshare", "-m", "sh", "-c"), XDG_RUNTIME_DIR=str(watch.runtime))
    if ran.returncode == 77:
        pytest.skip("mounting is not allowed here")
    assert ran.stdout.count("exit 5") == 2, ran.stdout + ran.stderr
    assert "disk" in ran.stderr
    assert "space" in ran.stderr
    for each in kept.iterdir():
        shutil.copy(each, place)
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


def test_where_no_file_may_grow_memory_stands_in_and_the_exit_code_is_what_remains(watch: Watch) -> None:
    watch.web.break_down()
    ran = watch.run(before=SMALL_FILES)
    assert ran.returncode == 5, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.count("x failed") == 3
    assert "What was done is forgotten, as no file could be written anywhere" in ran.stderr
    assert [each.split(":")[0] for each in watch.subjects()] == ["[DOWN P1] api"]
    assert "This mail may repeat" in watch.texts()[0]
    watch.web.heal()
    assert watch.run().returncode == 0
    assert watch.history()["checks"] == ".."


@contextmanager
def immutable(*paths: Path) -> Iterator[None]:
    """Let nobody change these, not even root."""
    done = subprocess.run(["chattr", "+i", *paths], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("chattr does not work here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *paths], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chattr"), reason="needs root and chattr")
def test_a_store_that_nobody_may_change(watch: Watch) -> None:
    watch.web.break_down()
    with immutable(watch.path, watch.path.parent):
        assert [watch.run().returncode for _ in range(2)] == [5, 5]
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_system_that_became_read_only(watch: Watch) -> None:
    watch.web.break_down()
    place, program = watch.path.parent, " ".join(PROGRAM)
    script = f"""
    mount --bind {place} {place} && mount -o remount,bind,ro {place} || exit 77
    for n in 1 2; do {program} run --db {watch.path}; echo "exit $?"; done
    """
    ran = run_process(watch.folder, script, program=("unshare", "-m", "sh", "-c"), XDG_RUNTIME_DIR=str(watch.runtime))
    if ran.returncode == 77:
        pytest.skip("mounting is not allowed here")
    assert ran.stdout.count("exit 5") == 2, ran.stdout + ran.stderr
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


@pytest.mark.skipif(bool(NOBODY) and not shutil.which("setpriv"), reason="root needs setpriv to be bound by modes")
def test_a_store_whose_owner_may_not_write(watch: Watch) -> None:
    watch.web.break_down()
    for each in (watch.path, watch.path.parent):
        each.chmod(0o500)
    assert [watch.run(before=NOBODY).returncode for _ in range(2)] == [5, 5]
    for each in (watch.path.parent, watch.path):
        each.chmod(0o700)
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


@pytest.mark.skipif(bool(NOBODY) and not shutil.which("setpriv"), reason="root needs setpriv to be bound by modes")
def test_a_store_that_may_not_even_be_read(watch: Watch) -> None:
    watch.web.break_down()
    watch.path.chmod(0)
    assert [watch.run(before=NOBODY).returncode for _ in range(2)] == [5, 5]
    watch.path.chmod(0o600)
    assert_told_once_and_brought_home(watch, while_broken="xxxx")


def test_a_folder_that_is_gone_and_comes_back(watch: Watch) -> None:
    watch.web.break_down()
    watch.path.parent.rename(watch.folder / "elsewhere")
    ran = watch.run()
    assert ran.returncode == 5
    assert "does not exist; create it, or name another file with --db" in ran.stderr
    assert not watch.path.parent.exists()
    (watch.folder / "elsewhere").rename(watch.path.parent)
    assert_told_once_and_brought_home(watch, while_broken="xxx")


def test_a_store_of_a_newer_version(watch: Watch) -> None:
    with closing(sqlite3.connect(watch.path, isolation_level=None)) as store:
        store.execute("UPDATE _sqlite_migrations SET name = 'm999_future' WHERE name = 'm001_initial'")
    before = watch.path.read_bytes()
    watch.web.break_down()
    ran = watch.run()
    assert ran.returncode == 5
    assert "made by a newer version of prober" in ran.stderr
    assert watch.path.read_bytes() == before
    with closing(sqlite3.connect(watch.path, isolation_level=None)) as store:
        store.execute("UPDATE _sqlite_migrations SET name = 'm001_initial' WHERE name = 'm999_future'")
    assert_told_once_and_brought_home(watch, while_broken="xxx")


def test_when_mail_fails_as_well_the_exit_code_is_the_last_alarm(watch: Watch) -> None:
    watch.web.break_down()
    watch.smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    with locked(watch.path):
        assert watch.run_impatiently().returncode == 5
    watch.smtp.refused.clear()
    assert watch.subjects() == []
    (standin,) = watch.runtime.glob("prober/*.db")
    with closing(sqlite3.connect(standin)) as store, store:
        store.execute("UPDATE outbox SET next_attempt_at_ms = 0")
    ran = watch.run()
    assert ran.returncode == 0
    assert [each.split(":")[0] for each in watch.subjects()] == ["[DOWN P1] api"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chattr"), reason="needs root and chattr")
def test_two_runs_where_no_lock_can_be_made_beside_the_store_still_exclude_each_other(watch: Watch) -> None:
    watch.web.delay_s = 1.5
    watch.path.with_name("prober.db.lock").unlink()
    with immutable(watch.path.parent):
        found: list[subprocess.CompletedProcess[str]] = []
        threads = [threading.Thread(target=lambda: found.append(watch.run())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(ran.returncode for ran in found) == [0, 5]
    (occupied,) = (ran for ran in found if ran.returncode == 0)
    assert "a round is already running" in occupied.stderr


@pytest.mark.parametrize("limit", [*range(5, 15), 20])
def test_out_of_descriptors_is_never_a_crash_and_never_silent(watch: Watch, limit: int) -> None:
    watch.web.break_down()
    config = watch.folder / "probes.toml"
    config.write_text(config.read_text().replace('timeout = "2s"', 'timeout = "2s"\nfailures = 1'))
    limited = ("bash", "-c", f'ulimit -n {limit}; exec "$0" "$@"', sys.executable, "-m", "prober")
    ran = watch.run(program=limited)
    assert "Traceback" not in ran.stderr
    assert "fault of prober" not in ran.stderr
    assert (ran.returncode, len(watch.smtp.mails)) == ((0, 1) if limit > 14 else (ran.returncode, ran.returncode == 0))
    assert ran.returncode == 0 or "too many open files: raise the limit" in ran.stderr


def test_json_tells_results_and_stderr_the_fault(watch: Watch) -> None:
    with locked(watch.path):
        ran = watch.run_impatiently("--json", "-q")
    assert ran.returncode == 5
    assert [each["outcome"] for each in json.loads(ran.stdout)["results"]] == ["ok"]
    assert "the store could not be written" in ran.stderr


def test_a_service_goes_on_without_its_store_and_a_run_beside_it_leaves_it_alone(watch: Watch) -> None:
    config = watch.folder / "probes.toml"
    config.write_text(config.read_text().replace('timeout = "2s"', 'timeout = "1s"\nrecheck = "1s"\nfailures = 2'))
    watch.web.break_down()
    watch.run("--deadline", "0s")  # a verdict is pending, so the service need not wait for the probe's slot
    environ = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(watch.runtime)}
    serve = [sys.executable, "-c", IMPATIENT, "serve", "--db", str(watch.path)]
    with locked(watch.path):
        service = subprocess.Popen(serve, cwd=watch.folder, env=environ, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: len(watch.smtp.mails) == 1)
            beside = watch.run()
        except BaseException:
            service.kill()
            raise
    wait_until(lambda: not list(watch.runtime.glob("prober/*.db")))
    service.send_signal(signal.SIGTERM)
    _, said = service.communicate(timeout=20)
    assert service.returncode == 0, said
    assert (beside.returncode, "the service is running" in beside.stderr) == (0, True)
    assert "This mail may repeat" in watch.texts()[0]
    assert watch.history()["incidents"] == [("down", None)]
    assert watch.history()["alerts"] == [("down", "sent")]
    assert watch.history()["checks"].startswith(".xx")


def test_a_service_that_ends_with_what_it_knows_in_memory_only_says_so_and_exits_with_five(watch: Watch) -> None:
    config = watch.folder / "probes.toml"
    config.write_text(config.read_text().replace('timeout = "2s"', 'timeout = "1s"\nrecheck = "1s"\nfailures = 2'))
    watch.web.break_down()
    watch.run("--deadline", "0s")  # a verdict is pending, so the service need not wait for the probe's slot
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(watch.folder / "home")}
    serve = [*SMALL_FILES, *PROGRAM, "serve", "--db", str(watch.path)]
    service = subprocess.Popen(serve, cwd=watch.folder, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: len(watch.smtp.mails) == 1)
    finally:
        service.terminate()
        _, said = service.communicate(timeout=20)
    assert service.returncode == 5, said
    assert "kept in memory only" in said
    assert "is lost, as no file could be written anywhere; what was mailed may be mailed again" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert watch.history()["incidents"] == []


def wait_until(is_so: Callable[[], bool], within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)
