from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber


def test_every_value_is_shown_with_its_origin(configure: Configure, prober: RunProber) -> None:
    configure(probe='timeout = "7s"', top='title = "Acme"\n[defaults]\ninterval = "2m"')
    lines = {key.strip(): rest for key, _, rest in (line.partition("=") for line in _lines(prober))}
    assert lines["title"].split() == ['"Acme"', "#", "probes.toml:1"]
    assert lines["probe.api.timeout"].split() == ['"7s"', "#", "probes.toml:6"]
    assert lines["probe.api.interval"].split() == ['"2m"', "#", "[defaults]", "probes.toml:3"]
    assert lines["probe.api.failures"].split() == ["3", "#", "built", "in"]


def _lines(prober: RunProber, *arguments: str) -> list[str]:
    ran = prober("config", "show", *arguments)
    assert ran.code == 0
    return ran.out.splitlines()


def test_what_is_shown_is_toml_again(configure: Configure, prober: RunProber) -> None:
    configure(probe='expect.json."a.b" = [">=", 1]\nheaders = { X-One = "1" }')
    shown = tomllib.loads("\n".join(_lines(prober)))
    assert shown["probe"]["api"]["url"] == configure.web.url


def test_one_probe_alone_can_be_shown(configure: Configure, prober: RunProber) -> None:
    configure('[probe.two]\nurl = "https://two.example"')
    assert all(line.startswith("probe.two.") for line in _lines(prober, "two"))


def test_what_is_shown_can_be_json(configure: Configure, prober: RunProber) -> None:
    configure(probe='timeout = "7s"')
    shown = json.loads(prober("config", "show", "api", "--json").out)
    assert shown.keys() == {"schema", "settings"}
    assert {"key": "probe.api.timeout", "value": '"7s"', "origin": "probes.toml:4"} in shown["settings"]


def test_an_unknown_id_exits_with_2_and_a_suggestion(configure: Configure, prober: RunProber) -> None:
    configure()
    ran = prober("config", "show", "apj")
    assert ran.code == 2
    assert 'Did you mean "api"?' in ran.err


def test_the_schema_is_json_and_needs_no_configuration(folder: Path, prober: RunProber) -> None:
    assert list(folder.glob("*.toml")) == []
    shown = json.loads(prober("config", "schema").out)
    assert "probe" in shown["properties"]


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_the_path_is_the_file_that_is_read(
    configure: Configure, prober: RunProber, folder: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    path = configure()
    assert prober("config", "path").out == f"{path}\n"
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert prober("config", "path").out == f"{path}\n"
    monkeypatch.setenv("PROBER_CONFIG", "other.toml")
    assert prober("config", "path").out == f"{folder / 'deep' / 'other.toml'}\n"
    assert prober("config", "path", option, str(path)).out == f"{path}\n"


@pytest.mark.parametrize(
    "command", ["config path", "config show", "check", "run", "status", "incidents list", "alerts list", "test-alert"]
)
def test_without_a_configuration_every_command_exits_with_3_and_says_what_to_do(
    prober: RunProber, command: str
) -> None:
    ran = prober(*command.split())
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == 'error: no probes.toml here or above. Write one with "prober init", or name it with --config.\n'


def test_a_named_file_that_does_not_exist_exits_with_3(prober: RunProber) -> None:
    ran = prober("status", "-c", "nope.toml")
    assert ran.code == 3
    assert "nope.toml: error: there is no such file" in ran.err


def test_a_folder_that_is_gone_leaves_no_traceback(
    folder: Path, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = prober("status")
    assert ran.code == 3
    assert "the current folder does not exist any more" in ran.err
