from __future__ import annotations

import json
from email.message import EmailMessage
from typing import TYPE_CHECKING

import aiosmtplib
import anyio
import httpx
import pytest

from prober.adapters.demo_servers import MailServer, WebService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service() -> AsyncIterator[WebService]:
    async with WebService("2.0") as running:
        yield running


async def test_the_service_is_healthy_until_broken_and_again_once_repaired(service: WebService) -> None:
    async with httpx.AsyncClient() as client:
        seen = []
        for service.is_broken in (False, True, False):
            response = await client.get(service.url)
            seen.append((response.status_code, response.json()["status"]))
    assert seen == [(200, "ok"), (503, "unavailable"), (200, "ok")]


async def test_the_service_tells_its_version(service: WebService) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(service.url)
    assert (response.json()["version"], response.headers["content-type"]) == ("2.0", "application/json")


async def test_only_the_health_path_is_known(service: WebService) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(service.url + "/other")).status_code == 404


@pytest.mark.parametrize("bytes_sent", [b"", b"GET /api/hea", b"\r\n\r\n", b"x" * 70_000 + b"\r\n\r\n"])
async def test_nonsense_is_hung_up_on_and_ends_nothing(service: WebService, bytes_sent: bytes) -> None:
    async with await anyio.connect_tcp("127.0.0.1", service.port) as stream:
        await stream.send(bytes_sent)
        await stream.send_eof()
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
    async with httpx.AsyncClient() as client:
        assert (await client.get(service.url)).status_code == 200


async def test_a_closed_service_refuses() -> None:
    async with WebService() as service:
        url = service.url
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_the_mail_server_keeps_what_it_is_sent_in_order() -> None:
    async with MailServer() as server:
        for subject in ("first", "second"):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "prober@demo.example", "ops@demo.example", subject
            message.set_content(f"{subject} body: ✓\n")
            await aiosmtplib.send(message, hostname="127.0.0.1", port=server.port, start_tls=False)
    assert [kept["Subject"] for kept in server.messages] == ["first", "second"]
    assert server.messages[1].get_content().splitlines() == ["second body: ✓"]


async def test_two_worlds_do_not_meet() -> None:
    async with WebService() as one, WebService() as other, MailServer() as mail:
        one.is_broken = True
        assert len({one.port, other.port, mail.port}) == 3
        async with httpx.AsyncClient() as client:
            assert json.loads((await client.get(other.url)).text)["status"] == "ok"
