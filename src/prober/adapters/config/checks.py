"""What no key can say alone: keys that need or rule out each other, and files that a key names.

A broken leaf is passed over: its own problem is already noted.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prober.adapters.config.addresses import ascii_host, is_loopback, keeps_secrets
from prober.adapters.config.files import UnreadableError, read_regular
from prober.adapters.config.keys import ID_PATTERN, PROBE_KEYS, default_values
from prober.core.durations import format_duration

if TYPE_CHECKING:
    from pathlib import Path

    from prober.adapters.config.positions import Path as Place
    from prober.adapters.config.tables import Leaf, Leaves, TableReader

_CA_BYTES = 4 * 2**20
_DEFAULT_INTERVAL_MS = default_values(PROBE_KEYS)["interval"]
_WHOLE_SECRET_HEADERS = ("cookie", "x-api-key", "x-auth-token")
_SCHEME_HEADERS = ("authorization", "proxy-authorization")


def check_id(reader: TableReader, path: Place) -> None:
    """Note a name that cannot be an id."""
    name = str(path[-1])
    if not re.fullmatch(ID_PATTERN, name):
        near = re.sub("[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
        reader.note(
            path,
            f'"{name}" is not an id: a-z, 0-9, "-" and "_", at most 64 characters, a letter or digit first',
            at="key",
            suggestion=f"write [{path[0]}.{near}]" if near else "",
        )


def check_probe(reader: TableReader, path: Place, leaves: Leaves, folder: Path) -> None:
    """Note what is wrong with a probe as a whole, its defaults merged in."""
    if ("url", "") not in leaves:
        reader.note(path, f'[{path[0]}.{path[1]}] has no url (write url = "https://...")', at="key")
    _check_pair(reader, leaves, "auth.username", "auth.password")
    _check_timeout(reader, leaves)
    _check_certificate(reader, leaves)
    _check_authorization(reader, leaves)
    ca = _sound(leaves, "ca")
    if ca and (why := _wrong_with_ca(folder / ca.value)):
        reader.note(ca.path, f"the file of ca cannot be used: {why}")
    _add_derived_secrets(reader, leaves)


def check_connectivity(reader: TableReader, top: Leaves) -> None:
    """Remember what else is secret in the URLs that tell whether we are offline."""
    urls = _sound(top, "connectivity.urls")
    for url in urls.value if urls else ():
        _add_secret_host(reader, url)


def check_standby(reader: TableReader, top: Leaves) -> None:
    """Note what a [standby] table lacks to look at the other monitor, or what would betray the key."""
    behind, url = _sound(top, "standby.behind"), _sound(top, "standby.url")
    if ("standby.behind", "") not in top:
        reader.note(("standby",), '[standby] has no behind (write behind = "uptimerobot")', at="key")
    if behind and behind.value == "uptimerobot" and ("standby.api_key", "") not in top:
        reader.note(("standby",), '[standby] has no api_key (write api_key = "${UPTIMEROBOT_API_KEY}")', at="key")
    if behind and behind.value == "prober" and ("standby.url", "") not in top:
        reader.note(("standby",), '[standby] has no url (write url = "https://.../status.json")', at="key")
    if behind and behind.value == "prober" and (key := _sound(top, "standby.api_key")):
        reader.note(key.path, "api_key is for UptimeRobot: another prober needs none", at="key")
    if url and behind and behind.value == "uptimerobot" and not keeps_secrets(url.value):
        reader.note(url.path, "this would send the key in clear text (write https://...)")


def check_channel(reader: TableReader, path: Place, leaves: Leaves) -> None:
    """Note what is wrong with a channel as a whole."""
    required = ("to", "from", "server") if path[-1] == "email" else ("kind", "to", "from", "server")
    for name in required:
        if (name, "") not in leaves:
            reader.note(path, f"[{path[0]}.{path[1]}] has no {name}" + _EXAMPLES[name], at="key")
    _check_pair(reader, leaves, "username", "password")
    security, server = _sound(leaves, "security"), _sound(leaves, "server")
    has_credentials = ("username", "") in leaves or ("password", "") in leaves
    if security and security.value == "none" and has_credentials and server and not is_loopback(server.value):
        reader.note(security.path, 'this would send the password in clear text (write "starttls" or "tls")')


_EXAMPLES = {
    "kind": ' (write kind = "email")',
    "to": ' (write to = ["ops@example.com"])',
    "from": ' (write from = "prober@example.com")',
    "server": ' (write server = "smtp.example.com")',
}


def _sound(leaves: Leaves, name: str) -> Leaf | None:
    leaf = leaves.get((name, ""))
    return leaf if leaf and not leaf.is_broken else None


def _check_pair(reader: TableReader, leaves: Leaves, one: str, other: str) -> None:
    for given, absent in ((one, other), (other, one)):
        if (given, "") in leaves and (absent, "") not in leaves:
            reader.note(leaves[given, ""].path, f"{given} is given without {absent}", at="key")


def _check_timeout(reader: TableReader, leaves: Leaves) -> None:
    interval, timeout = leaves.get(("interval", "")), _sound(leaves, "timeout")
    if not timeout or (interval and interval.is_broken):
        return
    interval_ms = interval.value if interval else _DEFAULT_INTERVAL_MS
    if timeout.value >= interval_ms:
        culprit = interval if interval and interval.path[0] == "probe" and timeout.path[0] != "probe" else timeout
        length, limit = format_duration(timeout.value), format_duration(interval_ms)
        reader.note(culprit.path, f"the timeout ({length}) must be below the interval ({limit})")


def _check_certificate(reader: TableReader, leaves: Leaves) -> None:
    url, verify, certificate = (_sound(leaves, name) for name in ("url", "verify", "expect.certificate"))
    if not certificate or certificate.path[0] != "probe":
        return
    if url and not url.value.lower().startswith("https:"):
        reader.note(certificate.path, "expect.certificate needs an https url")
    if verify and not verify.value and verify.path[0] == "probe":
        reader.note(certificate.path, "expect.certificate says nothing with verify = false (leave out one of them)")


def _check_authorization(reader: TableReader, leaves: Leaves) -> None:
    header, username = leaves.get(("headers", "authorization")), leaves.get(("auth.username", ""))
    if header and username:
        culprit = username if username.path[0] == "probe" and header.path[0] != "probe" else header
        reader.note(culprit.path, "auth and an Authorization header are both given (leave out one of them)", at="key")


@cache
def _wrong_with_ca(path: Path) -> str | None:
    try:
        content = read_regular(path, limit=_CA_BYTES)
    except UnreadableError as error:
        return str(error)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        return "it holds no PEM certificate"
    import ssl  # noqa: PLC0415 - costs start-up time, few probes need it

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        return "a certificate in it is damaged"
    return None


def _add_secret_host(reader: TableReader, url: str) -> None:
    if url.isascii():
        return
    host = urlsplit(url).hostname or ""
    secrets = (secret.lower() for secret in reader.variables.secrets if not secret.isascii())
    if not host.isascii() and any(secret in host or host in secret for secret in secrets):
        reader.variables.add_secret(ascii_host(host))


def _add_derived_secrets(reader: TableReader, leaves: Leaves) -> None:
    url = _sound(leaves, "url")
    if url:
        _add_secret_host(reader, url.value)
    username, password = _sound(leaves, "auth.username"), _sound(leaves, "auth.password")
    if username and password:
        reader.variables.add_secret(b64encode(f"{username.value}:{password.value}".encode()).decode())
    for name in _WHOLE_SECRET_HEADERS + _SCHEME_HEADERS:
        header = leaves.get(("headers", name))
        if header and not header.is_broken:
            value = header.value.strip()
            reader.variables.add_secret(value.partition(" ")[2] or value if name in _SCHEME_HEADERS else value)
