from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.log import Entry, LineWriter, Log, descriptor_of, hear_libraries, is_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_795_184_561_123  # 2026-11-20T14:22:41.123Z
DOWN = Entry(level="warning", message="down opened: api: status 503", probe="api", incident=42, round=7)


class Lines(list[bytes]):
    """A reader that takes lines, or refuses them."""

    takes = True

    def __call__(self, line: bytes) -> bool:
        if self.takes:
            self.append(line)
        return self.takes

    def texts(self) -> list[str]:
        return [line.decode() for line in self]


def logged(*entries: Entry, secrets: tuple[str, ...] = (), **how: Any) -> list[str]:
    lines = Lines()
    log = Log(lines, now_ms=lambda: T0, **how)
    log.hide(secrets)
    for entry in entries:
        log.write(entry)
    return lines.texts()


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (Entry(level="info", message="ready"), "2026-11-20T14:22:41.123Z info     ready\n"),
        (
            DOWN,
            "2026-11-20T14:22:41.123Z warning  down opened: api: status 503  probe=api incident=42 round=7\n",
        ),
        (Entry(level="error", message="no", round=1), "2026-11-20T14:22:41.123Z error    no  round=1\n"),
    ],
)
def test_text_has_time_level_message_and_what_it_is_about(entry: Entry, line: str) -> None:
    assert logged(entry) == [line]


def test_json_always_has_the_same_six_keys() -> None:
    full, bare = (json.loads(line) for line in logged(DOWN, Entry(level="info", message="ready"), form="json"))
    assert full == {
        "timestamp": "2026-11-20T14:22:41.123Z",
        "level": "warning",
        "message": "down opened: api: status 503",
        "probe": "api",
        "incident": 42,
        "round": 7,
    }
    assert list(bare) == list(full)
    assert (bare["probe"], bare["incident"], bare["round"]) == (None, None, None)


@pytest.mark.parametrize(("at_ms", "shown"), [(0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z")])
def test_a_clock_that_went_astray_is_shown_as_it_is(at_ms: int, shown: str) -> None:
    lines = Lines()
    Log(lines, now_ms=lambda: at_ms).write(Entry(level="info", message="ready"))
    assert lines.texts()[0].startswith(shown)


@pytest.mark.parametrize(
    ("least", "written"),
    [("debug", "debug info warning error"), ("info", "info warning error"), ("warning", "warning error")],
)
def test_levels_below_the_least_are_left_out(least: str, written: str) -> None:
    levels: Any = ("debug", "info", "warning", "error")
    lines = logged(*(Entry(level=each, message="-") for each in levels), least=least)
    assert [line.split()[1] for line in lines] == written.split()


@pytest.mark.parametrize(("level", "number"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)])
def test_the_journal_gets_the_level_as_a_prefix_and_knows_the_time_itself(level: Any, number: int) -> None:
    entry = Entry(level=level, message="hello", probe="api")
    assert logged(entry, is_journal=True, least="debug") == [f"<{number}>{level:<7}  hello  probe=api\n"]
    (line,) = logged(entry, is_journal=True, least="debug", form="json")
    assert line.startswith(f"<{number}>{{")
    assert json.loads(line[3:])["timestamp"] == "2026-11-20T14:22:41.123Z"


@pytest.mark.parametrize("form", ["text", "json"])
@given(message=st.text(), probe=st.text())
def test_one_entry_is_one_line_whatever_is_in_it(form: Any, message: str, probe: str) -> None:
    (line,) = logged(Entry(level="info", message=message, probe=probe), form=form)
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)
    assert len(line.encode()) <= 4096 * 2
    if form == "json":
        assert isinstance(json.loads(line)["message"], str)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("message", ["\U0001f600" * 10_000, '"\\' * 5_000])
def test_a_line_fits_into_what_a_pipe_takes_at_once(form: Any, message: str) -> None:
    (line,) = logged(Entry(level="info", message=message), form=form)
    assert 900 < len(line.encode()) <= 4096


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_gets_out_in_message_or_probe_nor_one_that_came_later(form: Any) -> None:
    lines = Lines()
    log = Log(lines, now_ms=lambda: T0, form=form)
    log.hide(["hunter2hunter2"])
    log.hide(["correct horse"])
    log.write(Entry(level="info", message="a hunter2\u200bhunter2, a correct%20horse", probe="hunter2hunter2"))
    assert "hunter2" not in lines.texts()[0]
    assert "horse" not in lines.texts()[0]
    assert lines.texts()[0].count("***") == 3


def test_lines_that_nobody_took_are_counted_as_soon_as_somebody_does() -> None:
    lines = Lines()
    log = Log(lines, now_ms=lambda: T0)
    lines.takes = False
    for _ in range(3):
        log.write(Entry(level="info", message="lost"))
    lines.takes = True
    log.write(Entry(level="info", message="here"))
    log.write(Entry(level="info", message="again"))
    assert [line.split(maxsplit=2)[1:] for line in lines.texts()] == [
        ["warning", "3 log lines were lost\n"],
        ["info", "here\n"],
        ["info", "again\n"],
    ]


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


def test_a_line_is_written_whole() -> None:
    with pipe() as (reader, writer):
        assert LineWriter(writer)(b"hello\n")
        assert os.read(reader, 100) == b"hello\n"


def test_a_pipe_that_nobody_empties_is_not_waited_for() -> None:
    with pipe() as (reader, writer):
        write = LineWriter(writer)
        line = b"x" * 1023 + b"\n"
        taken = [write(line) for _ in range(200)]
        fitted = taken.count(True)
        assert 32 < fitted <= 64
        assert not any(taken[fitted:])
        assert os.read(reader, 2**20) == line * fitted
        assert write(b"again\n")
        assert os.read(reader, 2**20) == b"again\n"


def test_a_slow_reader_loses_nothing() -> None:
    with pipe() as (reader, writer):
        got = bytearray()

        def read_slowly() -> None:
            while chunk := os.read(reader, 4096):
                got.extend(chunk)

        thread = threading.Thread(target=read_slowly)
        thread.start()
        write = LineWriter(writer)
        lines = [b"%d\n" % number * 100 for number in range(2000)]
        assert all(write(line) for line in lines)
        os.close(writer)
        thread.join()
        assert bytes(got) == b"".join(lines)


def test_a_reader_who_has_gone_costs_the_line_only() -> None:
    with pipe() as (reader, writer):
        os.close(reader)
        assert not LineWriter(writer)(b"hello\n")


def test_a_full_disk_costs_the_line_only() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        assert not LineWriter(full.fileno())(b"hello\n")


def test_a_line_that_was_torn_is_followed_by_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "log"
    program = (
        "import resource, signal, sys; from prober.adapters.log import LineWriter;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8, resource.RLIM_INFINITY));"
        "write = LineWriter(2); print(write(b'0123456789\\n'));"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY)); print(write(b'whole\\n'))"
    )
    with path.open("wb") as stream:
        ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=stream, env={}, check=True)
    assert ran.stdout.split() == [b"False", b"True"]
    assert path.read_bytes() == b"01234567\nwhole\n"


def test_without_a_stderr_nothing_is_written_anywhere() -> None:
    assert descriptor_of(None) is None
    assert not LineWriter(None)(b"hello\n")


def test_a_stream_without_a_descriptor_has_none(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        assert descriptor_of(stream) == stream.fileno()
    assert descriptor_of(stream) is None


def test_only_the_very_stream_that_systemd_made_is_its_journal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        at = os.fstat(stream.fileno())
        name = f"{at.st_dev}:{at.st_ino}"
        assert is_journal(stream.fileno(), {"JOURNAL_STREAM": name})
        assert not is_journal(stream.fileno(), {"JOURNAL_STREAM": f"{name}1"})
        assert not is_journal(stream.fileno(), {})
    assert not is_journal(None, {"JOURNAL_STREAM": name})


@pytest.fixture
def libraries() -> Iterator[Lines]:
    root, lines = logging.getLogger(), Lines()
    before = list(root.handlers)
    log = Log(lines, now_ms=lambda: T0)
    log.hide(["hunter2hunter2"])
    hear_libraries(log)
    yield lines
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)
    for name in ("httpx", "httpcore", "aiosmtplib"):
        logging.getLogger(name).propagate = True
        logging.getLogger(name).handlers.clear()


def test_what_a_library_complains_of_is_a_line_like_ours(libraries: Lines) -> None:
    logging.getLogger("asyncio").info("chatter")
    logging.getLogger("asyncio").warning("socket of %s\nis odd", "hunter2hunter2")
    logging.getLogger("asyncio").error("task failed", exc_info=ValueError("worse than hunter2hunter2"))
    assert [line.split(maxsplit=1)[1] for line in libraries.texts()] == [
        "warning  asyncio: socket of *** is odd\n",
        "error    asyncio: task failed (ValueError)\n",
    ]


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "aiosmtplib"])
def test_libraries_that_log_urls_are_silent(libraries: Lines, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger(name).error("GET https://acme.example/?token=unknown")
    assert libraries == []
    assert capfd.readouterr() == ("", "")
