"""What is in force and where it comes from, for ``prober config show``."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from prober.adapters.config.build import PORTS
from prober.adapters.config.keys import ALERT_KEYS, MAINTENANCE_KEYS, PROBE_KEYS, TOP_KEYS, Key
from prober.adapters.config.kinds import Shape
from prober.adapters.config.load import Reading, read_config
from prober.adapters.config.positions import locate
from prober.adapters.config.problems import Lines
from prober.core.durations import format_duration
from prober.core.masking import MASK, Masker
from prober.core.toml import toml_key, toml_text
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prober.adapters.config.tables import Leaf, Leaves
    from prober.core.model import Probe


_SHOWN_IDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value in force: its whole key, the value as TOML without secrets, and where it was set."""

    key: str
    value: str
    origin: str


def effective(
    path: Path, *, environ: Mapping[str, str], host_name: str, probe_id: str | None = None
) -> tuple[Row, ...]:
    """Return every value in force, or those of one probe.

    Raises `InvalidConfig`, and `UsageError` for an unknown id.
    """
    reading = read_config(path, environ=environ, host_name=host_name)
    show = _Show(reading)
    probes = {probe.id: probe for probe in reading.config.probes}
    if probe_id is None:
        of_probes = (row for probe in probes.values() for row in show.probe(probe))
        return (*show.top(), *show.channels(), *show.maintenance(), *of_probes)
    if probe_id not in probes:
        near = get_close_matches(probe_id, probes, n=1)
        advice = f'Did you mean "{near[0]}"?' if near else f"There are: {_listed(tuple(probes))}"
        raise UsageError(f'there is no probe "{probe_id}". {advice}')
    return tuple(show.probe(probes[probe_id]))


class _Show:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._places = locate(reading.source.text)
        self._lines = Lines(reading.source.text)
        self._mask = Masker(reading.config.secrets).mask

    def top(self) -> Iterator[Row]:
        config = self._reading.config
        standby = config.standby
        keys = tuple(key for key in TOP_KEYS if standby or not key.name.startswith("standby."))
        built_in = {"location": config.location, "standby.url": standby.url if standby else None}
        yield from self._rows("", keys, self._reading.top, built_in)

    def channels(self) -> Iterator[Row]:
        for channel in self._reading.config.channels:
            built_in = {"kind": "email", "port": PORTS[channel.security]}
            yield from self._rows(f"alert.{channel.id}.", ALERT_KEYS, self._reading.channels[channel.id], built_in)

    def maintenance(self) -> Iterator[Row]:
        for number, leaves in enumerate(self._reading.maintenance, 1):
            yield from self._rows(f"maintenance.{number}.", MAINTENANCE_KEYS, leaves, {})

    def probe(self, probe: Probe) -> Iterator[Row]:
        built_in = {
            "name": probe.id,
            "timeout": format_duration(probe.timeout_ms),
            "recheck": format_duration(probe.interval_ms),
        }
        yield from self._rows(f"probe.{probe.id}.", PROBE_KEYS, self._reading.probes[probe.id], built_in)

    def _rows(self, prefix: str, keys: tuple[Key, ...], leaves: Leaves, built_in: Mapping[str, Any]) -> Iterator[Row]:
        for key in keys:
            given = [(sub, leaf) for (name, sub), leaf in leaves.items() if name == key.name]
            for sub, leaf in given:
                name = f"{prefix}{key.name}" + (f".{toml_key(sub)}" if sub else "")
                value = toml_text(MASK) if key.is_secret else self._mask(toml_text(leaf.expanded))
                yield Row(key=name, value=value, origin=self._origin(leaf))
            default = built_in.get(key.name, key.default)
            if not given and default is not None and key.kind.shape not in {Shape.MAP, Shape.CONDITIONS}:
                yield Row(key=f"{prefix}{key.name}", value=toml_text(default), origin="built in")

    def _origin(self, leaf: Leaf) -> str:
        place = self._lines.excerpt(*self._places[leaf.path].key)
        line = f"{self._reading.source.file}:{place.line}"
        return f"[defaults] {line}" if leaf.path[0] == "defaults" else line


def _listed(ids: tuple[str, ...]) -> str:
    shown = ", ".join(ids[:_SHOWN_IDS])
    return f"{shown} and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else shown
