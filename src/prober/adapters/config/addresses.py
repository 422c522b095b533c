"""URLs, host names and mail addresses as a configuration may give them: anything odd is refused before it is used."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit, urlunsplit

from prober.adapters.config.kinds import Invalid

_URL_CHARS = 8192
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_AUTHORITY = re.compile(r"(?:\[[^][]*\]|[^][]*?)(?::[^][:]*)?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def read_url(value: object) -> str:
    """Return an http or https URL that can be requested, without its fragment."""
    link = read_link(value)
    return urlunsplit(urlsplit(link)._replace(fragment="")) if "#" in link else link


def read_link(value: object) -> str:
    """Return an http or https URL for people to follow."""
    if not isinstance(value, str):
        raise Invalid("{value} is not a URL", hint='write "https://..."')
    if " " in value or not value.isprintable():
        raise Invalid("{value} holds a space or a control character", hint="write %20 for a space")
    if len(value) > _URL_CHARS:
        raise Invalid(f"the URL has more than {_URL_CHARS} characters")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid("{value} is not a URL: its host or port cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise Invalid("{value} is not an http or https URL", hint=None if parts.scheme else 'write "https://..."')
    _check_authority(parts.netloc)
    if port == 0:
        raise Invalid("{value} has port 0", advice="ports go from 1 to 65535")
    check_host(host or "", is_bracketed="[" in parts.netloc)
    return value


def _check_authority(authority: str) -> None:
    if "@" in authority:
        raise Invalid("credentials in a URL are refused", advice="use headers or auth, and ${NAME} for the secret")
    if not _AUTHORITY.fullmatch(authority):
        raise Invalid("{value} is not a URL: brackets stand around an IPv6 address only")


def read_server(value: object) -> str:
    """Return a host name or an IP address."""
    if not isinstance(value, str):
        raise Invalid("{value} is not the name of a server", hint='write "smtp.example.com"')
    check_host(value, is_bracketed=":" in value)
    return value


def check_host(host: str, *, is_bracketed: bool) -> None:
    """Raise `Invalid` for what is neither a host name that can be looked up nor an IP address."""
    if not host:
        raise Invalid("{value} has no host")
    if is_bracketed:
        _check_ip(host, is_v6=True)
        return
    labels = ascii_host(host).removesuffix(".").split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        _check_ip(host, is_v6=False)
    elif sum(map(len, labels)) + len(labels) > 254 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004
        raise Invalid("{value} does not hold a valid host name")


def _check_ip(host: str, *, is_v6: bool) -> None:
    try:
        address = IPv6Address(host) if is_v6 else IPv4Address(host)
    except AddressValueError:
        raise Invalid("{value} does not hold a valid IP address") from None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise Invalid("{value} holds an IPv6 zone, which is not supported")


def ascii_host(host: str) -> str:
    """Return a host name as it is looked up. Raises `Invalid`."""
    if host.isascii() and "xn--" not in host.lower():
        return host
    import idna  # noqa: PLC0415 - costs start-up time, few hosts need it

    try:
        return idna.encode(host).decode()
    except UnicodeError:
        raise Invalid("{value} does not hold a valid international host name") from None


def is_loopback(host: str) -> bool:
    """Say whether a valid host can only be this machine."""
    name = host.lower().removesuffix(".")
    return name in {"localhost", "::1"} or (name.startswith("127.") and name.rpartition(".")[2].isdecimal())


def keeps_secrets(url: str) -> bool:
    """Say whether what is sent to a valid url is encrypted, or never leaves this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def read_mail_address(value: object) -> str:
    """Return a plain ASCII mail address, without a display name."""
    if not isinstance(value, str):
        raise Invalid("{value} is not a mail address", hint='write "ops@example.com"')
    mailbox, at, domain = value.rpartition("@")
    if not at or not _MAILBOX.fullmatch(mailbox) or len(mailbox) > 64 or not domain.isascii():  # noqa: PLR2004
        raise Invalid(
            "{value} is not a mail address", advice='such as "ops@example.com": no name, no brackets, ASCII only'
        )
    try:
        check_host(domain, is_bracketed=False)
    except Invalid:
        raise Invalid("{value} is not a mail address: its domain is not valid") from None
    return value
