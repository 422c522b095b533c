"""What can stop *us*. A target that fails is a result, never an exception.

Each class carries the exit code it ends the program with; a message says what, where and what to do next.
"""

from __future__ import annotations


class ProberError(Exception):
    """Something kept us from doing our work.

    ``title`` stands before the message where it is printed.
    """

    exit_code = 1
    title = "error: "


class UsageError(ProberError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ConfigError(ProberError):
    """The configuration is invalid, or a secret it names is missing."""

    exit_code = 3


class DeliveryError(ProberError):
    """An alert could not be handed over."""

    exit_code = 4


class StoreError(ProberError):
    """The store is unreadable, unwritable, or made by a newer version."""

    exit_code = 5


class NoAnswerError(ProberError):
    """Another program's API sent no answer: it could not be reached, or not in time."""


class GitError(ProberError):
    """Git could not read or write the branch that keeps the state."""

    exit_code = 5
