"""Files that are no configuration at all."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.adapters.config import InvalidConfig, load_config

if TYPE_CHECKING:
    from tests.adapters.config.conftest import Problems


def said_of(path: Path) -> str:
    with pytest.raises(InvalidConfig) as caught:
        load_config(path, environ={}, host_name="host-1")
    return str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    assert 'x.toml: error: there is no such file ("prober init" writes one)' in said_of(tmp_path / "x.toml")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "it is a directory" in said_of(tmp_path)


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "it is not a regular file" in said_of(tmp_path / "fifo")


def test_an_endless_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert "it is not a regular file" in said_of(tmp_path / "zero")


def test_an_impossible_path_is_refused(tmp_path: Path) -> None:
    assert "embedded null" in said_of(tmp_path / "a\0b")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "Too many levels of symbolic links" in said_of(tmp_path / "loop")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails when it is read")
def test_a_file_that_fails_while_it_is_read_is_refused() -> None:
    assert "mem: error: Input/output error" in said_of(Path("/proc/self/mem"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").touch(mode=0)
    assert "Permission denied" in said_of(tmp_path / "x.toml")


def test_50_megabytes_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "x.toml").open("wb") as file:
        file.truncate(50_000_000)
    assert "it is larger than 32 MiB" in said_of(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[probe.a]".encode("utf-16"), "probes.toml: error: the file is UTF-16, it must be UTF-8"),
        ("[probe.a]".encode("utf-16-le"), "the file is UTF-16"),
        ("[probe.a]".encode("utf-16-be"), "the file is UTF-16"),
        (b"\0\0[probe.a]", "probes.toml:1:1: error: this is neither a key nor a [table]"),
        (b"\0[probe.a]", "probes.toml:1:1: error: "),
        (b"a\0bc", "probes.toml:1:2: error: "),
        (b'[probe.a]\r\nname = "\xff"', "probes.toml:2:9: error: this is not UTF-8"),
        (b'[probe.a]\nname = "\0"', "probes.toml:2:9: error: Illegal character '\\x00'"),
        (b'[probe.a]\nurl = "https://x', "probes.toml:2:17: error: the closing quotes are missing"),
        (b'[probe.a]\nurl = "https://x\nname = "x"', "probes.toml:2:17: error: the closing quotes are missing"),
        (b"[probe.a]\nurl = https://x", "probes.toml:2:7: error: this is not a value of TOML (texts need quotes)"),
        (b"[probe.a]\n\n", "probes.toml:1:8: error: [probe.a] has no url"),
        (b"[probe.a]\nurl", 'probes.toml:2:4: error: a key needs "=" and a value behind it'),
        (b"[probe.a]\nx = [1", 'probes.toml:2:7: error: this list lacks a "," or its "]"'),
        (b"[probe.a]\nx = 2020-02-30", "probes.toml:2:5: error: Invalid date or datetime"),
        (b"[probe.a]\nx = 2020-13-01", "probes.toml:2:9: error: something stands behind the value"),
        (b"[probe.a]\n[probe.a]", "probes.toml:2:1: error: [probe.a] is given twice"),
        (b"[a]\n[a]", "probes.toml:2:1: error: [a] is given twice"),
        (b"[probe.a]\nname = 1\n  name = 2", "probes.toml:3:1: error: this key is given twice"),
        (b"x = " + b"1" * 5000, "probes.toml:1:5: error: this number has too many digits"),
        (b"x = " + b"[" * 100_000, "probes.toml:1:68: error: lists and tables are nested more than 64 deep"),
        (b"x = '[[' # [[\ny = [\n" + b"[" * 80 + b"]" * 81, "probes.toml:3:63: error: lists and tables are nested"),
        (b"a = 1\n[" + b"b." * 70 + b"b]", "probes.toml:2:128: error: lists and tables are nested"),
        (b"[" + b"b." * 40 + b"c]\nx = " + b"[" * 40 + b"]" * 40, "probes.toml:2:27: error: lists and tables"),
        (b"x = " + b"[" * 80 + b"]" * 80, "nested more than 64 deep"),
        (b"x = " + b"{a=" * 80 + b"1" + b"}" * 80, "nested more than 64 deep"),
        (b"a." * 100_000 + b"a = 1", "probes.toml:1:1: error: this key has too many parts"),
        (b'"a"' + b" . 'b'" * 2000 + b" = 1", "this key has too many parts"),
    ],
)
def test_what_is_no_toml_is_told_alone_and_where(problems: Problems, content: bytes, said: str) -> None:
    text = problems(content)
    assert said in text
    assert text.endswith("\n1 error.")


def test_unknown_words_of_the_parser_are_passed_on(monkeypatch: pytest.MonkeyPatch, problems: Problems) -> None:
    def loads(_text: str) -> None:
        raise tomllib.TOMLDecodeError("in other words")

    monkeypatch.setattr(tomllib, "loads", loads)
    assert "probes.toml:1:1: error: in other words" in problems("x")
