"""Mails as a reader's program takes them apart."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One parsed mail."""

    message: EmailMessage
    text: str
    html: str

    def __getitem__(self, name: str) -> str:
        return str(self.message[name])


def parsed(raw: bytes) -> Mail:
    """Take a mail apart, and insist that nothing in it is broken."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert [defect for part in message.walk() for defect in part.defects] == []
    return Mail(message=message, text=_content(message, "plain"), html=_content(message, "html"))


def fields_of(raw: bytes) -> Iterator[tuple[str, str]]:
    """Return the header as it stands in the bytes, line by line."""
    for line in raw.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n"):
        name, _, value = line.partition(": ")
        yield name, value


def _content(message: EmailMessage, subtype: str) -> str:
    for part in message.walk():
        if part.get_content_type() == f"text/{subtype}":
            return str(part.get_content()).replace("\r\n", "\n")
    return ""
