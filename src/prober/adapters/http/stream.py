"""Read what comes after the head of a response, as far as anybody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import anyio.lowlevel

from prober.adapters.http.transport import EnoughError, Hop

if TYPE_CHECKING:
    from prober.adapters.http.body import Body
    from prober.adapters.http.lean import httpx

_CHUNKS_BETWEEN_CHECKPOINTS: Final = 64


async def read_into(body: Body, response: httpx.Response, hop: Hop) -> bool:
    """Read a response until its end or until the body is full, and say whether it was the end."""
    chunks = 0
    try:
        async for chunk in cast("httpx.AsyncByteStream", response.stream):
            body.feed(chunk)
            hop.is_enough = body.is_full
            chunks += 1
            if chunks % _CHUNKS_BETWEEN_CHECKPOINTS == 0:
                # Thousands of one-byte chunks fit into one read: let others, and the deadline, have their turn.
                await anyio.lowlevel.checkpoint()
    except EnoughError:
        return False
    return True
