"""Hand alerts to a mail server, and know for sure what became of each."""

from prober.adapters.mail.fate import Accepted, Handover, Refused, Unknown
from prober.adapters.mail.session import SmtpMailer

__all__ = ["Accepted", "Handover", "Refused", "SmtpMailer", "Unknown"]
