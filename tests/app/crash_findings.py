"""What is told and what is true after a kill, and how the two compare."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.render.mails import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.sink import Taken

# Who is told, by which word, and about which incident or which end of a certificate.
Told: TypeAlias = "tuple[str, str, str]"

WORDS: Final = {"down": "DOWN", "recovered": "UP", "slow": "SLOW", "slow_over": "OK", "certificate_expiring": "CERT"}
TABLES: Final = (
    "probes",
    "(SELECT no, probe, location, first_at_ms FROM series)",  # how far they are rolled up is housekeeping
    "intervals",
    "results",
    "result_details",
    "states",
    "incidents",
    "events",
    "rounds",
)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What a number of worlds came to. ``lost``, ``invented``, ``twice`` and ``broken`` must be empty."""

    worlds: int = 0
    kills: int = 0
    repeats: int = 0
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.invented or self.twice or self.broken)

    def judge(self, where: str, true: set[Told], taken: list[Taken], *, kills: int) -> None:
        """Hold what the mail server took against what was true."""
        told: dict[Told, set[str]] = defaultdict(set)
        copies: dict[str, list[Taken]] = defaultdict(list)
        for mail in taken:
            message_id, says = read(mail)
            copies[message_id].append(mail)
            for each in says:
                told[each].add(message_id)
        self.lost += [f"{where}: {each}" for each in true - told.keys()]
        self.invented += [f"{where}: {each}" for each in told.keys() - true]
        self.twice += [f"{where}: {each} in two mails" for each, ids in told.items() if len(ids) > 1]
        self.twice += [
            f"{where}: {each} differs" for each, mails in copies.items() if len({mail.content for mail in mails}) > 1
        ]
        repeats = sum(len(mails) - 1 - sum(mail.is_cut for mail in mails[:-1]) for mails in copies.values())
        if repeats > kills:
            self.twice.append(f"{where}: {repeats} repeats for {kills} kills")
        self.worlds += 1
        self.kills += kills
        self.repeats += repeats


def history(path: Path) -> list[Any]:
    """Return all that is kept for good."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]


def all_true(path: Path) -> set[Told]:
    """Return all that the store holds as to be told."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            """SELECT recipient, kind, coalesce(incident,
              date(json_extract(facts, '$.certificate_not_after_ms') / 1000, 'unixepoch'))
            FROM outbox WHERE event IS NOT NULL"""
        )
        return {(to, WORDS[kind], str(about)) for to, kind, about in rows}


@cache
def read(mail: Taken) -> tuple[str, tuple[Told, ...]]:
    """Return a mail's Message-ID and what it tells, as its reader would understand it."""
    seen = parsed(mail.content)
    opening, _, rest = seen.text.partition("\n\n")
    said = [f"{WORDS.get(seen['X-Prober-Event'])} {opening} (inc {seen['X-Prober-Incident']})".replace("\n", " ")]
    if seen["X-Prober-Event"] == "several":
        said = rest.partition("Alerts in this mail:\n")[2].partition("\n\n")[0].splitlines()
    told: list[Told] = []
    for each in said:
        word = each.split()[0]
        (about,) = re.findall(r"certificate ends on (\S+),", each) or re.findall(r"\(inc (\d+)\)", each)
        told.append((mail.recipient, word, about))
        if "stands for both" in each:
            told.append((mail.recipient, {"UP": "DOWN", "OK": "SLOW"}[word], about))
    return seen["Message-ID"], tuple(told)


def is_merged(mail: Taken) -> bool:
    """Say whether a mail tells of a beginning and its end at once."""
    return any((mail.recipient, "DOWN", about) in read(mail)[1] for _, word, about in read(mail)[1] if word == "UP")


def all_broken(path: Path) -> Iterator[str]:
    waiting = "SELECT id, state, recipient FROM outbox WHERE state IN ('queued', 'sending')"
    with closing(sqlite3.connect(path)) as connection:
        yield from (str(row) for row in connection.execute("PRAGMA integrity_check") if row != ("ok",))
        yield from (str(row) for row in connection.execute("PRAGMA foreign_key_check"))
        yield from (f"{row} still waits" for row in connection.execute(waiting))
