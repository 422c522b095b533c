"""The reader of expressions, for the rehearsal is worth what it is worth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.expressions import evaluate, filled, is_met

CONTEXTS = {
    "github": {"event": {"repository": {"fork": True}}, "token": "t"},
    "vars": {"ON": "true"},
    "inputs": {},
    "steps": {"one": {"outcome": "failure"}},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.token", "t"),
        ("github.event.repository.fork", True),
        ("github.event.nothing.below", None),
        ("inputs.mode || 'auto'", "auto"),
        ("github.token || 'auto'", "t"),
        ("github.token && 'there'", "there"),
        ("vars.ON == 'TRUE'", True),
        ("vars.ON != 'true'", False),
        ("github.event.repository.fork == 'true'", True),
        ("!github.event.repository.fork || vars.ON == 'true'", True),
        ("!github.event.repository.fork || vars.OFF == 'true'", False),
        ("!(vars.ON == 'true') || false", False),
        ("'it''s'", "it's"),
        ("null", None),
    ],
)
def test_an_expression_comes_to_what_github_makes_of_it(expression: str, value: Any) -> None:
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize("expression", ["a b", "'open", "(vars.ON", "vars.ON ==", "1 + 1", "&&", "contains('a', 'b')"])
def test_what_we_have_no_need_of_is_refused(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        evaluate(expression, {**CONTEXTS, "a": {}, "b": {}})


@pytest.mark.parametrize(
    ("condition", "has_failed", "holds"),
    [
        ("vars.ON == 'true'", False, True),
        ("vars.ON == 'true'", True, False),
        ("${{ failure() && steps.one.outcome == 'failure' }}", True, True),
        ("failure() && steps.one.outcome == 'failure'", False, False),
        ("always()", True, True),
    ],
)
def test_a_condition_without_a_status_needs_success(condition: str, has_failed: bool, holds: bool) -> None:
    functions = {"success": lambda: not has_failed, "failure": lambda: has_failed, "always": lambda: True}
    assert is_met(condition, CONTEXTS, functions) is holds


def test_a_text_is_filled_and_null_is_empty() -> None:
    assert (
        filled("a ${{ github.token }}-${{ inputs.mode }}-${{ github.event.repository.fork }}", CONTEXTS) == "a t--true"
    )
