from __future__ import annotations

from typing import Any

import pytest

from prober.core.importing.account import Body, Keyword
from tests.core.importing.tables import reason, table

GUID = "a1B2c3D4e5F6g7H8i9J0"


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://acme.example/health?x=1&y=2", "https://acme.example/health?x=1&y=2"),
        ("https://acme.example", "https://acme.example"),
        ("https://acme.example:8443/#top", "https://acme.example:8443/"),
        ("  https://acme.example/a b\n", "https://acme.example/a%20b"),
        ("https://acme.example/\u202ea", "https://acme.example/%E2%80%AEa"),
        ("https://acme.example/${HOME}$$", "https://acme.example/$${HOME}$$$$"),
        ("https://bücher.example/ü", "https://bücher.example/ü"),
        ("HTTP://[::1]:8080/", "HTTP://[::1]:8080/"),
        ("https://acme.example/?", "https://acme.example/?"),
        ("https://acme.example/?a=1&flag&=x", "https://acme.example/?a=1&flag&=x"),
        (
            "https://acme.example/?monkey=1&design=2&keyword=3&token=",
            "https://acme.example/?monkey=1&design=2&keyword=3&token=",
        ),
    ],
)
def test_a_url_is_carried_over(url: str, written: str) -> None:
    assert (table(url=url).keys["url"], table(url=url).secrets) == (written, {})


@pytest.mark.parametrize(
    ("url", "written", "name"),
    [
        ("https://a.example/?key=s3cret&x=1", "https://a.example/?key=${API_KEY}&x=1", "API_KEY"),
        (
            "https://a.example/?x=1&accessToken=s3cret",
            "https://a.example/?x=1&accessToken=${API_ACCESSTOKEN}",
            "API_ACCESSTOKEN",
        ),
        ("https://a.example/?APIKey=s3cret", "https://a.example/?APIKey=${API_APIKEY}", "API_APIKEY"),
        (f"https://a.example/?x={GUID}", "https://a.example/?x=${API_X}", "API_X"),
        (f"https://a.example/?{GUID}", "https://a.example/?${API_QUERY}", "API_QUERY"),
        (f"https://a.example/?a&{GUID}", "https://a.example/?a&${API_QUERY}", "API_QUERY"),
        (f"https://a.example/?{GUID}=1&b=2", "https://a.example/?${API_QUERY}&b=2", "API_QUERY"),
        (f"https://a.example/hooks/{GUID}/b", "https://a.example/hooks/${API_PATH}/b", "API_PATH"),
        ("https://a.example/?x=" + "0f" * 16, "https://a.example/?x=${API_X}", "API_X"),
        ("https://a.example/?x=eyJhbGciOi.eyJzdWIi.sig", "https://a.example/?x=${API_X}", "API_X"),
    ],
)
def test_what_looks_like_a_secret_in_a_url_becomes_a_variable(url: str, written: str, name: str) -> None:
    found = table(url=url)
    assert (found.keys["url"], list(found.secrets)) == (written, [name])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "it is not an http or https URL"),
        ("acme.example", "it is not an http or https URL"),
        ("ftp://acme.example/", "it is not an http or https URL"),
        ("https://", "it has no host"),
        ("https://acme.example:port/", "it is not a URL: its host or port cannot be read"),
        ("https://exa\x00mple/", "it does not hold a valid host name"),
    ],
)
def test_a_url_that_cannot_be_asked_is_listed_with_the_reason(url: str, said: str) -> None:
    assert reason(url=url) == f"its URL cannot be asked: {said}"


@pytest.mark.parametrize(
    ("fields", "auth"),
    [
        ({"auth": "basic", "username": "me", "password": "pw"}, {"username": "me", "password": "${API_PASSWORD}"}),
        ({"auth": "basic", "username": "a$b", "password": "pw"}, {"username": "a$$b", "password": "${API_PASSWORD}"}),
        ({"auth": "basic", "username": "token"}, {"username": "${API_USERNAME}", "password": ""}),
        (
            {"auth": "basic", "username": GUID, "password": "pw"},
            {"username": "${API_USERNAME}", "password": "${API_PASSWORD}"},
        ),
        ({"url": "https://me:p%40w@acme.example/"}, {"username": "me", "password": "${API_PASSWORD}"}),
        (
            {"url": "https://me:pw@acme.example/", "auth": "basic", "username": "you", "password": "pw"},
            {"username": "you", "password": "${API_PASSWORD}"},
        ),
    ],
)
def test_credentials_become_basic_authentication_with_a_variable(fields: dict[str, Any], auth: dict[str, str]) -> None:
    found = table(**fields)
    assert found.keys["auth"] == auth
    assert "@" not in found.keys["url"]


def test_a_bearer_token_becomes_a_header_with_a_variable() -> None:
    found = table(auth="bearer", password="s3cret")
    assert found.keys["headers.Authorization"] == "Bearer ${API_TOKEN}"
    assert "auth" not in found.keys


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        (
            {"auth": "basic", "password": "pw"},
            "its credentials were not carried over: they have no user name",
        ),
        (
            {"auth": "basic", "username": "a:b", "password": "pw"},
            (
                "its credentials were not carried over: "
                "a user name of HTTP basic authentication holds no colon and no control character"
            ),
        ),
        (
            {"auth": "basic", "username": "a", "password": "pw", "headers": ("authorization",)},
            "its credentials were not carried over: it also sets the header Authorization",
        ),
        (
            {"auth": "bearer", "password": "pw", "headers": ("Authorization",)},
            "its credentials were not carried over: it also sets the header Authorization",
        ),
        ({"headers": ("A", "a")}, "the header a was set twice: once is enough"),
        (
            {"headers": ("Content-Length",)},
            "the header Content-Length was not carried over: it cannot be set: how a request is framed is up to prober",
        ),
        ({"headers": ("a b",)}, "the header a b was not carried over: it is not the name of a header"),
        ({"body": Body(is_form=True)}, "what it posts was not carried over: a HEAD has no body"),
    ],
)
def test_what_of_a_request_cannot_be_carried_over_is_said(fields: dict[str, Any], note: str) -> None:
    assert table(**fields).notes == (note,)


def test_digest_and_unknown_methods_are_listed_with_the_reason() -> None:
    assert reason(auth="digest") == "it logs in with HTTP digest, which prober does not speak"
    assert reason(method="QUERY") == "it asks with QUERY, which prober does not"


def test_the_value_of_a_header_is_always_a_variable() -> None:
    found = table(headers=("X-Api-Key", "Accept"))
    assert (found.keys["headers.X-Api-Key"], found.keys["headers.Accept"]) == ("${API_X_API_KEY}", "${API_ACCEPT}")
    assert found.secrets == {"API_X_API_KEY": "the header X-Api-Key", "API_ACCEPT": "the header Accept"}


KEYWORD = Keyword(text="ok", is_down_when_present=False)


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ({}, "HEAD"),
        ({"kind": "keyword"}, "HEAD"),
        ({"kind": "api"}, "GET"),
        ({"method": "GET"}, "GET"),
        ({"method": "OPTIONS"}, "OPTIONS"),
        ({"kind": "keyword", "keyword": KEYWORD}, "GET"),
        ({"kind": "keyword", "keyword": KEYWORD, "method": "HEAD"}, "GET"),
        ({"kind": "keyword", "keyword": KEYWORD, "method": "POST"}, "POST"),
    ],
)
def test_the_method_is_theirs_and_a_judged_body_needs_one(fields: dict[str, Any], method: str) -> None:
    assert table(**fields).keys["method"] == method


def test_what_is_posted_is_one_variable_that_says_its_fields() -> None:
    form = table(method="POST", body=Body(is_form=True, fields=("user", "pass")))
    assert form.keys["body"] == "${API_BODY}"
    assert form.keys["headers.Content-Type"] == "application/x-www-form-urlencoded"
    assert form.secrets == {"API_BODY": "what it posts, in one line: user=..., pass=..."}
    plain = table(method="PUT", body=Body(is_form=False), headers=("content-type",))
    assert plain.secrets["API_BODY"] == "what it posts, in one line"
    assert "headers.Content-Type" not in plain.keys
    assert table(method="PUT", body=Body(is_form=False)).keys["headers.Content-Type"] == "application/json"


def test_redirects_are_followed_unless_they_were_not() -> None:
    assert "redirects" not in table().keys
    assert table(follows_redirects=False).keys["redirects"] == 0
