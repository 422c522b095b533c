"""Calls of UptimeRobot's API v2: a form with the key in the body of a POST, an envelope that says whether it worked.

An error comes with status 200 and ``"stat": "fail"``. What they say is never repeated: they repeat the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from prober.adapters.uptimerobot.laundry import whole
from prober.core.jsonrules import NotJsonError, parse_json
from prober.core.refusal import refusal_of
from prober.core.sight import Rejected, Unreachable
from prober.errors import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from prober.core.facts import Answer
    from prober.core.sight import Limited

    Ask = Callable[..., Awaitable[Answer]]

PAGE: Final = 50
_MOST_PAGES: Final = 200
_NAMES_OF_THE_KEY: Final = ("api_key", "apikey", "api key")


class RefusedError(Exception):
    """The API gave nothing that can be read; ``sight`` says what it did instead."""

    def __init__(self, sight: Unreachable | Limited | Rejected) -> None:
        super().__init__()
        self.sight = sight


async def all_monitors(
    fetch: Ask, *, url: str, api_key: str, switches: Mapping[str, str | int]
) -> list[dict[str, Any]]:
    """Return every monitor of the account as it comes, each once, page by page. Raises `RefusedError`.

    A list that changes between two pages may show a monitor twice, or not at all.
    """
    found: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        form = {"offset": len(found), "limit": PAGE, **switches}
        reply = await call(fetch, "getMonitors", url=url, api_key=api_key, form=form)
        page, paging = reply.get("monitors"), reply.get("pagination")
        if not isinstance(page, list) or not isinstance(paging, dict) or (total := whole(paging.get("total"))) is None:
            raise RefusedError(Unreachable(why="the answer has no list of monitors"))
        found += [each if isinstance(each, dict) else {} for each in page]
        if not page or len(found) >= total:
            return list({str(each.get("id")): each for each in found}.values())
    raise RefusedError(Unreachable(why="the list of monitors has no end"))


async def call(fetch: Ask, method: str, *, url: str, api_key: str, form: Mapping[str, str | int]) -> dict[str, Any]:
    """Return what a method answers. Raises `RefusedError`."""
    body = urlencode({"api_key": api_key, "format": "json", **form}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "cache-control": "no-cache"}
    try:
        answer = await fetch("POST", f"{url.rstrip('/')}/{method}", headers=headers, body=body)
    except NoAnswerError as error:
        raise RefusedError(Unreachable(why=str(error))) from error
    if (refusal := refusal_of(answer)) is not None:
        raise RefusedError(refusal)
    return _envelope(answer.body)


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        reply = parse_json(body)
    except NotJsonError:
        raise RefusedError(Unreachable(why="the answer is not JSON")) from None
    if isinstance(reply, dict) and reply.get("stat") == "ok":
        return reply
    if isinstance(reply, dict) and reply.get("stat") == "fail":
        if _is_about_the_key(reply.get("error")):
            raise RefusedError(Rejected(why="the API refuses the key"))
        raise RefusedError(Unreachable(why="the API says that the request failed"))
    raise RefusedError(Unreachable(why="the answer does not say whether it is one"))


def _is_about_the_key(error: object) -> bool:
    said = [error.get(name) for name in ("parameter_name", "type", "message")] if isinstance(error, dict) else [error]
    words = " ".join(each.lower() for each in said if isinstance(each, str))
    return any(name in words for name in _NAMES_OF_THE_KEY)
