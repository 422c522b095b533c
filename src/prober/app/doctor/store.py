"""The store, its disk and its lock, and what can be read there of whether prober does its work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from prober.adapters.host import find_starters
from prober.adapters.lock import find_holder
from prober.adapters.store import outbox
from prober.adapters.store.notices import all_notices
from prober.adapters.store.rounds import last_round
from prober.adapters.store.vitals import look_at_disk, look_at_file
from prober.app.elsewhere import places_in_use
from prober.app.reading import open_readers
from prober.app.waiting import count_alerts
from prober.core.diagnosis import Finding, note, wrong
from prober.core.diagnosis.service import (
    Holder,
    judge_last_round,
    judge_lock,
    judge_notice,
    judge_starters,
    judge_waiting,
    patience_ms,
)
from prober.core.diagnosis.store import judge_disk, judge_file, judge_no_folder, judge_place, judge_stand_in
from prober.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prober.adapters.lock import Held
    from prober.adapters.store.rounds import RoundRow
    from prober.core.diagnosis.service import Starter
    from prober.core.report import Notice

QUICK_CHECK_S: Final = 5.0


def look_at_store(
    path: Path | None, reason: str, *, config_path: Path | None, intervals_ms: Sequence[int], now_ms: int
) -> list[Finding]:
    """Look at all that lies on the disk."""
    findings: list[Finding] = []
    is_serving = False
    starters = find_starters(None if config_path is None else config_path.absolute().parent)
    if path is None:
        findings.append(note("store", "nothing says where it is", "name it with --db, or name a configuration"))
    else:
        try:
            findings += _file_and_disk(path, reason, maker=_maker(starters, reason))
            holder = find_holder(path)
            is_serving = holder is not None and holder.command == "serve"
            findings += _work(path, holder, now_ms, patience_ms(intervals_ms))
        except StoreError as error:
            message, _, advice = str(error).partition("; ")
            findings.append(wrong("store", message, advice))
    return findings + judge_starters(starters, is_serving=is_serving)


def _maker(starters: Sequence[Starter], reason: str) -> str | None:
    """Return the unit that makes the folder of the store as it starts, if there is one."""
    units = [name for each in starters if (name := PurePath(each.path).name).endswith((".service", ".timer"))]
    return units[0] if units and reason == "$STATE_DIRECTORY" else None


def _file_and_disk(path: Path, reason: str, *, maker: str | None) -> Iterator[Finding]:
    is_there = _exists(path)
    folder = path.resolve().parent
    if not is_there and not _exists(folder):
        yield judge_no_folder(str(path), reason, maker)
        yield from (judge_stand_in(str(file)) for file in places_in_use(path))
        return
    standing_in = places_in_use(path)
    yield judge_place(str(path), reason, is_there=is_there, is_stood_in_for=bool(standing_in))
    if is_there:
        yield from judge_file(str(path), look_at_file(path, within_s=QUICK_CHECK_S))
    yield from (judge_stand_in(str(file)) for file in standing_in)
    yield from judge_disk(str(folder), look_at_disk(folder))


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        advice = "run this as the user who runs prober, or as root"
        raise StoreError(f"{path}: {error.strerror}; {advice}") from error
    return True


def _work(path: Path, held: Held | None, now_ms: int, patience: int) -> Iterator[Finding]:
    """Judge the lock and what the store says of rounds, alerts and the service."""
    seen = _read(path)
    ended_ms = seen.last_round.ended_at_ms if seen and seen.last_round else None
    yield judge_lock(_holder(held), last_round_ms=ended_ms, now_ms=now_ms, patience_ms=patience)
    if seen is None:
        return
    yield judge_last_round(ended_ms, now_ms=now_ms, patience_ms=patience)
    oldest_ms = min((row.queued_at_ms for row in seen.waiting), default=now_ms)
    yield judge_waiting(count_alerts(seen.waiting), oldest_ms, now_ms=now_ms)
    for notice in seen.notices:
        yield judge_notice(notice.text, notice.since_ms, now_ms=now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    last_round: RoundRow | None = None
    waiting: Sequence[outbox.OutboxRow] = ()
    notices: Sequence[Notice] = ()


def _read(path: Path) -> _Seen | None:
    """Return what the store says; nothing before the first run, None when it cannot be read, which is told already."""
    try:
        with open_readers(path) as readers:
            if not readers:
                return _Seen()
            now = readers[0]
            return _Seen(last_round=last_round(now), waiting=outbox.all_waiting(now), notices=all_notices(now))
    except StoreError:
        return None


def _holder(held: Held | None) -> Holder | None:
    if held is None:
        return None
    what = "the service" if held.command == "serve" else "a run"
    who = f"{what}, process {held.pid} on {held.host}" if held.pid else "another process"
    return Holder(who=who, since_ms=held.since_ms or held.touched_ms)
