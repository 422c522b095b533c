"""A stand-in of UptimeRobot's API on loopback, v2 and v3, as far as its shapes are known.

``account`` is what it knows and how it is, ``v2`` and ``v3`` are what it says of that, ``server`` is how it says it.
"""

from tests.servers.uptimerobot.account import Account, Contact, Log, Monitor, Mood, Request, Window
from tests.servers.uptimerobot.realistic import realistic_account
from tests.servers.uptimerobot.server import UptimeRobot, run_uptimerobot, uptimerobot_in_thread

__all__ = [
    "Account",
    "Contact",
    "Log",
    "Monitor",
    "Mood",
    "Request",
    "UptimeRobot",
    "Window",
    "realistic_account",
    "run_uptimerobot",
    "uptimerobot_in_thread",
]
