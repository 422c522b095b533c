"""A connection to a mail server, as safe as the channel demands or not at all, and logged in."""

from __future__ import annotations

import errno
import os
import re
import socket
from typing import TYPE_CHECKING, Any, Final

import anyio

if TYPE_CHECKING:
    import ssl

    from aiosmtplib import SMTP

    from prober.core.settings import EmailChannel

_ADDRESS_S: Final = 10.0


async def connect(
    channel: EmailChannel, *, ssl_context: ssl.SSLContext | None, local_hostname: str | None
) -> tuple[SMTP, str]:
    """Return a client that is ready for a message, and the server's greeting."""
    sock = await open_socket(channel.server, channel.port)
    return await greet(channel, sock, ssl_context=ssl_context, local_hostname=local_hostname)


async def greet(
    channel: EmailChannel, sock: socket.socket, *, ssl_context: ssl.SSLContext | None, local_hostname: str | None
) -> tuple[SMTP, str]:
    """Return a client that is ready for a message over a connected socket, and the server's greeting."""
    from aiosmtplib import SMTP  # noqa: PLC0415

    client = SMTP(
        hostname=channel.server,
        sock=sock,
        local_hostname=local_hostname or _own_name(),
        timeout=None,
        use_tls=channel.security == "tls",
        start_tls=channel.security == "starttls",  # never None, which would go on in clear text
        tls_context=ssl_context,
    )
    try:
        greeting = await client.connect()
        await _log_in(client, channel)
    except BaseException:
        client.close()
        raise
    return client, f"{greeting.code} {greeting.message}"


async def _log_in(client: SMTP, channel: EmailChannel) -> None:
    """Try one method, not one after the other: a wrong password must not look like an attack."""
    from aiosmtplib import SMTPException  # noqa: PLC0415

    if channel.username is None:
        return
    await client.ehlo()
    methods = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
    log_in = next((method for name, method in methods.items() if name in client.server_auth_methods), None)
    if log_in is None:
        raise SMTPException("the server offers no way to log in that we know (PLAIN, LOGIN, CRAM-MD5)")
    await log_in(channel.username, channel.password or "")


def _own_name() -> str:
    """Return how we greet: the host's full name, or an address literal, because looking the name up may hang."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"


async def open_socket(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers in time, so that one that swallows everything is passed over."""
    failure = OSError(errno.EHOSTUNREACH, "the name has no address")
    for family, kind, protocol, _, address in await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            with anyio.fail_after(_ADDRESS_S):
                await _connect_socket(sock, address)
        except TimeoutError:
            sock.close()
            failure = OSError(errno.ETIMEDOUT, f"no connection within {_ADDRESS_S:g} s")
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _connect_socket(sock: socket.socket, address: tuple[Any, ...]) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        await anyio.wait_writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
