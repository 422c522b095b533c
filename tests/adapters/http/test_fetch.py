"""Asking another program's API: what comes back, and what is said when nothing does."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from prober import __version__
from prober.adapters.http import Answer, Fetcher, HttpChecker
from prober.core.model import Probe
from prober.errors import NoAnswerError
from tests.servers.certificates import authority_file, server_context
from tests.servers.hostile import HOSTILE, hostile_servers, is_silent, repeats, says
from tests.servers.raw import Peer, serving

if TYPE_CHECKING:
    from prober.core.facts import Answer as Reply

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Mood: Fine\r\n\r\nok"
SECRET = "ur-secret"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", authority_file)


async def fetch(url: str, *, method: str = "GET", body: bytes = b"", timeout_ms: int = 5_000, **headers: str) -> Reply:
    async with Fetcher(timeout_ms=timeout_ms) as ask:
        return await ask(method, url, headers=headers, body=body)


async def error_of(url: str, *, timeout_ms: int = 5_000, **more: str) -> str:
    """Ask with a secret wherever one can be, and return what is said about the failure."""
    with pytest.raises(NoAnswerError) as caught:
        await fetch(
            f"{url}?key={SECRET}", body=f"key={SECRET}".encode(), timeout_ms=timeout_ms, authorization=SECRET, **more
        )
    assert SECRET not in str(caught.value)
    return str(caught.value)


async def test_an_answer_is_status_headers_and_body() -> None:
    async with serving(says(OK)) as port:
        answer = await fetch(f"http://127.0.0.1:{port}/v2/look?a=b")
    assert (answer.status, answer.header("x-mood"), answer.body, answer.is_cut) == (200, "Fine", b"ok", False)


async def test_a_request_carries_its_headers_its_body_and_our_name() -> None:
    heard: list[bytes] = []

    async def behave(peer: Peer) -> None:
        request = await peer.request()
        while b"a=b" not in request:
            request += await peer.receive()
        heard.append(request)
        await peer.send(OK)

    async with serving(behave) as port:
        await fetch(f"http://127.0.0.1:{port}/x?y=z", method="POST", body=b"a=b", accept="application/json")
    head, _, body = heard[0].decode().partition("\r\n\r\n")
    first, *lines = head.lower().split("\r\n")
    assert (first, body) == ("post /x?y=z http/1.1", "a=b")
    assert {f"host: 127.0.0.1:{port}", f"user-agent: prober/{__version__}", "accept: application/json"} <= set(lines)
    assert {"content-length: 3", "connection: close"} <= set(lines)


async def test_an_error_page_is_an_answer_and_a_redirect_is_not_followed() -> None:
    async with serving(says(b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n")) as port:
        answer = await fetch(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.header("location")) == (302, "/else")


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(says(OK)) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/")
        assert (await fetch(f"http://127.0.0.1:{port}/")).status == 200


async def test_tls_is_verified() -> None:
    async with serving(says(OK), tls=server_context("good")) as port:
        assert (await fetch(f"https://127.0.0.1:{port}/")).status == 200
    async with serving(says(OK), tls=server_context("untrusted")) as port:
        assert "not trusted" in await error_of(f"https://127.0.0.1:{port}/")


async def test_a_compressed_body_is_decoded() -> None:
    packed = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with serving(says(head + packed)) as port:
        assert (await fetch(f"http://127.0.0.1:{port}/")).body == b"hello"
    async with serving(says(head + packed[:-3] + b"xxx")) as port:
        assert await error_of(f"http://127.0.0.1:{port}/") == "the answer's body could not be decompressed"


async def test_no_more_than_4_mib_are_kept() -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with serving(says(head + bomb)) as port:
        answer = await fetch(f"http://127.0.0.1:{port}/")
    assert (len(answer.body), answer.is_cut) == (4 * MIB, True)
    async with serving(repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)) as port:
        assert (await fetch(f"http://127.0.0.1:{port}/")).is_cut


async def test_4_mib_are_not_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MIB)
    async with serving(says(head + b"x" * 4 * MIB)) as port:
        answer = await fetch(f"http://127.0.0.1:{port}/")
    assert (len(answer.body), answer.is_cut) == (4 * MIB, False)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/", "connection refused by 127.0.0.1:9"),
        ("http://nowhere.example/", "name not found: nowhere.example"),
        ("https://", "the request cannot be sent: its URL or a header is not valid"),
        ("ftp://127.0.0.1/", "the request cannot be sent: its URL or a header is not valid"),
        ("http://[::1", "the request cannot be sent: its URL or a header is not valid"),
        ("http://169.254.169.254/", "169.254.169.254 is an address that is never connected to"),
    ],
)
async def test_what_cannot_be_reached_is_said_in_our_words(url: str, said: str) -> None:
    assert await error_of(url) == said


async def test_a_header_that_cannot_be_sent_is_not_repeated() -> None:
    async with serving(says(OK)) as port:
        said = await error_of(f"http://127.0.0.1:{port}/", cookie=f"{SECRET}\r\nx: y")
    assert said == "the request cannot be sent: its URL or a header is not valid"


async def test_silence_ends_at_the_deadline() -> None:
    async with serving(is_silent) as port:
        said = await error_of(f"http://127.0.0.1:{port}/", timeout_ms=1_000)
    assert said == "no answer within 1 s (waiting for the first byte)"


async def test_a_lookup_that_hangs_ends_at_the_deadline() -> None:
    async def hang(_: str) -> Answer:
        await anyio.sleep_forever()
        raise AssertionError

    async with Fetcher(timeout_ms=50, lookup=hang) as ask:
        with pytest.raises(NoAnswerError, match=r"within 0.05 s \(looking up the name\)"):
            await ask("GET", "http://name.example/")


async def test_an_error_of_our_own_is_no_answer_either() -> None:
    async def stumble(_: str) -> Answer:
        raise ZeroDivisionError(SECRET)

    async with Fetcher(lookup=stumble) as ask:
        with pytest.raises(NoAnswerError, match=r"^ZeroDivisionError in our own code$"):
            await ask("GET", "http://name.example/")


async def test_whatever_a_server_does_there_is_an_answer_or_a_sentence_by_the_deadline() -> None:
    said: dict[str, str | int] = {}

    async def run(ask: Fetcher, name: str, url: str) -> None:
        try:
            said[name] = (await ask("GET", url)).status
        except NoAnswerError as error:
            said[name] = str(error)

    began = time.monotonic()
    async with hostile_servers() as urls, Fetcher(timeout_ms=2_000) as ask, anyio.create_task_group() as group:
        for name, url in urls.items():
            group.start_soon(run, ask, name, url)
    assert time.monotonic() - began < 10
    assert said.keys() == HOSTILE.keys()
    assert not [each for each in said.values() if "our own code" in str(each) or "SSH" in str(each)]


async def test_a_hanging_question_does_not_delay_a_check() -> None:
    async def ask_in_vain(ask: Fetcher, url: str) -> None:
        with pytest.raises(NoAnswerError):
            await ask("GET", url)

    async with (
        serving(is_silent) as silent,
        serving(says(OK)) as port,
        HttpChecker(now_ms=lambda: 0) as checker,
        Fetcher(timeout_ms=3_000) as ask,
        anyio.create_task_group() as group,
    ):
        group.start_soon(ask_in_vain, ask, f"http://127.0.0.1:{silent}/")
        await anyio.lowlevel.checkpoint()
        began = time.monotonic()
        facts = await checker.check(Probe(id="p", name="p", url=f"http://127.0.0.1:{port}/", identity=""))
        assert time.monotonic() - began < 2
    assert facts.status == 200
