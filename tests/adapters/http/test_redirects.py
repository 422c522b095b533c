"""Where redirects lead, and that nothing configured goes along to another origin."""

from __future__ import annotations

import httpx
import pytest

from prober import __version__
from prober.adapters.http.failure import CheckError
from prober.adapters.http.redirects import Ask, first_ask, next_ask
from prober.core.model import Probe, Reason

SECRET = (("X-Api-Key", "s3cret"), ("Content-Type", "application/json"))


def ask(url: str = "https://a.example/start?q=1", method: str = "GET", body: bytes | None = None) -> Ask:
    return Ask(url=httpx.URL(url), method=method, headers=SECRET, body=body)


def probe(**changes: object) -> Probe:
    return Probe(**{"id": "p", "name": "p", "url": "http://a.example/", "identity": "", **changes})  # type: ignore[arg-type]


def headers_of(asked: Ask) -> dict[bytes, bytes]:
    return dict(asked.all_headers())


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/next", "https://a.example/next"),
        ("next?x=1#part", "https://a.example/next?x=1"),
        ("//b.example/", "https://b.example/"),
        ("https://A.example:443/x", "https://a.example/x"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_a_location_is_joined_to_the_url_that_sent_it(location: str, url: str) -> None:
    onward = next_ask(ask(), 302, location)
    assert onward is not None
    assert onward.url.copy_with(fragment=None) == httpx.URL(url)


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://xn--/",
        "https://",
        "https://:443/",
        "https://[::1",
        "https://a b.example/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:port/",
        "https://user:pw@a.example/",
        "https://user@a.example/",
        "https://a.example/\x00",
        "https://" + "a" * 300 + "/",
        "https://a.example/" + "x" * 70_000,
        "https://\u2100.example/",
    ],
)
def test_a_bad_location_fails_the_check_as_redirect(location: str) -> None:
    with pytest.raises(CheckError) as caught:
        next_ask(ask(), 302, location)
    assert caught.value.reason is Reason.REDIRECT
    assert "pw" not in caught.value.detail


@pytest.mark.parametrize(
    ("status", "location"), [(200, "/x"), (300, "/x"), (304, "/x"), (305, "/x"), (302, None), (308, None), (404, "/x")]
)
def test_what_does_not_redirect_is_the_response(status: int, location: str | None) -> None:
    assert next_ask(ask(), status, location) is None


@pytest.mark.parametrize(
    ("status", "method", "onward_method", "keeps_body"),
    [
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (303, "POST", "GET", False),
        (303, "PUT", "GET", False),
        (303, "HEAD", "HEAD", True),
        (301, "PUT", "PUT", True),
        (302, "GET", "GET", True),
        (307, "POST", "POST", True),
        (308, "POST", "POST", True),
    ],
)
def test_method_and_body_after_a_redirect(status: int, method: str, onward_method: str, *, keeps_body: bool) -> None:
    onward = next_ask(ask(method=method, body=b"{}"), status, "/next")
    assert onward is not None
    assert (onward.method, onward.body) == (onward_method, b"{}" if keeps_body else None)
    assert headers_of(onward)[b"X-Api-Key"] == b"s3cret"
    assert (b"Content-Type" in headers_of(onward)) is keeps_body


@pytest.mark.parametrize(
    "elsewhere",
    ["https://b.example/", "https://a.example:8443/", "https://sub.a.example/", "//a.example.evil.example/"],
)
def test_another_origin_gets_nothing_that_was_configured_and_it_is_not_picked_up_again(elsewhere: str) -> None:
    away = next_ask(ask(method="POST", body=b"{}"), 307, elsewhere)
    assert away is not None
    back = next_ask(away, 307, "https://a.example/start")
    for asked in (away, back):
        assert asked is not None
        assert (asked.headers, asked.body) == ((), None)


def test_the_same_host_under_https_is_another_origin() -> None:
    onward = next_ask(ask("http://a.example/"), 301, "https://a.example/")
    assert onward is not None
    assert onward.headers == ()


def test_a_request_says_who_asks_unless_the_probe_does() -> None:
    assert headers_of(first_ask(probe()))[b"user-agent"] == f"prober/{__version__}".encode()
    own = headers_of(first_ask(probe(headers=(("User-Agent", "me"), ("HOST", "virtual.example")))))
    assert (own[b"User-Agent"], own[b"HOST"]) == (b"me", b"virtual.example")
    assert b"user-agent" not in own
    assert b"host" not in own


def test_basic_auth_is_a_header_that_a_configured_one_replaces() -> None:
    assert headers_of(first_ask(probe(auth=("me", "p:w"))))[b"authorization"] == b"Basic bWU6cDp3"
    own = headers_of(first_ask(probe(auth=("me", "pw"), headers=(("Authorization", "Bearer x"),))))
    assert own[b"Authorization"] == b"Bearer x"
    assert b"authorization" not in own


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, None), ("POST", None, b"0"), ("POST", "h\u00e9", b"3"), ("GET", "{}", b"2")],
)
def test_a_body_comes_with_its_length(method: str, body: str | None, length: bytes | None) -> None:
    assert headers_of(first_ask(probe(method=method, body=body))).get(b"content-length") == length
