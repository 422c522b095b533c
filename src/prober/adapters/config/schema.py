"""The JSON Schema of ``probes.toml``, for editors: the same table of keys, said in another language.

It knows what one key can hold. What only the whole file can tell (a timeout below the interval) is left to the program.
"""

from __future__ import annotations

from typing import Any

from prober.adapters.config.keys import (
    ALERT_TREE,
    ID_PATTERN,
    MAINTENANCE_TREE,
    MOST_PROBES,
    PROBE_TREE,
    TOP_KEYS,
    Key,
    Tree,
    tree,
)
from prober.adapters.config.kinds import Shape

_EMAIL_NEEDS = ["to", "from", "server"]


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of the configuration file."""
    top = _table(tree(TOP_KEYS))
    top["properties"] |= {
        "defaults": {"$ref": "#/$defs/probe", "description": "Any key of a probe, for all probes that lack it."},
        "probe": _by_id({"$ref": "#/$defs/probe"}) | {"minProperties": 1, "maxProperties": MOST_PROBES},
        "alert": _by_id(
            {"$ref": "#/$defs/alert", "required": _EMAIL_NEEDS, "dependentRequired": _both("username", "password")}
        ),
    }
    top["properties"]["maintenance"] = {"type": "array", "items": {"$ref": "#/$defs/maintenance"}}
    top["properties"]["standby"] |= _STANDBY_NEEDS
    top["properties"]["alert"]["patternProperties"]["^(?!email$)"] = {"required": ["kind"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "probes.toml",
        "description": "The configuration of prober.",
        **top,
        "required": ["probe"],
        "anyOf": [
            {"properties": {"probe": {"additionalProperties": {"required": ["url"]}}}},
            {"properties": {"defaults": {"required": ["url"]}}, "required": ["defaults"]},
        ],
        "if": {"properties": {"defaults": {"required": ["auth"]}}, "required": ["defaults"]},
        "else": {"properties": {"probe": {"additionalProperties": {"properties": {"auth": _PAIRED_AUTH}}}}},
        "$defs": {
            "probe": _table(PROBE_TREE),
            "alert": _table(ALERT_TREE),
            "maintenance": _table(MAINTENANCE_TREE) | _MAINTENANCE_NEEDS,
        },
    }


def _by_id(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {f"^{ID_PATTERN}$": item}, "additionalProperties": False}


def _both(one: str, other: str) -> dict[str, list[str]]:
    return {one: [other], other: [one]}


_PAIRED_AUTH = {"dependentRequired": _both("username", "password")}


_STANDBY_NEEDS = {
    "required": ["behind"],
    "if": {"properties": {"behind": {"const": "prober"}}, "required": ["behind"]},
    "then": {"required": ["url"], "properties": {"api_key": False}},
    "else": {"required": ["api_key"]},
}


_MAINTENANCE_NEEDS = {"required": ["duration"], "oneOf": [{"required": ["cron"]}, {"required": ["start"]}]}


def _table(keys: Tree) -> dict[str, Any]:
    properties = {name: _of_key(key) if isinstance(key, Key) else _table(key or {}) for name, key in keys.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _of_key(key: Key) -> dict[str, Any]:
    described: dict[str, Any] = {"description": key.doc}
    if key.default is not None:
        described["default"] = key.default
    one = dict(key.kind.schema)
    match key.kind.shape:
        case Shape.ONE | Shape.CONDITIONS:
            return one | described
        case Shape.MAP:
            names = {"propertyNames": dict(key.kind.name_schema)}
            return {"type": "object", "additionalProperties": one} | names | described
        case _:
            several = {"type": "array", "items": one} | ({} if key.default == [] else {"minItems": 1})
            return (several if key.kind.shape is Shape.LIST else {"anyOf": [one, several]}) | described
