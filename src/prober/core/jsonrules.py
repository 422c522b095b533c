"""Conditions on a JSON body: read it strictly, walk to a value, compare without surprises.

Nothing is ever converted: ``true`` is not ``1``, ``"57"`` is not ``57``, and an absent value satisfies no operator but
``["exists", false]``.
"""

from __future__ import annotations

import json
from contextlib import suppress
from math import isfinite
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard, cast

from prober.core.text import cut, scrub, scrub_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prober.core.expect import Json, JsonRule, Operator

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 4300
_QUICK_SEARCH_S: Final = 0.001


class NotJsonError(ValueError):
    """The body is not JSON that we accept; the message says what it is instead."""


class PathError(ValueError):
    """A path could not be followed."""


def parse_json(body: bytes) -> Json:
    """Read a body as JSON in UTF-8, with or without a byte order mark.

    Raises `NotJsonError`, also for what Python alone lets pass or chokes on: NaN, infinities, numbers out of range,
    very long integers and deep nesting.
    """
    if not body.strip():
        raise NotJsonError("an empty body")
    try:
        text = body.decode("utf-8-sig")
        value: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
    except UnicodeDecodeError:
        raise NotJsonError("bytes that are not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"something else ({error.msg} at line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise NotJsonError(f"more than {MAX_DEPTH} levels of nesting") from None
    if _is_deeper_than(MAX_DEPTH, value):
        raise NotJsonError(f"more than {MAX_DEPTH} levels of nesting")
    return value


def broken(rule: JsonRule, document: Json, *, mask: Callable[[str], str], budget_s: float) -> str | None:
    """Return what a rule found wrong with a document as a sentence, or None when the rule holds.

    The long searches of one ``~`` rule together take less than twice ``budget_s``, whatever its path matches.
    """
    try:
        complaint = _complaint(rule, _find(rule.path, document), mask, budget_s)
    except PathError as error:
        complaint = scrub(str(error), mask)
    except TimeoutError:
        complaint = took_longer(budget_s)
    return complaint and f"{rule.path}: {complaint}"


def search(pattern: str, text: str, *, budget_s: float, is_quick: bool = False) -> bool:
    """Say whether a pattern occurs in a text. Raises `TimeoutError` when the budget does not suffice.

    The budget is of processor time of the whole process, and waiting for the interpreter lock counts: a small one needs
    a quick search, which keeps the lock.
    """
    import regex  # noqa: PLC0415 - slow to import, and most probes have no pattern

    timeout_s = max(budget_s, _QUICK_SEARCH_S)
    return regex.search(pattern, text, timeout=timeout_s, concurrent=not is_quick) is not None


def took_longer(budget_s: float) -> str:
    """Say that a pattern ran out of its budget."""
    return f"pattern took longer than {budget_s * 1000:.0f} ms"


def shown(value: Json, *, mask: Callable[[str], str]) -> str:
    """Return a value as people read it: JSON of about 80 characters, without secrets and harmless."""
    if isinstance(value, str):
        return f'"{cut(scrub_start(value, mask), 80)}"'
    return cut(scrub_start(json.dumps(value, ensure_ascii=False), mask), 80)


def _complaint(rule: JsonRule, values: Iterable[Json], mask: Callable[[str], str], budget_s: float) -> str | None:
    holds = _judge_of(rule, budget_s)
    is_present = False
    for value in values:
        is_present = True
        if not holds(value):
            return f"expected {_expectation(rule, mask)}, got {shown(value, mask=mask)}"
    if is_present or (rule.operator == "exists" and rule.operand is False):
        return None
    return f"expected {_expectation(rule, mask)}, absent"


def _find(path: str, document: Json) -> Iterable[Json]:
    return _follow(path, document) if path.startswith("$") else _walk(path.split("."), document)


def _follow(path: str, document: Json) -> Iterator[Json]:
    """Yield values as they are found: a path can lead to more than anyone has time to find."""
    from jsonpath_rfc9535 import JSONPathError, finditer  # noqa: PLC0415 - slow to import, and most rules are dotted paths

    try:
        for node in finditer(path, document):
            yield cast("Json", node.value)
    except JSONPathError as error:
        raise PathError(str(error)) from None


def _walk(keys: list[str], value: Json) -> list[Json]:
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return []
    return [value]


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < MAX_DIGITS


def _judge_of(rule: JsonRule, budget_s: float) -> Callable[[Json], bool]:
    if rule.operator == "~":
        return _searcher(rule.operand, budget_s)
    holds = _OPERATORS[rule.operator]
    return lambda value: holds(value, rule.operand)


def _searcher(pattern: Json, budget_s: float) -> Callable[[Json], bool]:
    """Return a judge that halves its budget with each long search: without a clock, that bounds their sum."""

    def holds(value: Json) -> bool:
        nonlocal budget_s
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        with suppress(TimeoutError):
            return search(pattern, value, budget_s=_QUICK_SEARCH_S, is_quick=True)
        found = search(pattern, value, budget_s=budget_s)
        budget_s /= 2
        return found

    return holds


def _same(one: Json, other: Json) -> bool:
    if _is_number(one) and _is_number(other):
        return one == other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    return type(one) is type(other) and one == other


def _contains(whole: Json, part: Json) -> bool | None:
    if isinstance(whole, list):
        return any(_same(member, part) for member in whole)
    if isinstance(whole, str | dict) and isinstance(part, str):
        return part in whole
    return None


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Json, Json], bool]:
    return lambda value, operand: _is_number(value) and _is_number(operand) and compare(value, operand)


_OPERATORS: Final[dict[Operator, Callable[[Json, Json], bool]]] = {
    "==": _same,
    "!=": lambda value, operand: not _same(value, operand),
    "<": _ordered(lt),
    "<=": _ordered(le),
    ">": _ordered(gt),
    ">=": _ordered(ge),
    "contains": lambda value, operand: _contains(value, operand) is True,
    "not_contains": lambda value, operand: _contains(value, operand) is False,
    "in": lambda value, operand: isinstance(operand, list) and _contains(operand, value) is True,
    "exists": lambda _, operand: operand is True,
    "null": lambda value, operand: (value is None) is operand,
}
_WORDS: Final[dict[Operator, str]] = {
    "==": "",
    "~": "to match ",
    "contains": "to contain ",
    "not_contains": "not to contain ",
    "in": "one of ",
}


def _expectation(rule: JsonRule, mask: Callable[[str], str]) -> str:
    if rule.operator == "exists":
        return "to exist" if rule.operand else "to be absent"
    if rule.operator == "null":
        return "null" if rule.operand else "anything but null"
    return _WORDS.get(rule.operator, f"{rule.operator} ") + shown(rule.operand, mask=mask)


def _is_deeper_than(depth: int, value: Json) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for each in level for child in _children(each)]
    return any(isinstance(each, list | dict) for each in level)


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse(word: str) -> NoReturn:
    raise NotJsonError(f"{word}, which is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise NotJsonError("a number that is out of range")
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise NotJsonError(f"an integer of more than {MAX_DIGITS} digits")
    return int(digits)
