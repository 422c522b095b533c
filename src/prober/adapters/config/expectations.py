"""Kinds of values that only ``expect`` holds: status codes and conditions on a JSON body."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from prober.adapters.config.kinds import Invalid, Kind, Shape, check_pattern
from prober.core.expect import JsonRule, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.core.expect import Json

OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)

_STATUS = re.compile(r"([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_TEXT_OPERATOR = re.compile(r"(<=|>=|!=|<|>|~)\s*(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,308})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}
_ORDERING: Final = frozenset({"<", "<=", ">", ">="})
_SCALAR: Final = {"type": ["string", "number", "boolean"]}
_PAIR: Final = {
    "type": "array",
    "prefixItems": [{"enum": list(OPERATORS)}, {"type": ["string", "number", "boolean", "array", "object"]}],
    "minItems": 2,
    "maxItems": 2,
}
_PAIRS: Final = {"type": "array", "items": _PAIR, "minItems": 1}
_NESTED: Final = {"$ref": "#/$defs/probe/properties/expect/properties/json", "minProperties": 1}


def status() -> Kind:
    """Return the kind of status codes: one, a class (``2xx``) or a range (``200-299``), as an inclusive range."""
    return Kind(
        read=_read_status,
        schema={
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": rf"^(?:{_STATUS.pattern})$|\$[{{$]"},
            ]
        },
        shape=Shape.ONE_OR_LIST,
    )


def _read_status(value: object) -> tuple[int, int]:
    if isinstance(value, int) and 100 <= value <= 599:  # noqa: PLR2004
        return value, value
    found = _STATUS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid("{value} is not a status", advice='write 200, "2xx" or "200-299"')
    if found[1]:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    first, last = int(found[2]), int(found[3] or found[2])
    if first > last:
        raise Invalid("{value} ends before it begins", hint=f'write "{last}-{first}"')
    return first, last


def conditions() -> Kind:
    """Return the kind of conditions on a JSON body, each read as an operator and its operand."""
    return Kind(
        read=_read_condition,
        schema={
            "type": "object",
            "additionalProperties": {"anyOf": [_SCALAR, _PAIR, _PAIRS, _NESTED]},
        },
        shape=Shape.CONDITIONS,
        read_name=_read_path,
    )


def as_rule(path: str, condition: tuple[Operator, Json]) -> JsonRule:
    """Return a condition as the rule that core judges by."""
    return JsonRule(path=path, operator=condition[0], operand=condition[1])


def _read_path(path: str) -> str:
    if path.startswith("$"):
        _check_json_path(path)
    elif not all(path.split(".")):
        raise Invalid(
            "{value} has an empty part", advice='write the keys with one dot between each, like "memory.percent"'
        )
    return path


def _check_json_path(path: str) -> None:
    from jsonpath_rfc9535 import JSONPathEnvironment  # noqa: PLC0415 - costs start-up time, only such paths need it

    environment = JSONPathEnvironment()
    for name in ("match", "search"):
        del environment.function_extensions[name]
    try:
        environment.compile(path)
    except Exception as error:  # noqa: BLE001 - whatever the compiler trips over, the path is to blame
        refused = re.search(r"'(match|search)' is not defined", str(error))
        why = (
            f"{refused[1]}() is refused, it could run for minutes"
            if refused
            else str(error) or "it is nested too deeply"
        )
        raise Invalid(f"{{value}} is not a JSONPath that prober takes: {why}") from None


def split_conditions(value: object) -> Iterator[tuple[tuple[int, ...], object]]:
    """Yield the single conditions that a key of ``expect.json`` holds, each with its index if it is one of a list."""
    if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
        for index, each in enumerate(value):
            yield (index,), each
    else:
        yield (), value


def _read_condition(value: object) -> tuple[Operator, Json]:
    if isinstance(value, list):
        return _read_pair(value)
    if not isinstance(value, str):
        return "==", _json(value)
    found = _TEXT_OPERATOR.fullmatch(value)
    if found is None:
        return "==", value
    operator = cast("Operator", found[1])
    if not found[2]:
        raise Invalid(
            "{value} compares with nothing", advice=f'a text that begins like an operator: ["==", "{operator}"]'
        )
    operand = found[2] if operator == "~" else _operand(found[2].rstrip())
    _check_operand(operator, operand)
    return operator, operand


def _read_pair(pair: list[Any]) -> tuple[Operator, Json]:
    if len(pair) != 2 or pair[0] not in OPERATORS:  # noqa: PLR2004
        raise Invalid(f"a condition is [operator, value], or a list of such; operators: {' '.join(OPERATORS)}")
    operator, operand = cast("Operator", pair[0]), _json(pair[1])
    _check_operand(operator, operand)
    return operator, operand


def _operand(text: str) -> Json:
    """Return what the text after an operator means: a JSON scalar if it is one, else itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _json(json.loads(text))
    if text.startswith('"'):
        try:
            return cast("Json", json.loads(text))
        except ValueError:
            raise Invalid("{value} holds a quoted text that does not end or has something behind it") from None
    return text


def _check_operand(operator: Operator, operand: Json) -> None:
    if operator in _ORDERING and (isinstance(operand, bool) or not isinstance(operand, int | float)):
        raise Invalid(f'"{operator}" compares with a number only', advice='to mean a text: ["==", "<text"]')
    if operator == "~":
        if not isinstance(operand, str):
            raise Invalid('"~" takes a regular expression')
        check_pattern(operand)
    if operator == "in" and not (isinstance(operand, list) and operand):
        raise Invalid('"in" takes a list of values', advice='["in", ["ready", "ok"]]')
    if operator in {"exists", "null"} and not isinstance(operand, bool):
        raise Invalid(f'"{operator}" takes true or false')


def _json(value: object) -> Json:
    """Return a TOML value as JSON. Raises `Invalid` for dates and what is no number, wherever they stand in it."""
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise Invalid(f"{value} is not a value of JSON", hint=None if isinstance(value, float) else f'write "{value}"')
