"""What one check sees of real servers on loopback."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import resource
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from prober import __version__
from prober.adapters.http import Answer, HttpChecker, wire
from prober.adapters.http.check import _Course, _too_late
from prober.adapters.http.tls import Trust
from prober.core.expect import Expect
from prober.core.model import Probe, Reason
from tests.servers.certificates import LONG_HENCE, authority_file, server_context
from tests.servers.hostile import is_silent, redirects_to, says
from tests.servers.raw import Peer, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from prober.core.facts import Facts

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Mood: Fine\r\n\r\nok"
JUDGED = Expect(contains="ok")


def probe(url: str, **changes: Any) -> Probe:
    return Probe(**{"id": "p", "name": "p", "url": url, "identity": "", "timeout_ms": 5_000, **changes})


def found(*addresses: str) -> Callable[[str], Awaitable[Answer]]:
    """Look every name up at once, with the same answer."""

    async def lookup(_: str) -> Answer:
        return Answer(addresses=addresses, took_ns=7_000_000)

    return lookup


async def check(url: str, *, checker: dict[str, Any] | None = None, **changes: Any) -> Facts:
    async with HttpChecker(now_ms=lambda: 42, **(checker or {})) as http:
        return await http.check(probe(url, **changes))


def recorder(answer: bytes = OK) -> tuple[list[bytes], Callable[[Peer], Awaitable[None]]]:
    heard: list[bytes] = []

    async def behave(peer: Peer) -> None:
        heard.append(await peer.request())
        await peer.send(answer)

    return heard, behave


@contextmanager
def held_answer(delay_s: float) -> Iterator[int]:
    """Answer one request after ``delay_s``, from a thread that no event loop can hold up."""

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            time.sleep(delay_s)
            client.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


async def test_a_good_answer_is_seen_whole() -> None:
    async with serving(says(OK)) as port:
        facts = await check(f"http://127.0.0.1:{port}/")
    assert (facts.failure, facts.failure_detail, facts.path_failure, facts.response_began) == (None, None, False, True)
    assert (facts.started_at_ms, facts.status, facts.body, facts.body_is_cut) == (42, 200, b"ok", False)
    assert dict(facts.headers)["x-mood"] == "Fine"
    assert (facts.family, facts.certificate) == ("ipv4", None)


async def test_a_good_answer_under_tls_comes_with_its_certificate() -> None:
    async with serving(says(OK), tls=server_context("good")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", ca=authority_file())
    assert (facts.failure, facts.body) == (None, b"ok")
    assert facts.certificate is not None
    assert facts.certificate.not_after_ms == round(LONG_HENCE.timestamp() * 1000)
    assert min(facts.phases.tls_us, facts.phases.connect_us, facts.phases.wait_us) > 0


async def test_the_fingerprint_is_of_the_leaf_in_der() -> None:
    async with serving(says(OK), tls=server_context("good")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", ca=authority_file())
        pem = await anyio.to_thread.run_sync(ssl.get_server_certificate, ("127.0.0.1", port))
    assert facts.certificate is not None
    assert facts.certificate.fingerprint == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_are_spoken(version: ssl.TLSVersion) -> None:
    context = server_context("good")
    context.minimum_version = context.maximum_version = version
    async with serving(says(OK), tls=context) as port:
        facts = await check(f"https://localhost:{port}/", ca=authority_file())
    assert (facts.failure, facts.status) == (None, 200)


async def test_without_verify_any_certificate_will_do_and_none_is_reported() -> None:
    async with serving(says(OK), tls=server_context("self_signed")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", verify=False)
    assert (facts.failure, facts.body, facts.certificate) == (None, b"ok", None)


async def test_a_server_that_wants_to_know_who_we_are_fails_as_tls() -> None:
    context = server_context("good")
    context.verify_mode = ssl.CERT_REQUIRED

    def refuse() -> None:
        client, _ = listener.accept()
        with client, pytest.raises(ssl.SSLError):
            context.wrap_socket(client, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        facts = await check(f"https://127.0.0.1:{listener.getsockname()[1]}/", ca=authority_file())
        thread.join()
    assert (facts.failure, facts.path_failure, facts.response_began) == (Reason.TLS, False, False)


async def test_a_connection_that_breaks_under_tls_does_so_for_http() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    async with serving(says(half), tls=server_context("good")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", ca=authority_file())
    assert (facts.failure, facts.status, facts.body) == (Reason.PROTOCOL, 200, b"half")


async def test_answers_in_many_records_are_put_together() -> None:
    async def in_pieces(peer: Peer) -> None:
        await peer.request()
        for byte in OK:
            await peer.send(bytes([byte]))

    async with serving(in_pieces, tls=server_context("good")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", ca=authority_file())
    assert (facts.failure, facts.body) == (None, b"ok")


async def test_a_trust_setting_is_loaded_once() -> None:
    trust = Trust()
    assert trust.context(verify=True, ca=None) is trust.context(verify=True, ca=None)
    assert trust.context(verify=False, ca="ignored.pem") is trust.context(verify=False, ca=None)


async def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    log = tmp_path / "keys.log"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    async with serving(says(OK), tls=server_context("good")) as port:
        facts = await check(f"https://127.0.0.1:{port}/", ca=authority_file())
    assert facts.failure is None
    assert not log.exists()


async def test_nothing_is_logged_by_the_libraries(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with serving(says(OK)) as port:
        await check(f"http://127.0.0.1:{port}/?token=s3cret")
    assert "s3cret" not in caplog.text


async def test_a_request_asks_for_identity_and_says_who_asks() -> None:
    heard, behave = recorder()
    async with serving(behave) as port:
        await check(f"http://127.0.0.1:{port}/path?q=1", headers=(("X-Own", "yes"),), auth=("me", "pw"))
    head = heard[0].lower()
    assert head.startswith(b"get /path?q=1 http/1.1\r\n")
    for line in (
        f"host: 127.0.0.1:{port}",
        "accept-encoding: identity",
        f"user-agent: prober/{__version__}",
        "x-own: yes",
    ):
        assert f"\r\n{line}\r\n".encode() in head
    assert b"authorization: basic " in head


async def test_a_body_is_sent_and_a_server_may_refuse_it_half_way() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await anyio.sleep(0.05)

    async with serving(refuse) as port:
        facts = await check(f"http://127.0.0.1:{port}/", method="POST", body="x" * 8_000_000)
    assert (facts.failure, facts.status) in {(None, 413), (Reason.RESET, None)}


@pytest.mark.parametrize("tls", [False, True])
async def test_a_long_body_arrives_whole(*, tls: bool) -> None:
    size = 300_000

    async def count(peer: Peer) -> None:
        _, _, body = (await peer.request()).partition(b"\r\n\r\n")
        length = len(body)
        while length < size:
            length += len(await peer.receive())
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n%d" % length)

    async with serving(count, tls=server_context("good") if tls else None) as port:
        url = f"http{'s' * tls}://127.0.0.1:{port}/"
        facts = await check(url, method="POST", body="x" * size, ca=authority_file())
    assert facts.body == str(size).encode()


@pytest.mark.parametrize(
    ("answer", "method", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", 304, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n", "HEAD", 200, b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, "GET", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", "GET", 200, b"to the end"),
        (b"HTTP/1.1 302 Found\r\n\r\nno location", "GET", 302, b"no location"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "GET", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: 2\r\n\r\nok", "GET", 200, b"ok"),
    ],
)
async def test_odd_but_valid_answers(answer: bytes, method: str, status: int, body: bytes) -> None:
    async with serving(says(answer)) as port:
        facts = await check(f"http://127.0.0.1:{port}/", method=method)
    assert (facts.failure, facts.status, facts.body) == (None, status, body)


async def test_a_switch_of_protocols_that_nobody_asked_for_is_refused() -> None:
    async with serving(says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nnoise")) as port:
        facts = await check(f"http://127.0.0.1:{port}/")
    assert facts.failure is Reason.PROTOCOL


@pytest.mark.parametrize(("expect", "failure"), [(JUDGED, Reason.PROTOCOL), (Expect(), None)])
async def test_a_broken_encoding_fails_only_who_judges_the_body(expect: Expect, failure: Reason | None) -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip"
    async with serving(says(broken)) as port:
        facts = await check(f"http://127.0.0.1:{port}/", expect=expect)
    assert facts.failure is failure


async def test_an_encoded_body_is_decoded() -> None:
    packed = gzip.compress(b"ok " * 1000)
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed)) as port:
        facts = await check(f"http://127.0.0.1:{port}/", expect=JUDGED)
    assert (facts.body, facts.body_is_cut) == (b"ok " * 1000, False)


async def test_chunks_of_one_byte_leave_others_their_turn() -> None:
    async def flood(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"1\r\nx\r\n" * 1000)

    async with serving(flood) as port:
        began = time.monotonic()
        facts = await check(f"http://127.0.0.1:{port}/", timeout_ms=1_000)
    assert facts.failure is Reason.TIMEOUT
    assert time.monotonic() - began < 3


async def test_no_cookie_is_carried_to_another_hop_or_probe() -> None:
    heard, behave = recorder(b"HTTP/1.1 302 Found\r\nSet-Cookie: id=1; Path=/\r\nLocation: /\r\n\r\n")
    async with serving(behave) as port:
        await check(f"http://127.0.0.1:{port}/", redirects=2)
    assert len(heard) == 3
    assert not any(b"cookie" in head.lower() for head in heard)


async def test_no_secret_header_goes_along_to_another_origin() -> None:
    heard, behave = recorder()
    async with serving(behave) as target, serving(redirects_to(f"http://127.0.0.1:{target}/there")) as port:
        secrets = (("X-Api-Key", "s3cret"), ("Cookie", "s3cret"), ("User-Agent", "s3cret"))
        facts = await check(
            f"http://127.0.0.1:{port}/", headers=secrets, auth=("me", "s3cret"), method="PUT", body="s3cret"
        )
    assert facts.status == 200
    assert heard[0].startswith(b"PUT /there")
    assert b"s3cret" not in heard[0]
    assert b"uthorization" not in heard[0]


async def test_redirects_are_followed_up_to_the_number_allowed() -> None:
    async with serving(says(OK)) as end, serving(redirects_to(f"http://127.0.0.1:{end}/")) as port:
        url = f"http://127.0.0.1:{port}/"
        assert (await check(url, redirects=1)).status == 200
        unfollowed = await check(url, redirects=0)
    assert (unfollowed.failure, unfollowed.status) == (None, 302)
    async with serving(redirects_to("/")) as port:
        looped = await check(f"http://127.0.0.1:{port}/")
        once = await check(f"http://127.0.0.1:{port}/", redirects=1)
    assert (looped.failure, looped.failure_detail) == (Reason.REDIRECT, "more than 5 redirects")
    assert once.failure_detail == "more than 1 redirect"


async def test_phases_of_all_hops_are_summed() -> None:
    async def slowly(peer: Peer) -> None:
        await peer.request()
        await anyio.sleep(0.05)
        await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")

    async with serving(slowly) as port:
        facts = await check(f"http://name.example:{port}/", redirects=2, checker={"lookup": found("127.0.0.1")})
    assert facts.phases.wait_us >= 3 * 50_000
    assert facts.phases.dns_us == 3 * 7_000


@pytest.mark.parametrize(
    ("url", "reason", "detail"),
    [
        ("http://127.0.0.1:{closed}/", Reason.REFUSED, "connection refused by 127.0.0.1:{closed}"),
        ("http://[::1]:{closed}/", Reason.REFUSED, "connection refused by [::1]:{closed}"),
        ("http://nowhere.example/", Reason.DNS, "name not found: nowhere.example"),
        ("http://a..example/", Reason.DNS, "the lookup of a..example failed (not a valid name)"),
        ("http://169.254.169.254/", Reason.ADDRESS, "169.254.169.254 is an address that is never connected to"),
        ("http://[::ffff:100.100.100.200]/", Reason.ADDRESS, None),
    ],
)
async def test_failures_before_any_answer(url: str, reason: Reason, detail: str | None) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        facts = await check(url.format(closed=closed))
    assert facts.failure is reason
    assert detail is None or facts.failure_detail == detail.format(closed=closed)
    assert facts.path_failure is (reason is not Reason.ADDRESS)
    assert (facts.response_began, facts.status) == (False, None)


async def test_a_deadline_missed_because_we_stood_still_is_not_held_against_the_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prober.adapters.http.check._STANDSTILL_S", 0.1)

    async def stand_still() -> None:
        await anyio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - a process that is frozen

    async with serving(is_silent) as port, anyio.create_task_group() as group:
        group.start_soon(stand_still)
        facts = await check(f"http://127.0.0.1:{port}/", timeout_ms=100)
    assert (facts.failure, facts.path_failure) == (Reason.BUSY, False)
    assert "we stood still" in str(facts.failure_detail)


async def test_a_timeout_says_in_which_phase() -> None:
    async def never(_: str) -> Answer:
        await anyio.sleep_forever()
        raise AssertionError

    async def silent(peer: Peer) -> None:
        await peer.request()
        await anyio.sleep_forever()

    looking = await check("http://name.example/", timeout_ms=200, checker={"lookup": never})
    assert looking.failure_detail == "no answer within 0.2 s (looking up the name)"
    async with serving(silent) as port:
        waiting = await check(f"http://127.0.0.1:{port}/", timeout_ms=1_000)
    assert waiting.failure_detail == "no answer within 1 s (waiting for the first byte)"
    assert (waiting.failure, waiting.path_failure) == (Reason.TIMEOUT, True)


@pytest.mark.parametrize(
    ("addresses", "allow_private", "refuse_private", "reason"),
    [
        (("127.0.0.1",), False, False, None),
        (("127.0.0.1",), False, True, Reason.ADDRESS),
        (("127.0.0.1",), True, True, None),
        (("169.254.169.254", "127.0.0.1"), False, False, None),
        (("169.254.169.254", "fe80::1%lo"), True, True, Reason.ADDRESS),
    ],
)
async def test_only_permitted_addresses_of_a_name_are_connected_to(
    addresses: tuple[str, ...], reason: Reason | None, *, allow_private: bool, refuse_private: bool
) -> None:
    async with serving(says(OK)) as port:
        facts = await check(
            f"http://name.example:{port}/",
            allow_private=allow_private,
            checker={"lookup": found(*addresses), "refuse_private": refuse_private},
        )
    assert facts.failure is reason
    if refuse_private and not allow_private:
        assert facts.failure_detail == "127.0.0.1 is private (needs allow_private = true)"


async def test_a_redirect_is_judged_by_address_as_well() -> None:
    async with serving(redirects_to("http://inside.example/")) as port:

        async def lookup(name: str) -> Answer:
            return Answer(addresses=("127.0.0.1",) if name == "front.example" else ("::ffff:a9fe:a9fe",), took_ns=0)

        facts = await check(f"http://front.example:{port}/", checker={"lookup": lookup})
    assert (facts.failure, facts.response_began, facts.path_failure) == (Reason.ADDRESS, True, False)


@contextmanager
def black_hole() -> Iterator[socket.socket]:
    """Listen on ::1 with a full backlog, so that every further SYN is dropped."""
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen(0)
        waiting = [socket.socket(socket.AF_INET6) for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener
        for each in waiting:
            each.close()


async def test_a_dead_ipv6_costs_a_quarter_of_a_second_which_counts() -> None:
    with black_hole() as listener:
        port = listener.getsockname()[1]
        async with serving(says(OK), port=port):
            began = time.monotonic()
            facts = await check(f"http://name.example:{port}/", checker={"lookup": found("::1", "127.0.0.1")})
    assert (facts.failure, facts.family) == (None, "ipv4")
    assert facts.phases.connect_us >= 250_000
    assert time.monotonic() - began < 3


async def test_a_lost_syn_counts_though_the_round_trip_hides_it() -> None:
    def accept() -> None:
        time.sleep(0.1)
        while not is_over.is_set():
            client, _ = listener.accept()
            client.settimeout(0.05)
            with client, suppress(OSError):
                client.recv(65536)
                client.sendall(OK)

    is_over = threading.Event()
    with black_hole() as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        facts = await check(f"http://[::1]:{listener.getsockname()[1]}/")
        is_over.set()
    assert facts.failure is None
    assert facts.phases.connect_us > 500_000


async def test_when_all_addresses_are_dead_the_deadline_ends_it() -> None:
    with black_hole() as listener:
        url = f"http://name.example:{listener.getsockname()[1]}/"
        facts = await check(url, timeout_ms=1_000, checker={"lookup": found("::1", "::1")})
    assert facts.failure_detail == "no answer within 1 s (connecting)"


async def test_the_first_family_wins_when_it_answers() -> None:
    async with serving(says(OK), host="::1") as port:
        facts = await check(f"http://name.example:{port}/", checker={"lookup": found("::1", "127.0.0.1")})
        refused_first = await check(f"http://name.example:{port}/", checker={"lookup": found("127.0.0.1", "::1")})
    assert (facts.family, refused_first.family) == ("ipv6", "ipv6")
    assert refused_first.phases.connect_us < 100_000


@contextmanager
def black_hole_beside_a_free_port() -> Iterator[int]:
    """Yield the port of a black hole which is bound, but closed, on 127.0.0.1; not one that others use meanwhile."""
    while True:
        with black_hole() as listener, socket.socket() as unused:
            port: int = listener.getsockname()[1]
            try:
                unused.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield port
            return


async def test_when_no_address_answers_the_most_telling_failure_is_reported() -> None:
    with black_hole_beside_a_free_port() as port:
        lookup = found("127.0.0.1", "127.0.0.2")
        facts = await check(f"http://name.example:{port}/", timeout_ms=3_000, checker={"lookup": lookup})
        dead = await check(f"http://[::1]:{port}/", timeout_ms=100)
    assert facts.failure_detail == f"connection refused by 127.0.0.1:{port}"
    assert dead.failure_detail == "no answer within 0.1 s (connecting)"


@pytest.mark.parametrize(("kernel_stamps", "clock"), [(True, "kernel"), (False, "portable")])
async def test_a_busy_prober_is_our_lag_and_not_the_targets_time(*, kernel_stamps: bool, clock: str) -> None:
    async with HttpChecker(now_ms=lambda: 0, kernel_stamps=kernel_stamps) as http:
        with held_answer(0.05) as port:
            async with anyio.create_task_group() as group:

                async def run() -> None:
                    seen.append(await http.check(probe(f"http://127.0.0.1:{port}/")))

                seen: list[Facts] = []
                group.start_soon(run)
                await anyio.sleep(0.02)
                time.sleep(0.3)  # noqa: ASYNC251  (the point: the loop is blocked)
    phases = seen[0].phases
    assert seen[0].clock == clock
    if kernel_stamps:
        assert 50_000 <= phases.latency_us < 100_000
        assert phases.lag_us > 150_000
    else:
        assert phases.latency_us > 250_000


async def test_where_the_kernel_stamps_nothing_the_marks_of_the_read_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_ANCILLARY_BYTES", 0)
    async with serving(says(OK)) as port:
        facts = await check(f"http://127.0.0.1:{port}/")
    assert (facts.failure, facts.clock) == (None, "portable")


async def test_a_socket_that_takes_no_stamps_says_so() -> None:
    sock = socket.socket()
    sock.close()
    assert not wire.ask_for_stamps(sock)


async def test_waiting_for_a_slot_is_not_the_targets_time() -> None:
    async def slowly(peer: Peer) -> None:
        await peer.request()
        await anyio.sleep(0.15)
        await peer.send(OK)

    seen: list[Facts] = []
    async with serving(slowly) as port, HttpChecker(now_ms=lambda: 0, max_in_flight=1) as http:

        async def run() -> None:
            seen.append(await http.check(probe(f"http://127.0.0.1:{port}/", timeout_ms=300)))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(run)
    assert [facts.failure for facts in seen] == [None] * 3
    assert all(facts.phases.latency_us < 290_000 for facts in seen)


async def test_out_of_descriptors_is_our_fault() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with HttpChecker(now_ms=lambda: 0) as http:
        await http.check(probe("http://localhost:1/"))
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            literal = await http.check(probe("http://127.0.0.1:1/"))
            name = await http.check(probe("http://nowhere.example/"))
            trust = await http.check(probe("https://127.0.0.1:1/"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [facts.failure for facts in (literal, name, trust)] == [Reason.DESCRIPTORS] * 3
    assert not literal.path_failure


async def test_an_error_of_our_own_is_internal_and_ends_nothing() -> None:
    async def broken(_: str) -> Answer:
        raise ZeroDivisionError

    facts = await check("http://name.example/", checker={"lookup": broken})
    assert (facts.failure, facts.failure_detail) == (Reason.INTERNAL, "ZeroDivisionError in our own code")
    assert not facts.path_failure


async def test_cancellation_passes_through_and_leaves_no_socket() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0

    before = descriptors()
    async with serving(says(b"", then_close=False)) as port, HttpChecker(now_ms=lambda: 0) as http:
        with anyio.move_on_after(0.05) as scope:
            await http.check(probe(f"http://127.0.0.1:{port}/"))
    assert scope.cancelled_caught
    assert descriptors() == before


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES])
async def test_an_address_without_a_route_is_unreachable(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: number)
    facts = await check("http://127.0.0.1:9/")
    assert (facts.failure, facts.path_failure) == (Reason.UNREACHABLE, True)


@pytest.mark.parametrize(
    ("timeout_ms", "late_s", "reason"),
    [
        (10_000, 0.9, Reason.TIMEOUT),
        (10_000, 1.1, Reason.BUSY),
        (1_000, 0.4, Reason.TIMEOUT),
        (1_000, 0.6, Reason.BUSY),
        (100, 0.2, Reason.TIMEOUT),
        (100, 0.3, Reason.BUSY),
    ],
)
def test_how_late_is_our_own_fault_depends_on_the_time_there_was(
    timeout_ms: int, late_s: float, reason: Reason
) -> None:
    probe = Probe(id="p", name="p", url="http://a/", identity="", timeout_ms=timeout_ms)
    assert _too_late(probe, _Course(), late_s).reason is reason
