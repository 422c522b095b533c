"""UptimeRobot's API, read only: the key travels in a body or a header, never in an address."""

from prober.adapters.uptimerobot.look import look
from prober.adapters.uptimerobot.record import read_records

__all__ = ["look", "read_records"]
