"""Bring an account at UptimeRobot into a configuration: read it, plan, and only then write, all of it or nothing."""

from __future__ import annotations

import os
import re
import tomllib
from collections import ChainMap
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from prober.adapters.config.find import SYSTEM_FILE
from prober.adapters.config.keys import ALERT_KEYS, PROBE_KEYS
from prober.adapters.config.kinds import Invalid
from prober.adapters.config.load import load_config
from prober.adapters.config.source import read_source
from prober.adapters.config.variables import SECRET_CHARS, Variables, placeholders
from prober.adapters.uptimerobot.account import read_account
from prober.adapters.uptimerobot.calls import RefusedError
from prober.app.placing import make_folder
from prober.core.importing.plan import Plan, Present, planned, same_url
from prober.core.masking import Masker
from prober.core.settings import UPTIMEROBOT
from prober.core.sight import Limited, Rejected
from prober.errors import ConfigError, NoAnswerError, ProberError, UsageError
from prober.render.imported import added_text, new_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from prober.app.ports import Fetch
    from prober.core.importing.account import Account, Monitor

_RULES: Final = {key.name: key.kind for key in PROBE_KEYS} | {f"alert.{key.name}": key.kind for key in ALERT_KEYS}
_AUTHORITY: Final = re.compile("^[^/?#]*//[^/?#]*")
_FOR_ALL: Final = 0o644
_KEPT_BITS: Final = 0o7777


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to read: the variable with the key, the key, and the base address of version 2 of the API."""

    key_name: str
    key: str
    url: str = UPTIMEROBOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is ready for a file. ``before`` is what that holds now, None: there is none; ``text`` is what is added."""

    plan: Plan
    path: Path | None
    before: bytes | None
    text: str


def key_of(name: str, environ: Mapping[str, str]) -> str:
    """Return the key that a variable holds. Raises ConfigError without one that could be one."""
    try:
        key = str(Variables(environ).expand(f"${{{name}}}", is_secret=True)).strip()
    except Invalid as problem:
        raise ConfigError(f"{problem.message}. {_advice(name)}") from None
    if not key.isascii() or not key.isprintable() or not key or " " in key:
        raise ConfigError(f"what {name} holds is no key. {_advice(name)}")
    return key


def _advice(name: str) -> str:
    return f"Make a read-only key at UptimeRobot (Integrations & API), and set {name} to it."


async def read_import(
    fetch: Fetch,
    source: Source,
    path: Path | None,
    *,
    now_ms: int,
    say: Callable[[str], None] = lambda _: None,
    say_wait: Callable[[str], None] | None = None,
) -> Import:
    """Return what an import into a file, or None, would write; nothing is written yet.

    ``say`` and ``say_wait`` are as those of `read_account`.

    Raises InvalidConfig for a file that cannot be read, ConfigError for a key that is not accepted, and ProberError.
    """
    present, before = (Present(), None) if path is None else present_in(path)
    account = await _account(fetch, source, say, say_wait)
    mask = Masker([source.key] if len(source.key) >= SECRET_CHARS else []).mask
    plan = planned(_masked(account, mask), present, judge=judge, now_ms=now_ms, known=(source.key,))
    return Import(plan=plan, path=path, before=before, text=mask(_text(plan, before, source)))


async def _account(
    fetch: Fetch, source: Source, say: Callable[[str], None], say_wait: Callable[[str], None] | None
) -> Account:
    try:
        return await read_account(fetch, url=source.url, api_key=source.key, say=say, say_wait=say_wait)
    except RefusedError as refused:
        match refused.sight:
            case Rejected():
                name = source.key_name
                raise ConfigError(f"UptimeRobot does not accept the key in {name}. {_advice(name)}") from None
            case Limited(wait_ms=wait_ms):
                message = f"UptimeRobot asks to wait {wait_ms // 1000} s. Nothing was written; import again after that."
                raise ProberError(message) from None
            case sight:
                message = f"UptimeRobot could not be read: {sight.why}. Nothing was written; import again later."
                raise NoAnswerError(message) from None


def _masked(account: Account, mask: Callable[[str], str]) -> Account:
    """Return the account without the key in any name or host, of which ids and variables are made."""
    return replace(account, monitors=tuple(_masked_monitor(each, mask) for each in account.monitors))


def _masked_monitor(monitor: Monitor, mask: Callable[[str], str]) -> Monitor:
    return replace(
        monitor,
        name=mask(monitor.name),
        url=_AUTHORITY.sub(lambda found: mask(found[0]), monitor.url),
        method=monitor.method and mask(monitor.method),
        headers=tuple(map(mask, monitor.headers)),
        tags=tuple(map(mask, monitor.tags)),
        custom=tuple((mask(name), value) for name, value in monitor.custom),
        rest=tuple(map(mask, monitor.rest)),
    )


def judge(key: str, value: object, *, is_name: bool = False) -> str | None:
    """Say why a key of the file cannot hold a value, or a name, as the loader would; None: it can."""
    kind = _RULES[key]
    try:
        kind.read_name(str(value)) if is_name else kind.read(value)
    except Invalid as problem:
        return problem.message.replace("{value}", "it")
    return None


def present_in(path: Path) -> tuple[Present, bytes | None]:
    """Return what a file says already, and its bytes; None: there is no such file. Raises InvalidConfig."""
    if not os.path.lexists(path):
        return Present(), None
    source = read_source(path)
    probes = [(name, each) for name, each in _table(source.data.get("probe")).items() if isinstance(each, dict)]
    channels = [each for each in _table(source.data.get("alert")).values() if isinstance(each, dict)]
    present = Present(
        ids=[name for name, _ in probes],
        monitor_ids=[number for _, each in probes if isinstance(number := each.get("uptimerobot_id"), int)],
        urls={same_url(each["url"]): name for name, each in probes if isinstance(each.get("url"), str)},
        variables={name for name, _ in placeholders(source.text)},
        addresses=[address for each in channels for address in _list(each.get("to"))],
        windows=[each for each in _list(source.data.get("maintenance")) if isinstance(each, dict)],
        has_channels=bool(_table(source.data.get("alert"))),
        has_defaults=bool(_table(source.data.get("defaults"))),
    )
    return present, path.read_bytes()


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(plan: Plan, before: bytes | None, source: Source) -> str:
    if not plan.probes:
        return ""
    url = None if source.url.rstrip("/") == UPTIMEROBOT.rstrip("/") else source.url
    if before is None:
        return new_text(plan, key_name=source.key_name, url=url)
    return added_text(plan, before.decode("utf-8-sig"), key_name=source.key_name, url=url)


def write_import(ready: Import, *, environ: Mapping[str, str]) -> None:
    """Write what is ready: the file appears, or grows, whole or not at all, and keeps its mode.

    Raises ConfigError when what is added does not fit to what stands there, UsageError where nothing can be written.
    """
    if ready.path is None or not ready.text:
        return
    path = ready.path if ready.before is None else ready.path.resolve()
    new = path.with_name(f".{path.name}.new")
    try:
        _make_place(path.parent)
        _put(new, path, (ready.before or b"") + ready.text.encode())
        if ready.before is not None:
            _check_fit(ready, path, new, environ)
        new.replace(path)
    except OSError as error:
        raise UsageError(f"{ready.path}: {error.strerror}. Name a file that you may write to.") from error
    finally:
        with suppress(OSError):
            new.unlink()


def _make_place(folder: Path) -> None:
    if folder.resolve() == SYSTEM_FILE.parent:
        make_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _put(new: Path, path: Path, content: bytes) -> None:
    """Write a file beside another, with its mode and, where we may, its owner."""
    is_for_service = path.parent.resolve() == SYSTEM_FILE.parent
    with suppress(FileNotFoundError):
        new.unlink()
    with new.open("xb") as file:
        if path.exists():
            kept = path.stat()
            with suppress(PermissionError):
                os.fchown(file.fileno(), kept.st_uid, kept.st_gid)
            os.fchmod(file.fileno(), kept.st_mode & _KEPT_BITS)
        elif is_for_service:
            os.fchmod(file.fileno(), _FOR_ALL)  # the service is another user; and no secret stands in what we write
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _check_fit(ready: Import, path: Path, new: Path, environ: Mapping[str, str]) -> None:
    """Raise ConfigError when the file was valid before, but is not with what was added."""
    secrets = {secret.name: "placeholder" for secret in ready.plan.secrets}
    problem = next(_problems(path, new, ChainMap(secrets, dict(environ))), None)
    if problem is not None:
        shown = problem.replace(new.name, path.name)
        raise ConfigError(
            f"what was to be added does not fit to {ready.path}, which was left as it is:\n{shown}\n"
            "Import into a file of its own: -o imported.toml"
        )


def _problems(path: Path, new: Path, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        tomllib.loads(new.read_text("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        yield str(error)
    with suppress(ConfigError):
        load_config(path, environ=environ, host_name="")
        try:
            load_config(new, environ=environ, host_name="")
        except ConfigError as error:
            yield str(error)
