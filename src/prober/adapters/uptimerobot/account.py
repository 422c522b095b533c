"""A whole account: version 2 of the API tells most, version 3 what it has learned since."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import anyio

from prober.adapters.uptimerobot import laundry
from prober.adapters.uptimerobot.calls import PAGE, RefusedError, call
from prober.adapters.uptimerobot.contacts import contacts_of, window_of
from prober.adapters.uptimerobot.monitors import merged, text
from prober.core.importing.account import Account
from prober.core.jsonrules import NotJsonError, parse_json
from prober.core.refusal import refusal_of
from prober.core.sight import Limited, Rejected, Unreachable
from prober.errors import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from prober.adapters.uptimerobot.calls import Ask

    Say = Callable[[str], None]

T = TypeVar("T")

LONGEST_WAIT_MS: Final = 300_000
_PAUSES_S: Final = (1, 3)
_MOST_PAGES: Final = 400
_PAGE_V3: Final = 200
_SWITCHES: Final = {
    **dict.fromkeys(("alert_contacts", "mwindows", "ssl", "timezone"), 1),
    **dict.fromkeys(("custom_http_headers", "custom_http_statuses", "http_request_details"), 1),
}


async def read_account(
    fetch: Ask, *, url: str, api_key: str, say: Say = lambda _: None, say_wait: Say | None = None
) -> Account:
    """Return all that the account holds. ``url`` is the base address of version 2.

    ``say`` hears how far it is, ``say_wait``, or else ``say``, that it waits.

    Waits as long as it is asked to, `LONGEST_WAIT_MS` in all. Raises `RefusedError` when the monitors cannot be read.
    What else cannot be read with this key is said in the account's troubles.
    """
    reader = _Reader(fetch, url, api_key, say, say_wait or say)
    replies = await reader.pages("getMonitors", "monitors")
    v2 = [each for reply in replies for each in _tables(reply["monitors"])]
    contacts = await reader.entries("getAlertContacts", "alert_contacts", "alert contacts")
    windows = await reader.entries("getMWindows", "mwindows", "maintenance windows")
    v3, groups = await reader.version_3()
    monitors = [merged(old, new, groups) for old, new in _paired(v2, v3)]
    assigned = [each for monitor in v2 for each in _tables(monitor.get("alert_contacts"))]
    zone = next((str(reply["timezone"]) for reply in replies if reply.get("timezone") is not None), None)
    return Account(
        monitors=tuple(each for each in monitors if each is not None),
        contacts=tuple(contacts_of([*contacts, *assigned])),
        windows=tuple(map(window_of, windows)),
        timezone=zone,
        troubles=tuple(reader.troubles),
    )


def version_3_url(url: str) -> str | None:
    """Return the base address of version 3 beside that of version 2; None when it is not such a one."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=f"{path.removesuffix('v2')}v3/")) if path.endswith("/v2") else None


class _Reader:
    """Asks, page by page, with patience."""

    def __init__(self, fetch: Ask, url: str, api_key: str, say: Say, say_wait: Say) -> None:
        self.troubles: list[str] = []
        self._fetch, self._url, self._key, self._say, self._say_wait = fetch, url, api_key, say, say_wait
        self._waited_ms = 0

    async def pages(self, method: str, name: str) -> list[dict[str, Any]]:
        """Return the replies of version 2 that together hold a whole list. Raises `RefusedError`."""
        replies: list[dict[str, Any]] = []
        count = 0
        for _ in range(_MOST_PAGES):
            form = {"offset": count, "limit": PAGE, **(_SWITCHES if name == "monitors" else {})}
            ask = partial(call, self._fetch, method, url=self._url, api_key=self._key, form=form)
            reply = await self._patiently(ask)
            if not isinstance(reply.get(name), list):
                raise RefusedError(Unreachable(why=f"the answer to {method} has no list"))
            replies.append(reply)
            count += len(reply[name])
            # Contacts have their paging beside them, all others have it in a table.
            total = laundry.whole((_table(reply.get("pagination")) or reply).get("total")) or 0
            self._say(f"{name.replace('_', ' ')}: {count} of {max(total, count)}")
            if not reply[name] or count >= total:
                return replies
        raise RefusedError(Unreachable(why=f"the answers to {method} have no end"))

    async def entries(self, method: str, name: str, what: str) -> list[dict[str, Any]]:
        """Return a list of version 2 that a key of a single monitor cannot read."""
        try:
            replies = await self.pages(method, name)
        except RefusedError as refused:
            if not isinstance(refused.sight, Rejected):
                raise
            self.troubles.append(f"{what} cannot be read with this key")
            return []
        return [each for reply in replies for each in _tables(reply[name])]

    async def version_3(self) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """Return the monitors as version 3 tells them, and the names of groups; nothing when it does not answer."""
        base = version_3_url(self._url)
        if base is None:
            self.troubles.append("API v2 alone was read: it tells nothing of redirects, success codes, tags and JSON")
            return [], {}
        try:
            monitors = await self._list_v3(f"{base}monitors", "details")
        except RefusedError as refused:
            why = _words(refused.sight)
            self.troubles.append(
                f"API v3 gave nothing ({why}): redirects, success codes, tags, slow and JSON are missing"
            )
            return [], {}
        return monitors, await self._groups(base, monitors)

    async def _groups(self, base: str, monitors: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        if not any(laundry.whole(each.get("groupId")) for each in monitors):
            return {}
        try:
            found = await self._list_v3(f"{base}monitor-groups", "groups")
        except RefusedError:
            self.troubles.append("the names of groups cannot be read: they would be tags")
            return {}
        return {laundry.whole(each.get("id")) or 0: text(each.get("name")) for each in found}

    async def _list_v3(self, url: str, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursors: set[str | None] = set()
        cursor: str | None = None
        while cursor not in cursors:
            cursors.add(cursor)
            onward = f"&cursor={quote(cursor, safe='')}" if cursor else ""
            reply = await self._patiently(partial(self._get, f"{url}?limit={_PAGE_V3}{onward}"))
            found += _tables(reply["data"])
            self._say(f"{what}: {len(found)}")
            cursor = _cursor(reply)
            if cursor is None:
                break
        return found

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = await self._fetch("GET", url, headers={"authorization": f"Bearer {self._key}"})
        except NoAnswerError as error:
            raise RefusedError(Unreachable(why=str(error))) from error
        if (refusal := refusal_of(answer)) is not None:
            raise RefusedError(refusal)
        try:
            reply = parse_json(answer.body)
        except NotJsonError:
            reply = None
        if isinstance(reply, dict) and isinstance(reply.get("data"), list):
            return reply
        raise RefusedError(Unreachable(why="the answer has no list"))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again when they say wait, and twice when their answer is none; not when there is no answer at all."""
        pauses = list(_PAUSES_S)
        while True:
            try:
                return await ask()
            except RefusedError as refused:
                match refused.sight:
                    case Limited(wait_ms=wait_ms) if self._waited_ms + wait_ms <= LONGEST_WAIT_MS:
                        self._waited_ms += wait_ms
                        self._say_wait(f"UptimeRobot asks to wait {wait_ms // 1000} s")
                        await anyio.sleep(wait_ms / 1000)
                    case Unreachable() if refused.__cause__ is None and pauses:
                        await anyio.sleep(pauses.pop(0))
                    case _:
                        raise


def _words(sight: Unreachable | Limited | Rejected) -> str:
    return f"it asks to wait {sight.wait_ms // 1000} s" if isinstance(sight, Limited) else sight.why


def _cursor(reply: Mapping[str, Any]) -> str | None:
    """Return where the next page begins. A link is not followed: it could lead the key elsewhere."""
    number = laundry.whole(reply.get("nextCursorId"))
    if number is not None:
        return str(number)
    link = reply.get("nextLink")
    try:
        found = parse_qs(urlsplit(link).query).get("cursor") if isinstance(link, str) else None
    except ValueError:
        return None
    return found[0] if found else None


def _paired(
    v2: Sequence[dict[str, Any]], v3: Sequence[dict[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each monitor once as both versions tell it; what one of them does not know is empty."""
    old, new = ({laundry.whole(each.get("id")): each for each in monitors} for monitors in (v2, v3))
    for number in dict.fromkeys([*old, *new]):
        yield old.get(number, {}), new.get(number, {})


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
