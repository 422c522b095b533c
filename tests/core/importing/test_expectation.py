from __future__ import annotations

from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from prober.core.importing.account import Assertion, Keyword
from prober.core.importing.expectation import status_words
from tests.core.importing.tables import table

DEFAULT = ("2xx", "3xx")


def keys_of(prefix: str, **fields: Any) -> dict[str, Any]:
    found = table(**fields).keys
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, None),
        ({"success_codes": DEFAULT}, None),
        ({"success_codes": ("2xx",)}, None),
        ({"success_codes": ("200",)}, [200]),
        ({"success_codes": ("200", "201", "204", "4XX")}, ["200-201", 204, "4xx"]),
        ({"follows_redirects": False}, ["2xx", "3xx"]),
        ({"follows_redirects": False, "success_codes": ("200", "302")}, [200, 302]),
        ({"status_rules": ((404, False), (200, True))}, None),
        ({"status_rules": ((404, True),)}, ["2xx", 404]),
        ({"status_rules": ((200, False),)}, ["201-299"]),
        ({"status_rules": ((204, False), (401, True))}, ["200-203", "205-299", 401]),
        ({"follows_redirects": False, "status_rules": ((301, False),)}, ["2xx", 300, "302-399"]),
    ],
)
def test_healthy_codes_are_theirs(fields: dict[str, Any], status: list[Any] | None) -> None:
    found = table(**fields)
    assert (found.keys.get("expect.status"), found.notes) == (status, ())


@pytest.mark.parametrize(
    ("fields", "status", "note"),
    [
        ({"success_codes": ("200", "301")}, [200], "what it says of 3xx was not carried over: redirects are followed"),
        ({"status_rules": ((302, False),)}, None, "what it says of 3xx was not carried over: redirects are followed"),
        ({"success_codes": ("ok",)}, None, 'the status code "ok" was not carried over: it is none'),
        ({"success_codes": ("3xx",)}, None, "its status codes were not carried over: none would be healthy"),
    ],
)
def test_codes_that_cannot_be_carried_over_are_said(fields: dict[str, Any], status: Any, note: str) -> None:
    found = table(**fields)
    assert (found.keys.get("expect.status"), found.notes) == (status, (note,))


@given(st.sets(st.integers(100, 599)))
def test_the_words_for_codes_mean_these_very_codes(codes: set[int]) -> None:
    meant = set[int]()
    for word in status_words(codes):
        first, _, last = str(word).replace("xx", "00").partition("-")
        end = int(first) + 99 if "xx" in str(word) else int(last or first)
        meant |= set(range(int(first), end + 1))
    assert meant == codes


@pytest.mark.parametrize(
    ("text", "is_down_when_present", "ignores_case", "body"),
    [
        ("all well", False, False, {"contains": "all well"}),
        ("fatal", True, False, {"not_contains": "fatal"}),
        ("$5", False, False, {"contains": "$$5"}),
        ("ok (1)", False, True, {"matches": r"(?i)ok \(1\)"}),
        ("$x", True, True, {"matches": r"(?is)\A(?!.*\$$x)"}),
    ],
)
def test_a_keyword_that_alerts_when_it_exists_must_not_be_there(
    text: str, is_down_when_present: bool, ignores_case: bool, body: dict[str, str]
) -> None:
    keyword = Keyword(text=text, is_down_when_present=is_down_when_present, ignores_case=ignores_case)
    assert keys_of("expect.body.", kind="keyword", keyword=keyword) == body


@given(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")), min_size=1, max_size=20), st.booleans()
)
def test_the_pattern_of_any_keyword_finds_it_and_its_opposite_does_not(text: str, is_down_when_present: bool) -> None:
    keyword = Keyword(text=text, is_down_when_present=is_down_when_present, ignores_case=True)
    pattern = keys_of("expect.body.", kind="keyword", keyword=keyword)["matches"].replace("$$", "$")
    assert (regex.search(pattern, f"first line\n<{text}>") is not None) is not is_down_when_present
    assert (regex.search(pattern, "") is not None) is is_down_when_present


def test_a_keyword_that_is_missing_or_a_secret_is_said() -> None:
    assert table(kind="keyword").notes == ("its keyword was not carried over: there is none",)
    secret = Keyword(text="a1B2c3D4e5F6g7H8i9J0", is_down_when_present=True, ignores_case=True)
    found = table(kind="keyword", keyword=secret)
    assert found.keys["expect.body.not_contains"] == "${API_KEYWORD}"
    assert found.notes == ("its keyword looks like a secret, and so its case counts now",)


def assertion(path: str, comparison: str, target: Any = None) -> Assertion:
    return Assertion(path=path, comparison=comparison, target=target)


@pytest.mark.parametrize(
    ("comparison", "target", "written"),
    [
        ("equals", "ok", "ok"),
        ("equals", True, True),
        ("equals", 5, 5),
        ("equals", "<5", ["==", "<5"]),
        ("equals", "$5", ["==", "$$5"]),
        ("equals", None, ["null", True]),
        ("equals", ["$a"], ["==", ["$$a"]]),
        ("equals", {"a": "$b"}, ["==", {"a": "$$b"}]),
        ("equals", "a1B2c3D4e5F6g7H8i9J0", ["==", "${API_VALUE}"]),
        ("not_equals", "down", ["!=", "down"]),
        ("not_equals", None, ["null", False]),
        ("contains", "a", ["contains", "a"]),
        ("not_contains", "a", ["not_contains", "a"]),
        ("greater_than", 5, "> 5"),
        ("greater_than", "5", "> 5"),
        ("less_than", " 5.5 ", "< 5.5"),
        ("is_null", None, ["null", True]),
        ("is_not_null", "whatever", ["null", False]),
    ],
)
def test_each_comparison_has_its_operator(comparison: str, target: Any, written: Any) -> None:
    found = table(kind="api", assertions=(assertion("$.a", comparison, target),))
    assert found.keys["expect.json.$.a"] == written
    assert found.notes == ()


@pytest.mark.parametrize(
    ("path", "comparison", "target", "why"),
    [
        ("$.a", "matches", "x", "prober does not know it"),
        ("$.a", "greater_than", "many", '">" compares with a number only'),
        ("$.a", "equals", [None], "None is not a value of JSON"),
        ("$[", "equals", "x", "it is not a JSONPath that prober takes"),
        ("a..b", "equals", "x", "it has an empty part"),
    ],
)
def test_a_condition_that_cannot_be_carried_over_is_said(path: str, comparison: str, target: Any, why: str) -> None:
    found = table(kind="api", assertions=(assertion(path, comparison, target),))
    assert [key for key in found.keys if key.startswith("expect")] == []
    (note,) = found.notes
    assert note.startswith(f"the condition {path} {comparison} was not carried over: {why}")


def test_several_conditions_on_one_path_must_all_hold() -> None:
    found = table(kind="api", assertions=(assertion("$.a", "greater_than", 1), assertion("$.a", "less_than", 9)))
    assert found.keys["expect.json.$.a"] == [[">", 1], ["<", 9]]


def test_one_of_several_conditions_cannot_be_carried_over() -> None:
    two = (assertion("$.a", "equals", 1), assertion("$.b", "is_null"))
    found = table(kind="api", assertions=two, needs_all=False)
    assert [key for key in found.keys if key.startswith("expect")] == []
    (note,) = found.notes
    assert note.startswith("its conditions were not carried over: one of them is enough there, all must hold here")
    assert "($.a equals; $.b is_null)" in note
    assert table(kind="api", assertions=two[:1], needs_all=False).keys["expect.json.$.a"] == 1


def test_a_text_that_reads_as_a_number_is_said_to_be_a_text() -> None:
    assert table(kind="api", assertions=(assertion("$.a", "equals", "5"),)).notes == (
        '$.a is compared with the text "5", which is not the value 5',
    )
    assert table(kind="api").notes == ("its conditions were not carried over: there are none",)


def test_a_reminder_of_the_certificates_end_is_carried_over_where_there_is_a_certificate() -> None:
    assert table(certificate_days=14).keys["expect.certificate"] == "14d"
    assert "expect.certificate" not in table(url="http://acme.example/", certificate_days=14).keys
