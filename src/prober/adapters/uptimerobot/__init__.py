"""UptimeRobot's API, read only: the key travels in the body of a POST and nowhere else."""

from prober.adapters.uptimerobot.look import look
from prober.adapters.uptimerobot.record import read_records

__all__ = ["look", "read_records"]
