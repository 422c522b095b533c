"""Hold the parsed file against the table of keys: every value read, every problem noted, nothing raised.

A leaf is one value of a table under its whole name: ``("expect.status", "")``, ``("headers", "authorization")``.
Merging ``[defaults]`` leaf by leaf is then no more than merging two dicts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from prober.adapters.config.expectations import as_rule, split_conditions
from prober.adapters.config.keys import PROBE_TREE, Key, Tree
from prober.adapters.config.kinds import Invalid, Shape, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prober.adapters.config.positions import Path
    from prober.adapters.config.variables import Variables

Leaves: TypeAlias = "dict[tuple[str, str], Leaf]"


@dataclass(slots=True, kw_only=True)
class Leaf:
    """A value that was read, the text or number it was read from, and its place in the file.

    A broken one has no value: the problem is noted, and no further one should follow from it.
    """

    value: Any
    expanded: Any
    path: Path
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a place of the parsed data: at the key there or at its value."""

    path: Path
    message: str
    at: Literal["key", "value"] = "value"
    suggestion: str = ""


@dataclass(slots=True)
class TableReader:
    """Reads tables, and gathers what is wrong with them."""

    variables: Variables
    findings: dict[Finding, None] = field(default_factory=dict)

    def note(self, path: Path, message: str, *, at: Literal["key", "value"] = "value", suggestion: str = "") -> None:
        """Add a finding, once."""
        self.findings[Finding(path, message, at, suggestion)] = None

    def read(self, table: object, tree: Tree, path: Path) -> Leaves:
        """Return the leaves of a table, and note everything wrong with it."""
        leaves: Leaves = {}
        self._read_table(table, tree, path, path, leaves)
        return leaves

    def _read_table(self, table: object, tree: Tree, root: Path, path: Path, leaves: Leaves) -> None:
        if not isinstance(table, dict):
            self.note(path, f"{_named(path)} is a table and holds further keys: {', '.join(tree)}")
            return
        for name, raw in table.items():
            at = (*path, name)
            if name not in tree:
                self._note_unknown(name, tree, root, at)
            elif isinstance(key := tree[name], Key):
                self._read_key(key, raw, at, leaves)
            elif key is not None:
                self._read_table(raw, key, root, at, leaves)

    def _note_unknown(self, name: str, tree: Tree, root: Path, path: Path) -> None:
        root = root or path[:-1]
        where = f" in {_header(root)}" if root else ""
        self.note(
            path,
            f'unknown key "{_dotted(path[len(root) :])}"{where}',
            at="key",
            suggestion=_suggestion(name, tuple(tree), is_top=len(path) == 1),
        )

    def _read_key(self, key: Key, raw: object, path: Path, leaves: Leaves) -> None:
        match key.kind.shape:
            case Shape.ONE:
                leaves[key.name, ""] = self._one(key, raw, path)
            case Shape.ONE_OR_LIST if not isinstance(raw, list):
                leaves[key.name, ""] = self._list(key, [raw], path, is_single=True)
            case Shape.LIST | Shape.ONE_OR_LIST:
                leaves[key.name, ""] = self._list(key, raw, path)
            case _:
                self._map(key, raw, path, leaves)

    def _one(self, key: Key, raw: object, path: Path) -> Leaf:
        expanded = raw
        try:
            expanded = self.variables.expand(raw, is_secret=key.can_hold_secrets)
            value = key.kind.read(expanded)
        except Invalid as problem:
            self.note(path, problem.text(raw, is_expanded=_has_placeholder(raw), is_secret=key.is_secret))
            return Leaf(value=None, expanded=None, path=path, is_broken=True)
        if key.is_secret:
            self.variables.add_secret(value)
        return Leaf(value=value, expanded=expanded, path=path)

    def _list(self, key: Key, raw: object, path: Path, *, is_single: bool = False) -> Leaf:
        if not isinstance(raw, list) or (not raw and key.default != []):
            advice = f" (write [{show(raw)}])" if isinstance(raw, str) else ""
            self.note(path, f"{show(raw)} is not a list{advice}" if raw != [] else "the list is empty")
            return Leaf(value=None, expanded=None, path=path, is_broken=True)
        read = [self._one(key, each, path if is_single else (*path, index)) for index, each in enumerate(raw)]
        expanded = [each.expanded for each in read]
        return Leaf(
            value=tuple(each.value for each in read),
            expanded=expanded[0] if is_single else expanded,
            path=path,
            is_broken=any(each.is_broken for each in read),
        )

    def _map(self, key: Key, raw: object, path: Path, leaves: Leaves) -> None:
        if not isinstance(raw, dict):
            self.note(path, f"{key.name} is a table of names and values")
            return
        is_flat = key.kind.shape is Shape.MAP
        own: Leaves = {}
        for parts, each in _flattened(raw, is_flat=is_flat):
            at = (*path, *parts)
            name = self._name(key, ".".join(parts), at)
            if name is None:
                continue
            if (key.name, name) in own:
                self.note(at, f'{key.name} "{name}" is given twice{"" if is_flat else _TWICE}', at="key")
            own[key.name, name] = self._one(key, each, at) if is_flat else self._conditions(key, name, each, at)
        leaves.update(own)

    def _name(self, key: Key, name: str, path: Path) -> str | None:
        try:
            return key.kind.read_name(name)
        except Invalid as problem:
            self.note(path, problem.text(name, is_expanded=False, is_secret=False), at="key")
            return None

    def _conditions(self, key: Key, json_path: str, raw: object, path: Path) -> Leaf:
        if isinstance(raw, dict):
            self.note(path, 'a table is no condition (write ["==", { ... }] to compare with one)')
            return Leaf(value=(), expanded=None, path=path, is_broken=True)
        read = [self._one(key, each, (*path, *index)) for index, each in split_conditions(raw)]
        return Leaf(
            value=tuple(as_rule(json_path, each.value) for each in read if not each.is_broken),
            expanded=[each.expanded for each in read] if len(read) > 1 else read[0].expanded,
            path=path,
            is_broken=any(each.is_broken for each in read),
        )


_TWICE = " (quoted and nested keys mean the same path)"


def _flattened(table: dict[str, Any], *, is_flat: bool) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield what nested tables hold, by the names that lead there; a flat one and a JSONPath do not nest."""
    waiting: list[tuple[tuple[str, ...], object]] = [((name,), value) for name, value in reversed(table.items())]
    while waiting:
        names, value = waiting.pop()
        if isinstance(value, dict) and value and not (is_flat or names[0].startswith("$")):
            waiting += [((*names, name), each) for name, each in reversed(value.items())]
        else:
            yield names, value


def _has_placeholder(raw: object) -> bool:
    if isinstance(raw, list):
        return any(_has_placeholder(each) for each in raw)
    return isinstance(raw, str) and "$" in raw


def _header(path: Path) -> str:
    """Return how the file opens a table: of a list of tables, all begin alike."""
    return f"[[{_dotted(path[:-1])}]]" if isinstance(path[-1], int) else f"[{_dotted(path)}]"


def _named(path: Path) -> str:
    return _header(path) if isinstance(path[-1], int) else _dotted(path)


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))


@cache
def _suggestion(name: str, known: tuple[str, ...], *, is_top: bool) -> str:
    near = get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.65)
    if near:
        return f'did you mean "{near[0]}"?'
    if is_top and name in PROBE_TREE:
        return "write it in [defaults] or in a [probe.<id>]"
    return ""
