"""How the stand-in speaks: one request per connection, in whatever mood its account is."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import start_blocking_portal

from tests.servers.raw import serving
from tests.servers.uptimerobot import v2, v3
from tests.servers.uptimerobot.account import Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator

    from tests.servers.raw import Peer
    from tests.servers.uptimerobot.account import Account, Mood

_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
_REASONS |= {405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway"}
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent back; ``is_cut`` announces more than there is, ``delay_s`` None never begins."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    delay_s: float | None = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeRobot:
    """The stand-in while it runs."""

    account: Account
    port: int
    scheme: str = "http"

    @property
    def v2(self) -> str:
        """The base address of version 2."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v2/"

    @property
    def v3(self) -> str:
        """The base address of version 3."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v3/"


@asynccontextmanager
async def run_uptimerobot(account: Account, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[UptimeRobot]:
    """Serve the account on a free port while the block runs."""
    async with serving(_Desk(account).attend, tls=tls) as port:
        yield UptimeRobot(account=account, port=port, scheme="https" if tls else "http")


@contextmanager
def uptimerobot_in_thread(account: Account) -> Iterator[UptimeRobot]:
    """Serve from a thread of its own, so that a process can ask while the test waits for it."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(run_uptimerobot(account)) as running:
        yield running


class _Desk:
    """Answers requests for one account, and counts them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._asked_ms: list[int] = []

    async def attend(self, peer: Peer) -> None:
        request = await _read(peer)
        self._account.requests.append(request)
        reply = self._moody(request)
        if reply.delay_s is None:
            await anyio.sleep_forever()
            return
        await anyio.sleep(reply.delay_s)
        length = len(reply.body) * 2 if reply.is_cut else len(reply.body)
        date = formatdate(self._account.now_s, usegmt=True)
        headers = {"Date": date, **reply.headers, "Content-Length": str(length), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        await peer.send(f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\n{head}\r\n".encode() + reply.body)

    def _moody(self, request: Request) -> Reply:
        mood = self._account.next_mood()
        if mood == "slow":
            return replace(self._counted(request), delay_s=self._account.slow_s)
        if mood == "cut":
            return replace(self._counted(request), is_cut=True)
        if mood == "bad key":
            return _json(200, v2.bad_key(request.form.get("api_key", "")))
        if mood in {"429", "429 json"}:
            after = self._account.retry_after
            headers = {} if after is None else {"Retry-After": after}
            reply = _html(429) if mood == "429" else _json(429, {"message": "Too many requests", "statusCode": 429})
            return _with(reply, headers)
        return _MOODS.get(mood) or self._counted(request)

    def _counted(self, request: Request) -> Reply:
        """Answer, unless there were too many within the minute."""
        limit, now_ms = self._account.per_minute, self._account.now_ms()
        if limit is None:
            return self._answer(request)
        self._asked_ms = [each for each in self._asked_ms if each > now_ms - _MINUTE_MS]
        if len(self._asked_ms) >= limit:
            wait_s = -(-(self._asked_ms[0] + _MINUTE_MS - now_ms) // 1000)
            return _with(_html(429), {"Retry-After": str(wait_s), **self._quota(limit)})
        self._asked_ms.append(now_ms)
        return _with(self._answer(request), self._quota(limit))

    def _quota(self, limit: int) -> dict[str, str]:
        first_ms = self._asked_ms[0] if self._asked_ms else self._account.now_ms()
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - len(self._asked_ms))),
            "X-RateLimit-Reset": str(-(-(first_ms + _MINUTE_MS) // 1000)),
        }

    def _answer(self, request: Request) -> Reply:
        version, _, path = request.path.removeprefix("/").partition("/")
        match version:
            case "v2":
                return self._answer_v2(request, path.strip("/"))
            case "v3":
                return self._answer_v3(request, path)
        return _json(404, {"message": "Not found"})

    def _answer_v2(self, request: Request, method: str) -> Reply:
        if request.method != "POST":
            return _json(405, {"message": "Method not allowed"})
        if "api_key" in request.query and method != "getMonitors":
            return _json(200, v2.failure("invalid_parameter", "api_key can't be in the URL.", parameter_name="api_key"))
        return _json(200, v2.answer(self._account, method, {**request.query, **request.form}))

    def _answer_v3(self, request: Request, path: str) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self._account.key}":
            return _json(401, {"message": "Unauthorized", "statusCode": 401})
        if request.method != "GET":
            return _json(405, {"message": "Method not allowed", "statusCode": 405})
        base = f"http://{request.headers['host']}/v3"
        return _json(*v3.answer(self._account, path, request.query, base=base))


async def _read(peer: Peer) -> Request:
    head, _, body = (await peer.request()).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += await peer.receive()
    method, target, _ = first.split(" ")
    return Request(method=method, target=target, headers=headers, body=body)


def _with(reply: Reply, headers: dict[str, str]) -> Reply:
    return replace(reply, headers={**reply.headers, **headers})


def _json(status: int, said: Any) -> Reply:
    return Reply(status=status, body=json.dumps(said).encode(), headers={"Content-Type": "application/json"})


def _html(status: int) -> Reply:
    body = f"<html><head><title>{status} {_REASONS[status]}</title></head><body>nginx</body></html>".encode()
    return Reply(status=status, body=body, headers={"Content-Type": "text/html"})


_MOODS: dict[Mood, Reply] = {
    "hanging": Reply(delay_s=None),
    "refuses": _json(200, v2.failure("internal", "Something went wrong.")),
    "401": _json(401, {"message": "Unauthorized", "statusCode": 401}),
    "403": _json(403, {"message": "Forbidden", "statusCode": 403}),
    "500": _html(500),
    "502": _html(502),
    "garbage": Reply(body=b"\x00\xff<!doctype html>{", headers={"Content-Type": "application/json"}),
    "wrong shape": _json(200, {"stat": "ok", "monitors": {"7": "not a list"}, "data": "not a list"}),
    "redirect": Reply(status=302, headers={"Location": "/elsewhere"}),
}
