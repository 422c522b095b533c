"""docs/github-actions.md against the facts: what a stranger types is what there is, and each figure has its source."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from prober.adapters.config import load_config
from prober.cli.actions import Mode
from prober.cli.main import app

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = (ROOT / "docs" / "github-actions.md").read_text()
WORKFLOW: Final = (ROOT / ".github" / "workflows" / "ping.yml").read_text()
CALLS: Final = sorted(set(re.findall(r"(?:^|`)prober ([a-z-]+(?: [a-z-]+)?(?: .*?)?)(?=`|$|\s+#)", TEXT, re.MULTILINE)))


@pytest.mark.parametrize("call", CALLS)
def test_every_call_of_prober_is_one_that_exists(call: str) -> None:
    command: Any = get_command(app)
    words = call.split()
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {name for param in command.params for name in param.opts}
    assert {word for word in words if re.match("--?[a-z]", word)} <= known


def test_the_ways_to_success_are_among_them() -> None:
    assert {"setup actions --write", "actions fetch -o fallback.db", "db merge fallback.db"} <= set(CALLS)


def test_the_modes_are_those_of_the_workflow_and_of_the_command() -> None:
    told = re.findall(r"^\| `(\w+)` \|", TEXT.partition("| mode | |\n")[2].partition("\n\n")[0], re.MULTILINE)
    assert told == list(Mode)
    assert f"options: [{', '.join(told)}]" in WORKFLOW


def test_what_is_typed_at_github_is_what_the_workflow_knows() -> None:
    assert set(re.findall(r"gh workflow \w+ (\S+?)[ `]", TEXT)) == {"ping.yml"}
    assert set(re.findall(r"mode=(\w+)", TEXT)) <= set(Mode)
    assert "gh variable set PROBER_ENABLED --body true" in TEXT
    assert "vars.PROBER_ENABLED == 'true'" in WORKFLOW
    assert "gh secret set NAME --env prober" in TEXT
    assert "      name: prober\n" in WORKFLOW
    for name in re.findall(r"gh secret set ([A-Z_]{5,})", TEXT):
        assert f"{name}: ${{{{ secrets.{name} }}}}" in WORKFLOW


def test_the_configuration_that_is_shown_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    path.write_text(
        "".join(['[probe.api]\nurl = "https://acme.example"\n', *re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)])
    )
    secrets = dict.fromkeys(("SMTP_USERNAME", "SMTP_PASSWORD"), "secret") | {"HEARTBEAT_URL": "https://acme.example/1"}
    assert load_config(path, environ=secrets, host_name="here").channels


def test_the_costs_are_what_the_minutes_come_to() -> None:
    rows = re.findall(
        r"^\| every .*? \| ([\d,]+)(?: to ([\d,]+))? \| \$([\d.]+)(?: to \$([\d.]+))? \|$", TEXT, re.MULTILINE
    )
    assert len(rows) == 4
    for least, most, *costs in rows:
        minutes = [int(each.replace(",", "")) for each in (least, most) if each]
        due = [max(each - 2_000, 0) * 6 / 1_000 for each in minutes]
        assert [float(each) for each in costs if each] == due
    assert [each * 30 for each in (60, 85)] == [1_800, 2_550]
    assert [ceil(30 * 1440 / every) for every in (5, 15, 30)] == [8_640, 2_880, 1_440]


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles} | {""}


def test_every_link_leads_to_a_heading() -> None:
    for file, anchor in re.findall(r"\]\(([\w-]+\.md)?(?:#([\w-]+))?\)", TEXT):
        assert anchor in anchors((ROOT / "docs" / file).read_text() if file else TEXT), (file, anchor)
