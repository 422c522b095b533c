"""One connection to a mail server for all the messages of a delivery pass.

Nothing about mail raises here: every ending is a `Handover`, and what it quotes of the server is cleaned and holds no
secret.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final, Self

import anyio
import anyio.to_thread

from prober.adapters.mail.connection import connect
from prober.adapters.mail.fate import (
    Handover,
    Refused,
    Unknown,
    is_permanent,
    is_reply,
    may_pass_at_once,
    of_reply,
    told,
)
from prober.core.masking import Masker
from prober.core.text import cut, scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiosmtplib import SMTP

    from prober.core.settings import EmailChannel

DEADLINE_S: Final = 60.0
_QUIT_S: Final = 2.0
_FIRST_RETRY_S: Final = 0.5
_ATTEMPTS: Final = 3
_SAID_CHARACTERS: Final = 400
_START_INPUT: Final = 354


class SmtpMailer:
    """Send messages through a channel's mail server.

    It connects at the first message, and again whenever the connection has died. A server that could not be connected
    to, or hangs, is not tried again: it must not cost every message of a pass its deadline. ``secrets`` are masked in
    what the server says, like the channel's password. ``content_left`` says whether any content of the current message
    went out. ``greeting`` and ``tls_version`` tell of the last connection.
    """

    def __init__(
        self,
        channel: EmailChannel,
        *,
        secrets: Iterable[str] = (),
        ssl_context_factory: Callable[[], ssl.SSLContext] | None = None,
        timeout_s: float = DEADLINE_S,
        first_retry_s: float = _FIRST_RETRY_S,
        local_hostname: str | None = None,
    ) -> None:
        self.greeting: str | None = None
        self.tls_version: str | None = None
        self._channel = channel
        self._new_ssl_context = ssl_context_factory or default_ssl_context
        self._ssl_context: ssl.SSLContext | None = None
        self._timeout_s = timeout_s
        self._first_retry_s = first_retry_s
        self._local_hostname = local_hostname
        self._mask = Masker((*secrets, channel.password or "")).mask
        self._client: SMTP | None = None
        self.content_left = False
        self._is_connecting = False
        self._unreachable: Refused | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is None:
            return
        try:
            with anyio.move_on_after(_QUIT_S):
                await self._client.quit()
        except Exception:  # noqa: BLE001, S110 - every message has its fate already; a farewell may fail
            pass
        finally:
            self._drop()

    async def send(self, *, recipient: str, message: bytes) -> Handover:
        """Hand over one message and say what became of it, within the deadline; never raise for trouble with mail."""
        if self._unreachable is not None:
            return self._unreachable
        self.content_left = False
        try:
            with anyio.fail_after(self._timeout_s):
                client = await self._in_transaction(recipient)
                return await self._transfer(client, message)
        except Exception as error:  # noqa: BLE001 - no server may end a delivery pass
            return self._fate(error)
        except BaseException:
            self._drop()  # cancelled in mid-dialogue: nothing more can be said over this connection
            raise

    async def _in_transaction(self, recipient: str) -> SMTP:
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential  # noqa: PLC0415

        retrying = AsyncRetrying(
            retry=retry_if_exception(may_pass_at_once),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=self._first_retry_s),
            sleep=anyio.sleep,
            reraise=True,
        )
        return await retrying(self._begin, recipient)

    async def _begin(self, recipient: str) -> SMTP:
        """Go as far as the server's leave to send content: until then nothing can have been accepted."""
        from aiosmtplib import SMTPResponseException  # noqa: PLC0415

        client = await self._in_session()
        await client.mail(self._channel.sender)
        await client.rcpt(recipient)
        reply = await client.execute_command(b"DATA")
        if reply.code != _START_INPUT:
            raise SMTPResponseException(reply.code, reply.message)
        return client

    async def _in_session(self) -> SMTP:
        if self._client is not None:
            try:
                await self._client.rset()  # ends what a refusal left half done, and tells whether anybody is there
            except Exception:  # noqa: BLE001 - however the old connection ended, a new one is the answer
                self._drop()
        if self._client is None:
            self._is_connecting = True
            self._client = await self._connect()
            self._is_connecting = False
        return self._client

    async def _connect(self) -> SMTP:
        if self._ssl_context is None and self._channel.security != "none":
            self._ssl_context = await anyio.to_thread.run_sync(self._new_ssl_context)
        client, greeting = await connect(
            self._channel, ssl_context=self._ssl_context, local_hostname=self._local_hostname
        )
        self.greeting = self._said(greeting)
        encryption = client.get_transport_info("ssl_object")
        self.tls_version = None if encryption is None else encryption.version()
        return client

    async def _transfer(self, client: SMTP, message: bytes) -> Handover:
        protocol = client.protocol
        if protocol is None:
            raise ConnectionError("connection lost before the message")
        lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message).removesuffix(b"\r\n")
        protocol.write(re.sub(rb"(?m)^\.", b"..", lines) + b"\r\n.\r\n")
        self.content_left = True
        reply = await protocol.read_response()
        return of_reply(reply.code, self._said(f"{reply.code} {reply.message}"))

    def _fate(self, error: Exception) -> Handover:
        said = told(error, timeout_s=self._timeout_s)
        if self._is_connecting or isinstance(error, TimeoutError):
            where = f"{self._channel.server}:{self._channel.port}"
            self._unreachable = Refused(reply=self._said(f"{where}: {said}"), is_permanent=is_permanent(error))
        if self.content_left:
            self._drop()
            return Unknown(detail=self._said(f"no reply to the message: {said}"))
        if not is_reply(error):
            self._drop()
            said = f"{self._channel.server}:{self._channel.port}: {said}"
        return Refused(reply=self._said(said), is_permanent=is_permanent(error))

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _said(self, text: str) -> str:
        return cut(scrub(text, self._mask), _SAID_CHARACTERS)


def default_ssl_context() -> ssl.SSLContext:
    """Return trust in what certifi trusts, the same in every place we run."""
    import certifi  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    return context
