"""The parts that every ``probes.toml`` we write has in common, with what comes next in comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.toml import toml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMENT_CELLS: Final = 29

HEAD: Final = """\
# What prober watches, and whom it tells. Every key: docs/configuration.md
# Check this file and each probe once:  prober check
"""

CONNECTIVITY: Final = """
[connectivity]               # asked only when checks fail: are they down, or are we offline?
urls = ["https://www.gstatic.com/generate_204", "https://cp.cloudflare.com/generate_204"]
"""

_EMAIL = """
[alert.email]                # prove that it works:  prober test-alert
to       = {to}
from     = {sender}
{remind}server   = "localhost"       # a mail relay on this machine
security = "none"            # clear text, and so only to this machine
# With a mail provider, write this instead of the two lines above:
# server   = "smtp.example.com"
# security = "starttls"      # or "tls"
# username = "${{SMTP_USERNAME}}"
# password = "${{SMTP_PASSWORD}}"
"""

NO_EMAIL: Final = """
# Nobody is told yet. With these lines somebody is (prober test-alert proves it):
# [alert.email]
# to       = ["you@example.com"]
# from     = "prober@example.com"
# server   = "smtp.example.com"
# security = "starttls"      # or "tls"; "none" only to this machine
# username = "${SMTP_USERNAME}"
# password = "${SMTP_PASSWORD}"
"""


def defaults_table(interval: str = "5m", timeout: str = "10s") -> str:
    """Return ``[defaults]``."""
    lines = (
        ("[defaults]", "any key of a probe may stand here; a probe's own key wins"),
        (f"interval = {toml_text(interval)}", ""),
        ('recheck  = "1m"', "look again sooner while a verdict is pending"),
        (f"timeout  = {toml_text(timeout)}", "of a whole check: name lookup to last byte"),
        ("failures = 3", 'failed checks in a row that mean "down"'),
        ('slow     = "1s"', "a good check above this is slow; false: never"),
    )
    return "\n" + "".join(f"{line:<{_COMMENT_CELLS}}# {why}\n" if why else f"{line}\n" for line, why in lines)


def email_table(to: Sequence[str], remind: str | None = None) -> str:
    """Return ``[alert.email]`` for some addresses, by way of a relay on this machine; the mails come from the first."""
    again = f"remind   = {toml_text(remind)}"
    line = f"{again:<{_COMMENT_CELLS}}# again, while it is open and not acknowledged\n" if remind else ""
    return _EMAIL.format(to=toml_text(to), sender=toml_text(to[0]), remind=line)
