"""The ``probes.toml`` that ``prober init`` writes: valid as it is, with what comes next in comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from prober.core.importing.spelling import free_id
from prober.core.toml import toml_text
from prober.render.blocks import CONNECTIVITY, HEAD, NO_EMAIL, defaults_table, email_table

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLE_URL: Final = "https://example.com/"

_FIRST_PROBE_HINTS = """\
# name = "API"                             # shown to people
# severity = "P0"                          # P0 to P3
# runbook = "https://wiki.example.com/api" # link in alerts
# headers = { Authorization = "Bearer ${API_TOKEN}" }   # from the environment
# expect.status = [200]                    # default: any 2xx
# expect.json.status = "ok"                # a value of a JSON body
# expect.certificate = "14d"               # tell when less is left
"""


def starter_text(urls: Sequence[str], address: str | None) -> str:
    """Return a commented configuration for some valid URLs and perhaps a mail address; without URLs, for an example."""
    probes, taken = [], set[str]()
    for index, url in enumerate(urls or (EXAMPLE_URL,)):
        probe_id = _id(url, taken)
        taken.add(probe_id)
        hints = "" if index else _FIRST_PROBE_HINTS
        probes.append(f"\n[probe.{probe_id}]\nurl = {toml_text(url)}\n{hints}")
    alert = email_table((address,)) if address else NO_EMAIL
    return "".join((HEAD, defaults_table(), *probes, CONNECTIVITY, alert))


def _id(url: str, taken: set[str]) -> str:
    """Return an id made of the URL's host and the last part of its path, with a number if it is taken."""
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    return free_id(f"{parts.hostname or ''}-{last}", taken=taken)
