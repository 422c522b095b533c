"""Check for a person who watches: the same check and verdict as a round, and nothing kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from prober.adapters.clock import SystemClock
from prober.adapters.http import HttpChecker
from prober.adapters.store.probes import shown_url
from prober.app.round import Rounds
from prober.core.masking import Masker
from prober.core.report import Checked
from prober.core.schedule import worst_alert_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prober.core.facts import Facts
    from prober.core.model import Probe, Result


def check_once(
    probes: Sequence[Probe],
    *,
    secrets: Sequence[str] = (),
    connectivity_urls: Sequence[str] = (),
    location: str,
    refuse_private: bool = False,
) -> list[Checked]:
    """Check the probes once and return what was seen, in their order.

    A probe without an identity is a bare url: it has no id to be called by, and nobody would be told of an outage.
    """
    seen: dict[str, Facts] = {}
    mask = Masker(secrets).mask
    results = anyio.run(_check, probes, mask, connectivity_urls, location, refuse_private, seen)
    return [_checked(probe, result, seen[probe.id], mask) for probe, result in zip(probes, results, strict=True)]


async def _check(
    probes: Sequence[Probe],
    mask: Callable[[str], str],
    connectivity_urls: Sequence[str],
    location: str,
    refuse_private: bool,
    seen: dict[str, Facts],
) -> tuple[Result, ...]:
    clock = SystemClock()
    async with HttpChecker(now_ms=clock.now_ms, refuse_private=refuse_private) as checker:
        rounds = Rounds(
            checker=checker,
            clock=clock,
            location=location,
            mask=mask,
            connectivity_urls=connectivity_urls,
            on_seen=lambda probe, facts: seen.__setitem__(probe.id, facts),
        )
        return (await rounds.run(probes)).results


def _checked(probe: Probe, result: Result, facts: Facts, mask: Callable[[str], str]) -> Checked:
    content_type = next((value for name, value in facts.headers if name.lower() == "content-type"), None)
    return Checked(
        label=shown_url(mask(probe.url)).split("://", 1)[-1],
        result=result,
        id=probe.id if probe.identity else None,
        body_bytes=len(facts.body),
        body_is_cut=facts.body_is_cut,
        content_type=content_type and mask(content_type),
        verify=probe.verify,
        worst_alert_ms=worst_alert_ms(probe) if probe.identity else None,
    )
