"""What becomes of a whole account: the tables to write, what is left out, and what to know and do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prober.core.durations import UNITS_MS, format_duration
from prober.core.importing.draft import Draft
from prober.core.importing.probe import Carried, Skipped, carried, why_not
from prober.core.importing.secrets import Vault
from prober.core.importing.spelling import free_id, readable
from prober.core.importing.window import stands, why_no_window, window_keys, zone_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from prober.core.importing.account import Account, Contact, Monitor
    from prober.core.importing.draft import Judge, Keys
    from prober.core.importing.secrets import Secret

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}?")
_SOON_S: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What a file says already: ids, the monitors and urls they stand for, variables it asks for.

    ``addresses`` are those that its channels mail; ``windows`` are its maintenance tables, as they stand there.
    """

    ids: Collection[str] = ()
    monitor_ids: Collection[int] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    variables: Collection[str] = ()
    addresses: Collection[str] = ()
    windows: Sequence[Mapping[str, Any]] = ()
    has_channels: bool = False
    has_defaults: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Whom to mail, and how often again."""

    to: tuple[str, ...]
    remind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to know, of these probes or of all of it."""

    what: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to write and what to say. ``known`` are those that the file has already; ``skipped`` have no place in it."""

    probes: tuple[Carried, ...]
    known: tuple[Skipped, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    windows: tuple[Keys, ...] = ()
    window_doubt: str | None = None
    channel: Channel | None = None
    notes: tuple[Note, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The variables to set; their names begin with the probe's id."""
        return tuple(secret for probe in self.probes for secret in probe.secrets)

    @property
    def all_notes(self) -> tuple[Note, ...]:
        """What there is to know, that of single probes too; what is the same of several comes once."""
        ids: dict[str, list[str]] = {}
        for probe in self.probes:
            for what in probe.notes:
                ids.setdefault(what, []).append(probe.id)
        return (*self.notes, *(Note(what=what, ids=tuple(each)) for what, each in ids.items()))


def same_url(url: str) -> str:
    """Return what two spellings of one url in a file have in common; a placeholder is as any other."""
    text = _PLACEHOLDER.sub("*", url.replace("$$", "\0")).replace("\0", "$")
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/").geturl()


def planned(account: Account, present: Present, *, judge: Judge, now_ms: int, known: Collection[str] = ()) -> Plan:
    """Return what becomes of an account beside what stands already. ``known`` are secrets that nothing may show."""
    emails = {each.id for each in account.contacts if _why_no_mail(each, judge) is None}
    vault = Vault(taken=present.variables, known=(*known, *(each.password for each in account.monitors)))
    probes: list[Carried] = []
    here: list[Skipped] = []
    standing: list[Monitor] = []
    skipped: list[Skipped] = []
    taken = set(present.ids)
    for monitor in account.monitors:
        if reason := why_not(monitor, judge):
            skipped.append(Skipped(name=_name(monitor), why=reason))
            continue
        probe_id = free_id(readable(monitor.name), _host(monitor, vault), taken=taken)
        probe = carried(monitor, Draft(id=probe_id, vault=vault.copy(), judge=judge), emails)
        if found := _present(probe, present):
            here.append(Skipped(name=_name(monitor), why=found))
            standing.append(monitor)
            continue
        vault.take(secret.name for secret in probe.secrets)
        taken.add(probe_id)
        probes.append(probe)
    windows, known_windows, no_windows, doubt = _windows(account, probes, standing, present, now_ms)
    channel, no_contacts, notes = _channel(account, probes, present, judge)
    return Plan(
        probes=tuple(probes),
        known=(*here, *known_windows),
        skipped=(*skipped, *no_contacts, *no_windows),
        windows=tuple(windows),
        window_doubt=doubt,
        channel=channel,
        notes=(*(Note(what=each) for each in account.troubles), *notes, *_general(probes, present, doubt)),
    )


def _host(monitor: Monitor, vault: Vault) -> str:
    """Return what is likely the host of its url; empty for what must not be shown."""
    host = monitor.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return "" if vault.guards(host) else host


def _name(monitor: Monitor) -> str:
    return readable(monitor.name) or f"monitor {monitor.id}"


def _present(probe: Carried, present: Present) -> str | None:
    """Say where a probe stands already; None: nowhere."""
    if probe.monitor.id in present.monitor_ids:
        return "its uptimerobot_id stands there already"
    if found := present.urls.get(same_url(str(probe.keys["url",]))):
        return f"its url is that of [probe.{found}] already: uptimerobot_id = {probe.monitor.id} would link them"
    return None


def _windows(
    account: Account, probes: Sequence[Carried], standing: Sequence[Monitor], present: Present, now_ms: int
) -> tuple[list[Keys], list[Skipped], list[Skipped], str | None]:
    """Return the tables to write, what stands already, what has no place, and what is doubtful about the time zone."""
    zone, doubt = zone_of(account.timezone)
    tables, known, skipped = [], [], []
    for window in account.windows:
        name = f"maintenance window {readable(window.name) or window.id}"
        ids = [probe.id for probe in probes if window.id in probe.monitor.windows]
        has_standing = any(window.id in each.windows for each in standing)
        if not ids and has_standing and stands(window, present.windows):
            known.append(Skipped(name=name, why="it stands there already"))
        elif why := why_no_window(window, now_ms, is_carried=bool(ids), has_standing=has_standing):
            skipped.append(Skipped(name=name, why=why))
        else:
            tables.append(window_keys(window, ids, zone))
    needs_zone = any(("timezone",) in table for table in tables)
    return tables, known, skipped, doubt if needs_zone else None


def _why_no_mail(contact: Contact, judge: Judge) -> str | None:
    if contact.kind != "e-mail":
        return f"{contact.kind}: prober sends mail only"
    if not contact.is_active:
        return "it is not active"
    return judge("alert.to", contact.value)


def _channel(
    account: Account, probes: Sequence[Carried], present: Present, judge: Judge
) -> tuple[Channel | None, list[Skipped], list[Note]]:
    whys = [(each, _why_no_mail(each, judge)) for each in account.contacts]
    skipped = [Skipped(name=f"contact {_contact_name(each)}", why=why) for each, why in whys if why]
    mailed = {each.id: each.value for each, why in whys if why is None}
    if not mailed or not probes:
        return None, skipped, []
    to = tuple(dict.fromkeys(mailed.values()))
    times = [{a.again_min for a in each.monitor.assignments if a.contact in mailed} - {0} for each in probes]
    again = sorted(set().union(*times))
    reminded = sum(map(bool, times))
    reminders = f"reminders came after {', '.join(map(str, again))} minutes for {reminded} of these {len(probes)}"
    if present.has_channels:
        missing = [each for each in to if each not in present.addresses]
        whats = [f"the file says already who is told: {', '.join(missing)} not added"] if missing else []
        whats += [f"{reminders}: not added, what the file says holds"] if again else []
        return None, skipped, [Note(what=each) for each in whats]
    differ = len(again) > 1 or 0 < reminded < len(probes)
    notes = [Note(what=f"{reminders}: here there is one time for all")] if differ else []
    channel = Channel(to=to, remind=format_duration(again[0] * UNITS_MS["m"]) if again else None)
    return channel, skipped, [*_differences(mailed, probes), *notes]


def _contact_name(contact: Contact) -> str:
    return readable(contact.name) or (readable(contact.value) if contact.kind == "e-mail" else contact.id)


def _differences(mailed: Mapping[str, str], probes: Sequence[Carried]) -> Iterator[Note]:
    """Yield what one channel for all cannot say."""
    for contact_id, address in mailed.items():
        told = sum(any(each.contact == contact_id for each in probe.monitor.assignments) for probe in probes)
        if told < len(probes):
            what = f"{address} heard of {told} of these {len(probes)} and will hear of all"
            yield Note(what=f"{what}: tags of a channel change that")


def _general(probes: Sequence[Carried], present: Present, doubt: str | None) -> Iterator[Note]:
    if doubt:
        yield Note(what=f"{doubt} (see [[maintenance]])")
    if present.has_defaults and probes:
        yield Note(what="[defaults] of the file hold for the new probes too, where they say nothing else")
    often = tuple(each.id for each in probes if (each.monitor.interval_s or _SOON_S) < _SOON_S)
    if often:
        yield Note(what="checked more often than every 5 minutes: the service can, GitHub Actions cannot", ids=often)
    encrypted = (each for each in probes if each.monitor.url.lower().startswith("https:"))
    judged = tuple(each.id for each in encrypted if each.monitor.ignores_certificate)
    if judged:
        yield Note(what="a bad certificate is a failure here, and was none there: verify = false undoes it", ids=judged)
