"""What may be read by everybody: figures, the names that the configuration gives, and our own words.

Everything else is left out, or stands there as a digest under a secret key: whoever has the key finds again what it
stands for, and nobody else, as they would within seconds of a plain hash of an address. Nothing is published because
nobody thought of it: what is not listed here is withheld.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, get_args

from prober.core.alerts import AlertKind
from prober.core.model import Outcome, Reason, Severity
from prober.core.sight import WATCHERS, Role, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SOMEBODY: Final = "somebody"

_OWN_WORDS: Final[Mapping[Reason, str]] = {
    Reason.DNS: "the name could not be looked up",
    Reason.REFUSED: "the connection was refused",
    Reason.UNREACHABLE: "the server could not be reached",
    Reason.RESET: "the connection was cut",
    Reason.TIMEOUT: "no complete answer in time",
    Reason.TLS: "the TLS handshake failed",
    Reason.TLS_EXPIRED: "the certificate is not valid at this time",
    Reason.TLS_HOSTNAME: "the certificate is for another name",
    Reason.TLS_UNTRUSTED: "the certificate is not trusted",
    Reason.PROTOCOL: "the answer is not valid HTTP",
    Reason.REDIRECT: "a redirect that is not followed",
    Reason.ADDRESS: "an address that is not allowed",
    Reason.STATUS: "an unexpected status",
    Reason.BODY: "the body is not as expected",
    Reason.JSON: "the JSON is not as expected",
    Reason.HEADER: "a header is not as expected",
    Reason.TOO_LARGE: "the body is too large",
    Reason.OFFLINE: "we are offline",
    Reason.BUSY: "we were late ourselves",
    Reason.DESCRIPTORS: "we could not open more connections",
    Reason.INTERNAL: "a fault of prober",
}

_NUMBERS: Final = frozenset(
    {"queued_at_ms", "incident", "started_at_ms", "confirmed_at_ms", "ended_at_ms", "checks", "failed_checks"}
    | {"last_good_at_ms", "latency_before_us", "latency_now_us", "slow_ms", "target_percent", "budget_used_percent"}
    | {"certificate_not_after_ms", "remind_ms", "acknowledged_at_ms", "batch", "verify", "is_merged", "was_held"}
)
_CHOICES: Final[Mapping[str, Collection[str]]] = {
    "kind": set(AlertKind),
    "severity": set(Severity),
    "reason": set(Reason),
    "role": get_args(Role),
    "watcher": set(WATCHERS.values()),
    "watched_as": set(Verdict),
}
_STANDINGS: Final = {"role": set(get_args(Role)), "why": set(Verdict), "seen": set(Verdict)}
_PEOPLE: Final = ("acknowledged_by", "resolved_by")
_FIGURES: Final = {
    "figures": ("uptime_percent", "coverage_percent"),
    "percentiles": ("p50_us", "p95_us", "p99_us"),
}

_DIGEST: Final = re.compile(r"hmac:[0-9a-f]{32}")
_HEX: Final = re.compile(r"[0-9a-f]{16,64}")
_WORD: Final = re.compile(r"[a-z_ ]{1,32}")
_NAME: Final = re.compile(r"[a-z_]{1,32}")
_RUN: Final = re.compile(r"[0-9]{1,20}\.[0-9]{1,6}")
_WINDOW: Final = re.compile(r"[0-9]{1,3}[hd]|today|[0-9]{1,3} days ago")
_STATUS: Final = re.compile(r"status ([0-9]{3})\b")


@lru_cache(maxsize=8)
def strengthened(secret: bytes) -> bytes:
    """Return the key that is made of a secret, at a cost that makes it slow to guess one chosen by a person."""
    return hashlib.scrypt(secret, salt=b"prober state", n=2**14, r=8, p=1, dklen=32)


def digest(key: bytes, *parts: str) -> str:
    """Return what stands for some texts together: ``hmac:`` and 32 hexadecimal digits."""
    told = hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
    return f"hmac:{told[:32]}"


def is_digest(text: str) -> bool:
    """Say whether a text is a digest already."""
    return _DIGEST.fullmatch(text) is not None


def recipient_digest(key: bytes, channel: str, address: str) -> str:
    """Return what stands for an address on a channel; what stands for one already stays as it is."""
    return address if is_digest(address) else digest(key, "recipient", channel, address)


def public_id(key: bytes, text: str) -> str:
    """Return an id that tells nothing as it is, a digest in the place of any other."""
    return text if _HEX.fullmatch(text) or is_digest(text) else digest(key, "id", text)


def public_message_id(key: bytes, message_id: str) -> str:
    """Return a Message-ID without its domain, which is that of the sender's address; a digest of one that says more."""
    local = message_id.strip("<>").partition("@")[0]
    return local if public_id(key, local) == local else public_id(key, message_id)


def public_run(key: bytes, run: str) -> str:
    """Return the name of a run: its numbers, else a digest."""
    return run if _RUN.fullmatch(run) else public_id(key, run)


def public_hex(text: str | None) -> str | None:
    """Return a fingerprint as it is, and nothing that is none."""
    return text if text is not None and _HEX.fullmatch(text) else None


def public_word(text: str) -> str:
    """Return a machine word as it is, ``other`` in the place of any other text."""
    return text if _WORD.fullmatch(text) else "other"


def public_reason(text: str | None) -> Reason | None:
    """Return the reason that a text names, None when it is none of ours."""
    return Reason(text) if text in set(Reason) else None


def status_in(detail: str | None) -> int | None:
    """Return the HTTP status that our own sentence about one begins with."""
    found = _STATUS.match(detail or "")
    return int(found[1]) if found else None


def public_detail(reason: Reason | None, status: int | None) -> str | None:
    """Return a sentence for a reason in our own words alone: nothing that a server said, no header, no url."""
    if reason is Reason.STATUS and status:
        return f"status {status}"
    return None if reason is None else _OWN_WORDS[reason]


def public_facts(facts: str, names: Collection[str]) -> str:
    """Return what of an alert's facts, in JSON, may be read by everybody; ``{}`` for what is none.

    ``names`` are the ids of probes and the locations that are known: a text is published as one of these, or not at
    all. What `AlertFacts.from_json` could read stays readable.
    """
    try:
        kept = _facts(json.loads(facts), names)
    except (AttributeError, KeyError, TypeError, ValueError):
        kept = {}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True)


def public_standing(standing: str, names: Collection[str]) -> str:
    """Return what of where we stand, in JSON, may be read by everybody: words of ours, numbers, and ids of probes."""
    told = json.loads(standing)
    kept: dict[str, Any] = {name: told[name] for name, known in _STANDINGS.items() if told.get(name) in known}
    kept |= _plain_numbers(told)
    kept["probes"] = {name: _plain_numbers(each) for name, each in told["probes"].items() if name in names}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True)


def _plain_numbers(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if _NAME.fullmatch(name) and isinstance(value, int)}


def _facts(facts: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: facts[name] for name in _NUMBERS if isinstance(facts.get(name), int | float)}
    kept |= {name: facts[name] for name, known in _CHOICES.items() if facts.get(name) in known}
    kept |= {name: SOMEBODY for name in _PEOPLE if facts.get(name)}
    if "probes" in facts:
        kept["probes"] = [each for each in facts["probes"] if each in names]
    if "location" in facts:
        kept |= {"location": facts["location"] if facts["location"] in names else "elsewhere", "origin": ""}
    if facts.get("probe_id") in names:
        kept |= dict.fromkeys(("probe_id", "probe_name"), facts["probe_id"])
    parts: dict[str, object] = {
        "detail": public_detail(public_reason(facts.get("reason")), status_in(facts.get("detail"))),
        "checks_before": list(_lines(facts.get("checks_before", ()))),
        **{name: list(_windows(facts.get(name, ()), numbers)) for name, numbers in _FIGURES.items()},
        "members": [_facts(member, names) for member in facts.get("members", ())],
    }
    return kept | {name: part for name, part in parts.items() if part}


def _lines(lines: Collection[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if isinstance(line["at_ms"], int) and line["outcome"] in set(Outcome):
            reason = public_reason(line["reason"])
            yield {
                "at_ms": line["at_ms"],
                "outcome": line["outcome"],
                "reason": reason,
                "detail": public_detail(reason, status_in(line["detail"])),
                "latency_us": _number(line, "latency_us"),
            }


def _windows(rows: Collection[Mapping[str, Any]], numbers: Collection[str]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if _WINDOW.fullmatch(row["window"]):
            yield {"window": row["window"]} | {name: _number(row, name) for name in numbers}


def _number(row: Mapping[str, Any], name: str) -> int | float | None:
    return row[name] if isinstance(row[name], int | float) else None
