"""Load httpx without what it loads in passing and we never use: its command line, with rich and click, and trio.

They are half of its start-up, and a run starts anew every five minutes. Python takes a name for which ``sys.modules``
holds None as not installed, which httpx and httpcore are prepared for.
"""

from __future__ import annotations

import sys

_UNUSED = [name for name in ("httpx._main", "trio") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]

import httpcore  # noqa: E402
import httpx  # noqa: E402

for _name in _UNUSED:
    del sys.modules[_name]

__all__ = ["httpcore", "httpx"]
