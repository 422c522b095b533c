"""prober: a synthetic uptime prober that never loses an alert."""

__version__ = "0.1.0"
