"""``prober check``: validate, check once, store nothing, tell nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of, host_name, refuses_private
from prober.cli.help import Command
from prober.cli.values import Json, chosen, url_of
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prober.cli.context import Globals
    from prober.core.model import Probe, Result
    from prober.core.settings import Config

NO_CONNECTIVITY = (
    "connectivity is not configured: an outage of our own network would look like theirs ([connectivity] urls)"
)
NO_CHANNEL = "no alert channel is configured: nobody would be told ([alert.email])"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(check)


def check(
    context: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(metavar="ID|URL", help="Probes, or any URLs; all probes without any.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only validate the configuration.")] = False,
    as_json: Json = False,
) -> None:
    """Check probes or URLs once, and show where the time goes.

    Nothing is stored and nobody is told. A URL needs no configuration.

    Examples:
      prober check https://acme.example/health   any URL
      prober check                               all probes of probes.toml
      prober check --offline                     only validate probes.toml
    """
    settings = globals_of(context)
    urls = [each for each in dict.fromkeys(what or ()) if "://" in each]
    ids = [each for each in what or () if "://" not in each]
    _refuse_bare_hosts(ids)
    if urls and offline:
        raise UsageError("--offline only validates the configuration. Leave out the URL, or --offline.")
    config = settings.load(is_sending=True) if ids or not urls else None
    probes = [] if config is None else _named(config, ids)
    if config is not None and offline:
        _print_valid(settings, config, probes, as_json=as_json)
        return
    paused = [probe.id for probe in config.probes if not probe.enabled] if config is not None and not ids else []
    results = _check(settings, config, [*probes, *map(_probe, urls)], paused, as_json=as_json)
    raise typer.Exit(exit_code(results))


def exit_code(results: Sequence[Result]) -> int:
    """Return 6 when we were offline, 1 when a probe failed."""
    if results and all(result.reason == "offline" for result in results):
        return 6
    return int(any(result.outcome == "failed" for result in results))


def _refuse_bare_hosts(ids: Sequence[str]) -> None:
    for each in ids:
        if re.search("[.:/]", each):
            raise UsageError(f'"{each}" is neither a probe\'s id nor a URL. Write "https://{each.lstrip(":/")}".')


def _named(config: Config, ids: Sequence[str]) -> list[Probe]:
    """Return the probes with the ids; without any, all that are not paused."""
    return [probe for probe in chosen(config, ids) if ids or probe.enabled]


def _probe(url: str) -> Probe:
    from prober.core.model import Probe

    return Probe(id=url, name=url, url=url_of(url), identity="", allow_private=True)


def _check(
    settings: Globals, config: Config | None, probes: Sequence[Probe], paused: Sequence[str], *, as_json: bool
) -> list[Result]:
    from prober.app.check import check_once
    from prober.render import checks, shapes

    checked = check_once(
        probes,
        secrets=config.secrets if config else (),
        connectivity_urls=config.connectivity_urls if config else (),
        location=config.location if config else host_name(),
        refuse_private=refuses_private(),
    )
    results = [each.result for each in checked]
    if as_json:
        settings.show(shapes.check(results, unverified={probe.id for probe in probes if not probe.verify}))
    else:
        settings.show(checks.checks(checked, notes=[*_paused(paused), *_notes(config)], paint=settings.paint()))
    return results


def _paused(ids: Sequence[str]) -> list[str]:
    return [f"paused (enabled = false): {', '.join(ids)}"] if ids else []


def _notes(config: Config | None) -> list[str]:
    if config is None:
        return []
    lacking = ((NO_CONNECTIVITY, config.connectivity_urls), (NO_CHANNEL, config.channels))
    return [note for note, configured in lacking if not configured]


def _print_valid(settings: Globals, config: Config, probes: Sequence[Probe], *, as_json: bool) -> None:
    from prober.core.durations import format_duration
    from prober.core.schedule import worst_alert_ms
    from prober.render import shapes
    from prober.render.columns import fold

    if as_json:
        settings.show(shapes.check(()))
        return
    count = len(config.probes)
    paused = sum(not probe.enabled for probe in config.probes)
    inactive = f" ({paused} paused)" if paused else ""
    lines = [f"{config.path}: valid, {count} probe{'s' if count > 1 else ''}{inactive}. Nothing was sent."]
    for probe in probes:
        every, worst = format_duration(probe.interval_ms), format_duration(worst_alert_ms(probe))
        lines.append(f"  {probe.id}: every {every}, an outage is told of after {worst} at the latest")
    lines += [f"  {note}" for note in (*_windows(config), *_standby(config), *_notes(config))]
    settings.show("".join(f"{part}\n" for line in lines for part in fold(line, settings.width(), hang=" " * 4)))


def _standby(config: Config) -> list[str]:
    from prober.app.role import watcher_of
    from prober.core.durations import format_duration
    from prober.core.standby import worst_silence_ms

    if config.standby is None:
        return []
    worst = format_duration(worst_silence_ms(config.probes, config.standby.every_ms))
    held = f"behind {watcher_of(config)}: alerts are held while it watches"
    return [f"{held}; if it falls silent, we tell after {worst} at the latest"]


def _windows(config: Config) -> list[str]:
    from prober.adapters.clock import SystemClock
    from prober.core.windows import next_span
    from prober.render.checks import next_maintenance

    now_ms = SystemClock().now_ms()
    return [next_maintenance(each, next_span(each, now_ms), now_ms) for each in config.maintenance]
