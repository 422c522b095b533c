from __future__ import annotations

import json
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.core.expect import JsonRule
from prober.core.jsonrules import MAX_DIGITS, NotJsonError, broken, parse_json, shown

if TYPE_CHECKING:
    from prober.core.expect import Json, Operator

DOCUMENT: Json = {
    "status": "ok",
    "empty": "",
    "nothing": None,
    "yes": True,
    "one": 1,
    "half": 0.5,
    "text57": "57",
    "huge": 10**400,
    "list": [1, "two", True, None, {"a": 1}],
    "websocket": {"connected": True, "connectionCount": 143},
    "workers": [{"lag": 10}, {"lag": 20}, {"lag": 40}],
    "9": "a key of digits",
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def unmasked(text: str) -> str:
    return text


def verdict(path: str, operator: Operator, operand: Json, document: Json = DOCUMENT) -> str | None:
    rule = JsonRule(path=path, operator=operator, operand=operand)
    return broken(rule, document, mask=unmasked, budget_s=0.25)


@pytest.mark.parametrize(
    ("path", "operator", "operand"),
    [
        ("status", "==", "ok"),
        ("nothing", "==", None),
        ("one", "==", 1.0),
        ("list", "==", [1.0, "two", True, None, {"a": 1}]),
        ("list.4", "==", {"a": 1}),
        ("websocket.connected", "==", True),
        ("yes", "!=", 1),
        ("yes", "!=", "true"),
        ("text57", "!=", 57),
        ("one", "<", 2),
        ("half", "<=", 0.5),
        ("half", ">", 0),
        ("huge", ">=", 1.5),
        ("status", "~", "^o.$"),
        ("status", "contains", "k"),
        ("list", "contains", 1.0),
        ("list.4", "contains", "a"),
        ("status", "not_contains", "error"),
        ("list", "not_contains", False),
        ("list.4", "not_contains", "b"),
        ("status", "in", ["ok", "fine"]),
        ("status", "exists", True),
        ("nothing", "exists", True),
        ("gone", "exists", False),
        ("status.gone", "exists", False),
        ("nothing", "null", True),
        ("empty", "null", False),
        ("list.1", "==", "two"),
        ("9", "==", "a key of digits"),
        ("$.workers[0].lag", "==", 10),
        ("$.workers[*].lag", "<=", 40),
        ("$.workers[?@.lag > 30].lag", "==", 40),
        ("$.gone", "exists", False),
    ],
)
def test_the_rule_holds(path: str, operator: Operator, operand: Json) -> None:
    assert verdict(path, operator, operand) is None


@pytest.mark.parametrize(
    ("path", "operator", "operand", "sentence"),
    [
        ("status", "==", "fine", 'status: expected "fine", got "ok"'),
        ("websocket.connected", "==", 1, "websocket.connected: expected 1, got true"),
        ("one", "==", True, "one: expected true, got 1"),
        ("one", "==", "1", 'one: expected "1", got 1'),
        ("nothing", "==", False, "nothing: expected false, got null"),
        ("list", "==", [1], 'list: expected [1], got [1, "two", true, null, {"a": 1}]'),
        ("list.4", "==", {"b": 1}, 'list.4: expected {"b": 1}, got {"a": 1}'),
        ("list.4", "==", {"a": True}, 'list.4: expected {"a": true}, got {"a": 1}'),
        ("one", "!=", 1, "one: expected != 1, got 1"),
        ("websocket.connectionCount", "<=", 100, "websocket.connectionCount: expected <= 100, got 143"),
        ("text57", "<=", 100, 'text57: expected <= 100, got "57"'),
        ("yes", "<=", 100, "yes: expected <= 100, got true"),
        ("one", "<", "2", 'one: expected < "2", got 1'),
        ("status", "~", "^x", 'status: expected to match "^x", got "ok"'),
        ("one", "~", "1", 'one: expected to match "1", got 1'),
        ("status", "contains", "x", 'status: expected to contain "x", got "ok"'),
        ("status", "contains", 1, 'status: expected to contain 1, got "ok"'),
        ("one", "contains", 1, "one: expected to contain 1, got 1"),
        ("list", "contains", False, 'list: expected to contain false, got [1, "two", true, null, {"a": 1}]'),
        ("status", "not_contains", "ok", 'status: expected not to contain "ok", got "ok"'),
        ("one", "not_contains", 2, "one: expected not to contain 2, got 1"),
        ("one", "in", [True, "1"], 'one: expected one of [true, "1"], got 1'),
        ("one", "in", 1, "one: expected one of 1, got 1"),
        ("gone", "==", "ok", 'gone: expected "ok", absent'),
        ("gone", "!=", "ok", 'gone: expected != "ok", absent'),
        ("gone", "<", 100, "gone: expected < 100, absent"),
        ("gone", "not_contains", "x", 'gone: expected not to contain "x", absent'),
        ("gone", "null", True, "gone: expected null, absent"),
        ("gone", "exists", True, "gone: expected to exist, absent"),
        ("nothing", "exists", False, "nothing: expected to be absent, got null"),
        ("one", "null", True, "one: expected null, got 1"),
        ("nothing", "null", False, "nothing: expected anything but null, got null"),
        ("list.5", "==", 1, "list.5: expected 1, absent"),
        ("list.-1", "==", 1, "list.-1: expected 1, absent"),
        ("list.\u0661", "==", "two", 'list.\u0661: expected "two", absent'),
        ("status.0", "==", "o", 'status.0: expected "o", absent'),
        ("$.workers[*].lag", "<=", 30, "$.workers[*].lag: expected <= 30, got 40"),
        ("$.gone[*]", "!=", 1, "$.gone[*]: expected != 1, absent"),
        ("$.one", "exists", False, "$.one: expected to be absent, got 1"),
    ],
)
def test_a_broken_rule_says_what_was_expected_and_what_came(
    path: str, operator: Operator, operand: Json, sentence: str
) -> None:
    assert verdict(path, operator, operand) == sentence


def test_an_index_longer_than_any_list_is_absent() -> None:
    path = "list." + "9" * 5000
    assert verdict(path, "exists", False) is None


@given(VALUES)
def test_a_value_equals_itself_after_a_journey_through_json(value: Json) -> None:
    there = parse_json(json.dumps({"v": value}).encode("utf-8", "surrogatepass"))
    assert verdict("v", "==", value, there) is None
    assert verdict("v", "!=", value, there) is not None


@given(VALUES, VALUES)
def test_values_are_equal_exactly_when_their_json_is(one: Json, other: Json) -> None:
    def canonical(value: Json) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, list):
            return f"[{','.join(map(canonical, value))}]"
        if isinstance(value, dict):
            return f"{{{','.join(sorted(json.dumps(key) + canonical(each) for key, each in value.items()))}}}"
        return json.dumps(value)

    assert (verdict("v", "==", other, {"v": one}) is None) == (canonical(one) == canonical(other))


@pytest.mark.parametrize("path", ["$.a[", "$..a[?@.x ==]"])
def test_a_path_that_cannot_be_followed_is_a_broken_rule(path: str) -> None:
    sentence = verdict(path, "exists", False)
    assert sentence is not None
    assert sentence.startswith(f"{path}: ")


def test_a_path_that_descends_too_deep_is_a_broken_rule() -> None:
    deep: Json = 1
    for _ in range(200):
        deep = [deep]
    assert "recursion" in (verdict("$..a", "exists", False, deep) or "")


def test_a_path_may_lead_to_any_number_of_values_and_none_after_the_first_bad_one_is_looked_at() -> None:
    assert verdict("$[*]", "==", 0, [0] * 30_000) is None
    began = time.process_time()
    endless = "$..*" * 6
    assert verdict(endless, "==", 0, [[[[[[[1] * 30]]] * 30]] * 30]) is not None
    assert time.process_time() - began < 1


def test_a_large_value_that_is_not_the_one_expected_is_masked_only_where_it_is_shown() -> None:
    seen: list[int] = []

    def counting(text: str) -> str:
        seen.append(len(text))
        return text

    assert shown("x" * 262_144, mask=counting) == f'"{"x" * 77}..."'
    assert sum(seen) <= 65_536


def test_a_pattern_that_runs_away_is_a_broken_rule() -> None:
    document: Json = {"text": "a" * 80 + "b"}
    rule = JsonRule(path="text", operator="~", operand="(a|aa)+$")
    sentence = broken(rule, document, mask=unmasked, budget_s=0.05)
    assert sentence == "text: pattern took longer than 50 ms"


@pytest.mark.timeout(10)
def test_many_values_share_one_budget_for_their_pattern() -> None:
    slow_to_match = "a" * 26 + "b"
    document: Json = [slow_to_match] * 1000
    rule = JsonRule(path="$[*]", operator="~", operand="^(?:(a|aa)+$|a*b$)")
    assert broken(rule, [slow_to_match], mask=unmasked, budget_s=5) is None
    assert broken(rule, document, mask=unmasked, budget_s=0.25) == "$[*]: pattern took longer than 250 ms"


def test_many_quick_searches_are_not_hurried_by_what_else_the_process_does() -> None:
    is_over = Event()

    def compute() -> None:
        while not is_over.is_set():
            sum(range(1000))

    others = [Thread(target=compute) for _ in range(3)]
    for other in others:
        other.start()
    try:
        assert verdict("$[*]", "~", "^o.$", ["ok"] * 5000) is None
    finally:
        is_over.set()
        for other in others:
            other.join()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        (b"\xef\xbb\xbf1", 1),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud800"', "\ud800"),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"a":' * 63 + b"{}" + b"}" * 63, None),
        (b"-" + b"9" * MAX_DIGITS, None),
    ],
)
def test_json_is_read(body: bytes, value: Json) -> None:
    read = parse_json(body)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("body", "instead"),
    [
        (b"", "an empty body"),
        (b" \n", "an empty body"),
        (b"ok", "something else (Expecting value at line 1, column 1)"),
        (b'{"a": 1', "something else (Expecting ',' delimiter at line 1, column 8)"),
        (b"\xff\xfe", "bytes that are not UTF-8"),
        (b"[NaN]", "NaN, which is not JSON"),
        (b"Infinity", "Infinity, which is not JSON"),
        (b"-Infinity", "-Infinity, which is not JSON"),
        (b"1e999", "a number that is out of range"),
        (b"-1e999", "a number that is out of range"),
        (b"9" * (MAX_DIGITS + 1), "an integer of more than 4300 digits"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels of nesting"),
        (b'[{"a":' * 33 + b"1" + b"}]" * 33, "more than 64 levels of nesting"),
        (b"[" * 100_000, "more than 64 levels of nesting"),
    ],
)
def test_what_is_not_json_is_refused_and_named(body: bytes, instead: str) -> None:
    with pytest.raises(NotJsonError) as refusal:
        parse_json(body)
    assert str(refusal.value) == instead


@given(st.binary(max_size=60) | st.text(st.sampled_from('[]{}",:0123456789.eE-\\u nulltrufasNI')).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(NotJsonError):
        parse_json(body)


@given(VALUES)
def test_a_shown_value_is_short_and_encodes(value: Json) -> None:
    text = shown({"v": value, "lone": "\ud800"}, mask=unmasked)
    assert len(text.encode()) <= 320
    assert len(text) <= 80


def test_a_shown_value_is_masked_before_it_is_cut() -> None:
    assert (
        shown("x" * 70 + "secret-secret", mask=lambda text: text.replace("secret-secret", "***")) == f'"{"x" * 70}***"'
    )
