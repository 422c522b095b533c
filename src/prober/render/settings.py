"""What ``prober config show`` prints: keys, values, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

_SETTING_CELLS: Final = 50


def rows(shown: Sequence[tuple[str, str, str]]) -> str:
    """Return (key, value, origin) as lines that TOML reads."""
    return "".join(
        f"{clean(f'{key} = {value}'):<{_SETTING_CELLS}}  # {clean(origin)}\n" for key, value, origin in shown
    )
