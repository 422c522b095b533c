"""The documentation is complete, and every example in it works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prober.adapters.config.expectations import OPERATORS
from prober.adapters.config.keys import ALERT_KEYS, MAINTENANCE_KEYS, PROBE_KEYS, TOP_KEYS

if TYPE_CHECKING:
    from prober.core.settings import Config
    from tests.adapters.config.conftest import Load, Problems

DOCUMENT = Path(__file__).parents[3] / "docs/configuration.md"
TEXT = DOCUMENT.read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("General", TOP_KEYS),
        ("Probes: ", PROBE_KEYS),
        ("Alerts: ", ALERT_KEYS),
        ("Maintenance windows", MAINTENANCE_KEYS),
    ],
    ids=["top", "probe", "alerts", "maintenance"],
)
def test_every_key_has_a_row(title: str, keys: tuple[object, ...]) -> None:
    first_cells = "".join(re.findall(r"^\|([^|]*)\|", section(title), re.MULTILINE))
    documented = set(re.findall(r"`([^`]+)`", first_cells))
    assert documented == {key.name for key in keys}  # type: ignore[attr-defined]


def test_every_operator_has_an_example() -> None:
    first_cells = "".join(re.findall(r"^\|([^|]*)\|", section("Conditions on a JSON body"), re.MULTILINE))
    assert re.findall(r"`([^`]+)`", first_cells) == list(OPERATORS)


def load_with_variables(load: Load, text: str) -> Config:
    return load(text, **dict.fromkeys(re.findall(r"\$\{(\w+)", text), "a-value"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid(load: Load, example: str) -> None:
    assert load_with_variables(load, example).probes


OPERATOR_ROWS = re.findall(r"^\| `.* \| (.*) \|$", section("Conditions on a JSON body"), re.MULTILINE)


@pytest.mark.parametrize("condition", [example for row in OPERATOR_ROWS for example in re.findall(r"`([^`]+)`", row)])
def test_every_example_of_an_operator_is_valid(load: Load, condition: str) -> None:
    (probe,) = load(f'[probe.a]\nurl = "https://h"\nexpect.json.a = {condition}').probes
    assert probe.expect.json[0].operator != "==" or "==" in condition


def test_the_example_of_bad_input_is_what_is_said(problems: Problems) -> None:
    shown = TEXT.partition("$ prober check --offline\n")[2].partition("\n```")[0]
    text = "\n" * 11 + '[probe.api]\ntimeot = "9s"\nurl = "https://h"' + "\n" * 7 + 'interval = "5min"'
    assert f"{problems(text)} Nothing was sent." == shown


def test_the_examples_were_found() -> None:
    assert (len(EXAMPLES), len(OPERATOR_ROWS)) == (5, 9)
