"""Names, connectivity urls, and our clock against the clocks of those who answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prober.core.diagnosis.finding import Finding, fine, note, rough, wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOW_LOOKUP_MS: Final = 1_000
CLOCK_NOTE_MS: Final = 5_000
CLOCK_WRONG_MS: Final = 60_000
SHOWN_NAMES: Final = 10
_DATE_GRAIN_MS: Final = 1_000


def judge_names(found: Sequence[tuple[str, Sequence[str], int]]) -> list[Finding]:
    """Judge names that were found: (host, addresses, milliseconds it took); of many the slowest stand for the rest."""
    slowest_first = sorted(found, key=lambda each: -each[2])
    slow = [each for each in slowest_first if each[2] > SLOW_LOOKUP_MS]
    quick = slowest_first[len(slow) :]
    findings = [_slow(*each) for each in slow[:SHOWN_NAMES]]
    findings += [fine("names", _found(*each)) for each in quick[:SHOWN_NAMES]]
    if (more := len(found) - len(findings)) > 0:
        findings.append(fine("names", f"{more} more found, each in less time"))
    return findings


def judge_lost_names(lost: Sequence[tuple[str, str]]) -> list[Finding]:
    """Judge names that could not be looked up, each with the reason."""
    hosts_of: dict[str, list[str]] = {}
    for host, why in lost:
        hosts_of.setdefault(why, []).append(host)
    advice = "check how it is written, and the name servers in /etc/resolv.conf"
    return [wrong("names", f"{_some(hosts)}: {why}", advice) for why, hosts in hosts_of.items()]


def judge_connectivity(label: str, took_ms: int, failure: str | None) -> Finding:
    """Judge a connectivity url: how long its answer took, or why none came."""
    if failure is None:
        return fine("connectivity", f"{label} answers in {took_ms} ms")
    return wrong(
        "connectivity",
        f"{label} does not answer: {failure}",
        "name a url that answers from here: when all are silent, an outage of theirs is taken for one of ours",
    )


def no_connectivity() -> Finding:
    """Return what to say where no connectivity url is configured."""
    return note(
        "connectivity",
        'not configured: "we are offline" cannot be told from "they are down"',
        "add [connectivity] urls that answer from here",
    )


def clock_offset_ms(date_ms: int, *, asked_ms: int, answered_ms: int) -> int:
    """Return how far our clock is ahead of the one that wrote a ``Date``, as far as that is certain.

    The date was written between question and answer, and is cut to whole seconds.
    """
    least = asked_ms - date_ms - _DATE_GRAIN_MS
    most = answered_ms - date_ms
    return max(least, 0) or min(most, 0)


def judge_clock(offsets_ms: Sequence[int]) -> Finding:
    """Judge our clock by how far it is ahead of several others. Their median counts: one of them may be wrong."""
    if not offsets_ms:
        return note("clock", "no answer told the time", 'compare "date -u" with another machine')
    ordered = sorted(offsets_ms)
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    offset_ms = min(middle, key=abs)
    source = f"the Date of {len(ordered)} answer{'s' if len(ordered) > 1 else ''}"
    if abs(offset_ms) <= CLOCK_NOTE_MS:
        return fine("clock", f"agrees with {source}")
    message = f"{rough(abs(offset_ms))} {'ahead of' if offset_ms > 0 else 'behind'} {source}"
    advice = 'set it: "timedatectl set-ntp true", or start chrony or ntpd'
    if abs(offset_ms) <= CLOCK_WRONG_MS:
        return note("clock", message, advice)
    return wrong("clock", f"{message}: certificates and the dates of mails are judged by it", advice)


def _some(hosts: Sequence[str]) -> str:
    more = len(hosts) - SHOWN_NAMES
    return ", ".join(hosts[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _slow(host: str, addresses: Sequence[str], took_ms: int) -> Finding:
    advice = "every check pays for this: a caching resolver on this machine helps"
    return note("names", f"{_found(host, addresses, took_ms)}, which is slow", advice)


def _found(host: str, addresses: Sequence[str], took_ms: int) -> str:
    families = {"IPv6" if ":" in each else "IPv4" for each in addresses}
    return f"{host}: {' and '.join(sorted(families))} in {took_ms} ms"
