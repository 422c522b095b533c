"""What became of a message, and what an error means for the next attempt.

A message's fate turns on one moment. Before its content is on the way, whatever goes wrong leaves it surely not
accepted; from then on only the server's reply tells, and a connection lost before that reply leaves the fate unknown.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final, TypeAlias

_PERMANENT: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The server took the message."""

    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The message was surely not accepted; ``is_permanent`` says that trying again soon is of no use."""

    reply: str
    is_permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The message may have been accepted: its content went out, and no reply that decides came back."""

    detail: str


Handover: TypeAlias = Accepted | Refused | Unknown


def of_reply(code: int, said: str) -> Handover:
    """Return what the reply to a message's content means."""
    match code // 100:
        case 2:
            return Accepted(reply=said)
        case 4 | 5:
            return Refused(reply=said, is_permanent=code // 100 == _PERMANENT)
        case _:
            return Unknown(detail=f"the server answered the message with: {said}")


def may_pass_at_once(error: BaseException) -> bool:
    """Say whether the very next attempt may succeed: there was trouble on the way, and nobody decided anything."""
    return isinstance(error, OSError) and not is_reply(error) and not is_permanent(error)


def is_permanent(error: BaseException) -> bool:
    """Say whether trying again soon is of no use: a 5xx reply, TLS, no way to log in, an impossible address."""
    from aiosmtplib import SMTPException, SMTPResponseException  # noqa: PLC0415

    match error:
        case SMTPResponseException():
            return error.code // 100 == _PERMANENT
        case ssl.SSLEOFError():
            return False
        case ssl.SSLError():
            return True
        case OSError():
            return error.__cause__ is not None and is_permanent(error.__cause__)
        case _:
            return isinstance(error, SMTPException | ValueError)


def is_reply(error: BaseException) -> bool:
    """Say whether an error is something that the server said."""
    from aiosmtplib import SMTPResponseException  # noqa: PLC0415

    return isinstance(error, SMTPResponseException)


def told(error: Exception, *, timeout_s: float) -> str:
    """Return an error in words. They may quote the server, so they are neither clean nor free of secrets."""
    from aiosmtplib import SMTPResponseException  # noqa: PLC0415

    match error:
        case SMTPResponseException():
            return f"{error.code} {error.message}"
        case OSError(strerror=str(words)):
            return words
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case _:
            return str(error) or type(error).__name__
