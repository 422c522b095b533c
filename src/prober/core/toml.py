"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from datetime import datetime

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def toml_text(value: object) -> str:
    """Return a value as TOML writes it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case dict():
            return f"{{ {', '.join(f'{toml_key(key)} = {toml_text(each)}' for key, each in value.items())} }}"
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def toml_key(*names: str) -> str:
    """Return a key by the names that lead to it, quoted where it must be."""
    return ".".join(name if _BARE.fullmatch(name) else toml_text(name) for name in names)
