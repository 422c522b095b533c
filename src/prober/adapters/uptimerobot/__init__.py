"""UptimeRobot's API, read only: the key travels in the body of a POST and nowhere else."""

from prober.adapters.uptimerobot.calls import V2
from prober.adapters.uptimerobot.look import look

__all__ = ["V2", "look"]
