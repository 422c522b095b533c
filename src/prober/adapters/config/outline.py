"""What a configuration file says of its surroundings, also when the rest of it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prober.adapters.config.kinds import Invalid
from prober.adapters.config.source import read_source
from prober.adapters.config.variables import Origin, Variables, placeholders
from prober.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The variables that a file asks for with where each is set, and its ``[store] path``, if that can be read.

    A variable that is set nowhere, and has no default in the file, has no origin.
    """

    variables: Mapping[str, Origin | None]
    store_path: str | None


def find_outline(path: Path, *, environ: Mapping[str, str]) -> Outline | None:
    """Return the outline of a file; None when it cannot be read at all."""
    try:
        source = read_source(path)
    except ConfigError:
        return None
    variables = Variables(environ)
    wanted = dict.fromkeys((name for text in _texts(source.data) for name, _ in placeholders(text)), True)
    for text in _texts(source.data):
        for name, has_default in placeholders(text):
            wanted[name] &= has_default
    origins = {name: variables.origin(name) or ("default" if optional else None) for name, optional in wanted.items()}
    return Outline(variables=origins, store_path=_store_path(source.data, variables, source.path.parent))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever TOML holds
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)


def _store_path(data: Mapping[str, Any], variables: Variables, folder: Path) -> str | None:
    store = data.get("store")
    path = store.get("path") if isinstance(store, dict) else None
    if not isinstance(path, str):
        return None
    try:
        return str(folder / variables.expand(path, is_secret=False))
    except Invalid:
        return None
