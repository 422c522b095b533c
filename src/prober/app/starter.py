"""The ``probes.toml`` that ``prober init`` writes: valid as it is, with what comes next in comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from prober.adapters.config import toml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLE_URL: Final = "https://example.com/"
_ID_CHARS: Final = 64

_HEAD = """\
# What prober watches, and whom it tells. Every key: docs/configuration.md
# Check this file and each probe once:  prober check

[defaults]                   # any key of a probe may stand here; a probe's own key wins
interval = "5m"
recheck  = "1m"              # look again sooner while a verdict is pending
timeout  = "10s"             # of a whole check: name lookup to last byte
failures = 3                 # failed checks in a row that mean "down"
slow     = "1s"              # a good check above this is slow; false: never
"""

_FIRST_PROBE_HINTS = """\
# name = "API"                             # shown to people
# severity = "P0"                          # P0 to P3
# runbook = "https://wiki.example.com/api" # link in alerts
# headers = { Authorization = "Bearer ${API_TOKEN}" }   # from the environment
# expect.status = [200]                    # default: any 2xx
# expect.json.status = "ok"                # a value of a JSON body
# expect.certificate = "14d"               # tell when less is left
"""

_CONNECTIVITY = """
[connectivity]               # asked only when checks fail: are they down, or are we offline?
urls = ["https://www.gstatic.com/generate_204", "https://cp.cloudflare.com/generate_204"]
"""

_EMAIL = """
[alert.email]                # prove that it works:  prober test-alert
to       = [{address}]
from     = {address}
server   = "localhost"       # a mail relay on this machine
security = "none"            # clear text, and so only to this machine
# With a mail provider, write this instead of the two lines above:
# server   = "smtp.example.com"
# security = "starttls"      # or "tls"
# username = "${{SMTP_USERNAME}}"
# password = "${{SMTP_PASSWORD}}"
"""

_NO_EMAIL = """
# Nobody is told yet. With these lines somebody is (prober test-alert proves it):
# [alert.email]
# to       = ["you@example.com"]
# from     = "prober@example.com"
# server   = "smtp.example.com"
# security = "starttls"      # or "tls"; "none" only to this machine
# username = "${SMTP_USERNAME}"
# password = "${SMTP_PASSWORD}"
"""


def starter_text(urls: Sequence[str], email: str | None) -> str:
    """Return a commented configuration for some valid URLs and perhaps a mail address; without URLs, for an example."""
    probes, taken = [], set[str]()
    for index, url in enumerate(urls or (EXAMPLE_URL,)):
        probe_id = _free_id(url, taken)
        taken.add(probe_id)
        hints = "" if index else _FIRST_PROBE_HINTS
        probes.append(f"\n[probe.{probe_id}]\nurl = {toml_text(url)}\n{hints}")
    alert = _EMAIL.format(address=toml_text(email)) if email else _NO_EMAIL
    return "".join((_HEAD, *probes, _CONNECTIVITY, alert))


def _free_id(url: str, taken: set[str]) -> str:
    """Return an id made of the URL's host and the last part of its path, with a number if it is taken."""
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    name = re.sub("[^a-z0-9]+", "-", f"{parts.hostname or ''}-{last}".lower()).strip("-") or "probe"
    candidate, number = name[:_ID_CHARS].rstrip("-"), 1
    while candidate in taken:
        number += 1
        candidate = f"{name[: _ID_CHARS - len(str(number)) - 1].rstrip('-')}-{number}"
    return candidate
