"""What a monitor expects, as the keys of a probe."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from prober.core.durations import UNITS_MS, format_duration
from prober.core.importing.spelling import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prober.core.expect import Json
    from prober.core.importing.account import Assertion, Keyword, Monitor
    from prober.core.importing.draft import Draft

_CODES: Final = range(100, 600)
_CLASS = 100
_CODE = re.compile(r"([1-5])(?:[xX]{2}|([0-9]{2}))")
_GOOD: Final = frozenset(range(200, 300))
_MOVED: Final = frozenset(range(300, 400))
_COMPARISONS: Final = {
    "equals": "==",
    "not_equals": "!=",
    "contains": "contains",
    "not_contains": "not_contains",
    "greater_than": ">",
    "less_than": "<",
}
_NULLS: Final = {"is_null": True, "is_not_null": False}
_META = re.compile(r"[\\.^$*+?{}\[\]|()]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?")


def put_expectations(draft: Draft, monitor: Monitor, *, is_https: bool) -> None:
    """Set what a healthy response looks like."""
    _put_status(draft, monitor)
    if monitor.keyword is not None:
        _put_keyword(draft, monitor.keyword)
    elif monitor.kind == "keyword":
        draft.notes.append("its keyword was not carried over: there is none")
    if monitor.assertions:
        _put_assertions(draft, monitor)
    elif monitor.kind == "api":
        draft.notes.append("its conditions were not carried over: there are none")
    if monitor.certificate_days and is_https:
        draft.put("expect", "certificate", value=format_duration(monitor.certificate_days * UNITS_MS["d"]))


def _put_status(draft: Draft, monitor: Monitor) -> None:
    """Set the healthy codes. A redirect that is followed has none of its own, and theirs are good by default."""
    codes = set(_GOOD | _MOVED)
    if monitor.success_codes is not None:
        codes = set(_named_codes(draft, monitor.success_codes)) or codes
    codes |= {code for code, is_up in monitor.status_rules if is_up}
    codes -= {code for code, is_up in monitor.status_rules if not is_up}
    if monitor.follows_redirects:
        if codes & _MOVED not in (set(), _MOVED):
            draft.notes.append("what it says of 3xx was not carried over: redirects are followed")
        codes -= _MOVED
    codes &= set(_CODES)
    if not codes:
        draft.notes.append("its status codes were not carried over: none would be healthy")
    elif codes != _GOOD:
        draft.put("expect", "status", value=list(status_words(codes)))


def _named_codes(draft: Draft, words: Iterable[str]) -> Iterator[int]:
    for word in words:
        found = _CODE.fullmatch(word.strip())
        if found is None:
            draft.notes.append(f'the status code "{word}" was not carried over: it is none')
        elif found[2]:
            yield int(word)
        else:
            yield from range(int(found[1]) * _CLASS, (int(found[1]) + 1) * _CLASS)


def status_words(codes: set[int]) -> Iterator[int | str]:
    """Yield codes as the file writes them: whole classes (``2xx``), ranges (``201-299``), single ones."""
    ordered = sorted(codes)
    runs = groupby(enumerate(ordered), key=lambda each: (each[1] - each[0], each[1] // _CLASS))
    for _, run in runs:
        members = [code for _, code in run]
        if len(members) == _CLASS:
            yield f"{members[0] // _CLASS}xx"
        elif len(members) == 1:
            yield members[0]
        else:
            yield f"{members[0]}-{members[-1]}"


def _put_keyword(draft: Draft, keyword: Keyword) -> None:
    """Set what the body must hold, or must not: a text that alerts when it exists is one that must not be there."""
    is_secret = draft.vault.guards(keyword.text)
    if not keyword.ignores_case or is_secret:
        name = "not_contains" if keyword.is_down_when_present else "contains"
        draft.keys["expect", "body", name] = draft.guarded(keyword.text, "KEYWORD", "the text to look for")
        if keyword.ignores_case:
            draft.notes.append("its keyword looks like a secret, and so its case counts now")
        return
    pattern = _META.sub(r"\\\g<0>", keyword.text)
    pattern = rf"(?is)\A(?!.*{pattern})" if keyword.is_down_when_present else f"(?i){pattern}"
    draft.put("expect", "body", "matches", value=pattern)


def _put_assertions(draft: Draft, monitor: Monitor) -> None:
    if not monitor.needs_all and len(monitor.assertions) > 1:
        any_of = "; ".join(f"{each.path} {each.comparison}" for each in monitor.assertions)
        draft.notes.append(
            f"its conditions were not carried over: one of them is enough there, all must hold here ({any_of})"
        )
        return
    by_path: dict[str, list[list[Any]]] = {}
    for each in monitor.assertions:
        if condition := _condition(draft, each):
            by_path.setdefault(each.path, []).append(condition)
    for path, conditions in by_path.items():
        draft.keys["expect", "json", path] = _written(conditions)


def _condition(draft: Draft, assertion: Assertion) -> list[Any] | None:
    """Return [operator, value] as the file writes it, or None, and a note, when it has no such condition."""
    path, target = assertion.path, assertion.target
    operator, operand = _operation(assertion.comparison, target)
    why = (
        draft.judge("expect.json", path, is_name=True)
        or (None if operator else "prober does not know it")
        or draft.judge("expect.json", [operator, operand])
    )
    if why:
        draft.notes.append(f"the condition {path} {assertion.comparison} was not carried over: {why}")
        return None
    if isinstance(operand, str):
        if operator in {"==", "!="} and (_NUMBER.fullmatch(operand) or operand in {"true", "false"}):
            draft.notes.append(f'{path} is compared with the text "{operand}", which is not the value {operand}')
        return [operator, draft.guarded(operand, "VALUE", f"the value of {path}")]
    return [operator, literal(operand)]


def _operation(comparison: str, target: Json) -> tuple[str | None, Json]:
    """Return our operator and operand for theirs; no operator: there is none."""
    if comparison in _NULLS:
        return "null", _NULLS[comparison]
    operator = _COMPARISONS.get(comparison)
    if target is None and operator in {"==", "!="}:
        return "null", operator == "=="
    return operator, _number(target) if operator in {"<", ">"} else target


def _number(target: Json) -> Json:
    """Return the number that a text writes, for only numbers have an order here."""
    if isinstance(target, str) and _NUMBER.fullmatch(target.strip()):
        return float(target) if "." in target else int(target)
    return target


def _written(conditions: list[list[Any]]) -> object:
    """Return conditions in the shortest spelling that means the same."""
    if len(conditions) > 1:
        return conditions
    operator, value = conditions[0]
    is_plain = isinstance(value, bool | int | float) or (isinstance(value, str) and not re.match("[<>!~=$]", value))
    if operator == "==" and is_plain:
        return value
    return f"{operator} {value}" if operator in {"<", ">"} else [operator, value]
