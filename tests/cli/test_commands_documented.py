"""docs/commands.md names every command and option that exists, and no other; its JSON has the real shapes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from prober.cli.main import app
from tests.cli.conftest import options_of

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

TEXT = (Path(__file__).parents[2] / "docs/commands.md").read_text()
ROOT: Any = get_command(app)
SHAPES = dict(re.findall(r"```json ([a-z ]+)\n(.*?)```", TEXT, re.DOTALL))


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def documented(title: str) -> set[str]:
    first_cells = "".join(re.findall(r"^\|([^|]*)\|", section(title), re.MULTILINE))
    return set(re.findall(r"(?<![a-z-])--?[a-z][a-z-]*", first_cells))


def test_every_command_has_a_section_and_a_row() -> None:
    assert sorted(re.findall(r"^## prober (.*)$", TEXT, re.MULTILINE)) == sorted(ROOT.commands)
    assert sorted(re.findall(r"^\| \[`prober (.*)`\]", TEXT, re.MULTILINE)) == sorted(ROOT.commands)


def test_every_global_option_is_documented() -> None:
    own = {name for param in ROOT.params for name in param.opts}
    assert documented("Options of every command") == own | {"-h", "--help"}


@pytest.mark.parametrize("name", ROOT.commands)
def test_every_option_has_a_row_and_stands_in_the_usage(name: str) -> None:
    options = options_of(ROOT.commands[name])
    assert documented(f"prober {name}") == options
    usage = section(f"prober {name}").partition("```\n")[2].partition("```")[0]
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage)) == options


@pytest.mark.parametrize("name", [name for name in ROOT.commands if hasattr(ROOT.commands[name], "commands")])
def test_every_subcommand_stands_in_the_usage_of_its_group(name: str) -> None:
    usage = section(f"prober {name}").partition("```\n")[2].partition("```")[0]
    assert re.findall(rf"^prober {name} ([\w-]+)", usage, re.MULTILINE) == list(ROOT.commands[name].commands)


def shape(value: Any) -> Any:
    """Return the keys of an object, at every depth; a list is as its first member."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_every_json_has_the_documented_shape(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    web.break_down()
    smtp.refused["ops@acme.example"] = "450 4.2.0 come again"
    assert list(SHAPES) == [
        "check",
        "run",
        "status",
        "incidents list",
        "alerts list",
        "doctor",
        "db info",
        "config show",
    ]
    for command in ("run", "check", "status", "incidents list", "alerts list", "doctor", "db info", "config show"):
        real = json.loads(prober(*command.split(), "--json").out)
        if command == "status":
            real["probes"][0]["windows"] = {"24h": real["probes"][0]["windows"]["24h"]}
            real["probes"][0]["open_incidents"] = []
        assert shape(real) == shape(json.loads(SHAPES[command])), command


def test_the_exit_codes_are_those_of_the_errors() -> None:
    codes = re.findall(r"^\| ([\d, ]+) \|", section("Exit codes"), re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "130, 143"]
