"""What a monitor asks, as the keys of a probe: url, method, credentials, headers and body, without any secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from prober.core.importing.secrets import tells_of_a_secret
from prober.core.importing.spelling import literal

if TYPE_CHECKING:
    from prober.core.importing.account import Monitor
    from prober.core.importing.draft import Draft, Judge

METHODS: Final = ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def request_url(url: str, judge: Judge) -> tuple[str, str]:
    """Return the url that a monitor means, with its credentials, and why a probe cannot have it; empty: it can."""
    text = "".join(map(_spelled, url.strip()))
    scheme, _, *rest = _parts(text)
    return text, judge("url", f"{scheme}://{''.join(rest)}" if "://" in text else text) or ""


def _spelled(char: str) -> str:
    return char if char.isprintable() and char != " " else quote(char, errors="replace")


def _parts(url: str) -> tuple[str, str, str, str, str]:
    """Return scheme, credentials, host and port, path, and query with its question mark, of a url that has them."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    before, mark, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    credentials, _, host = authority.rpartition("@")
    return scheme, credentials, host, slash + path, mark + query


def put_request(draft: Draft, monitor: Monitor, url: str) -> None:
    """Set what is asked, with a url that `request_url` found fit."""
    username, password = _put_url(draft, url)
    headers = _headers(draft, monitor)
    _put_auth(draft, monitor, username, password, headers)
    _put_method_and_body(draft, monitor, headers)
    for name, value in headers.items():
        draft.keys["headers", name] = value
    if not monitor.follows_redirects:
        draft.put("redirects", value=0)


def _put_url(draft: Draft, url: str) -> tuple[str, str]:
    """Set the url, and return the credentials that stood in it."""
    scheme, credentials, host, path, query = _parts(url)
    what = "a part of its path, as it stands in the URL"
    path = "/".join(draft.guarded(part, "PATH", what) for part in path.split("/"))
    query = "&".join(_parameter(draft, each) for each in query.split("&"))
    draft.keys["url",] = f"{scheme}://{literal(host)}{path}{query}"
    username, _, password = credentials.partition(":")
    return unquote(username), unquote(password)


def _parameter(draft: Draft, parameter: str) -> str:
    """Return a parameter as the file writes it; the first one begins with a question mark."""
    mark = "?" if parameter.startswith("?") else ""
    name, equals, value = parameter.removeprefix(mark).partition("=")
    if draft.vault.guards(name):
        return mark + draft.secret("QUERY", "a part of what stands behind the ? of its URL")
    said = unquote(name)
    what = f"the parameter {said}, as it stands in the URL"
    is_secret = value and tells_of_a_secret(said)
    written = draft.secret(said, what) if is_secret else draft.guarded(value, said, what)
    return f"{mark}{literal(name)}{equals}{written}"


def _headers(draft: Draft, monitor: Monitor) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name in monitor.headers:
        if name.lower() in map(str.lower, headers):
            draft.notes.append(f"the header {name} was set twice: once is enough")
        elif why := draft.judge("headers", name, is_name=True):
            draft.notes.append(f"the header {name} was not carried over: {why}")
        else:
            headers[name] = draft.secret(name, f"the header {name}")
    return headers


def _put_auth(draft: Draft, monitor: Monitor, username: str, password: str, headers: dict[str, str]) -> None:
    if monitor.auth == "basic":
        username, password = monitor.username, monitor.password
    if monitor.auth == "none" and not (username or password):
        return
    if any(name.lower() == "authorization" for name in headers):
        draft.notes.append("its credentials were not carried over: it also sets the header Authorization")
    elif monitor.auth == "bearer":
        headers["Authorization"] = "Bearer " + draft.secret("TOKEN", "the bearer token")
    elif not username:
        draft.notes.append("its credentials were not carried over: they have no user name")
    else:
        _put_basic(draft, username, password)


def _put_basic(draft: Draft, username: str, password: str) -> None:
    """Set HTTP basic; what has no password is a token in the place of a user name."""
    if why := draft.judge("auth.username", username):
        draft.notes.append(f"its credentials were not carried over: {why}")
        return
    user = (
        draft.guarded(username, "USERNAME", "the user name") if password else draft.secret("USERNAME", "the user name")
    )
    secret = draft.secret("PASSWORD", "the password") if password else ""
    draft.keys["auth",] = {"username": user, "password": secret}


def _put_method_and_body(draft: Draft, monitor: Monitor, headers: dict[str, str]) -> None:
    judges_body = monitor.keyword is not None or bool(monitor.assertions)
    method = monitor.method or ("GET" if monitor.kind == "api" else "HEAD")
    if method == "HEAD" and judges_body:
        method = "GET"
    draft.put("method", value=method)
    if monitor.body is None:
        return
    if method in {"HEAD", "GET"}:
        draft.notes.append(f"what it posts was not carried over: a {method} has no body")
        return
    kind = "application/x-www-form-urlencoded" if monitor.body.is_form else "application/json"
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    fields = f": {', '.join(f'{name}=...' for name in monitor.body.fields)}" if monitor.body.fields else ""
    draft.keys["body",] = draft.secret("BODY", f"what it posts, in one line{fields}")
