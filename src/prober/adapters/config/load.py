"""``probes.toml`` to `Config`: read, hold against the keys, check as a whole, and only then build."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prober.adapters.config.build import built_config
from prober.adapters.config.checks import check_channel, check_connectivity, check_id, check_probe, check_standby
from prober.adapters.config.keys import ALERT_TREE, MAINTENANCE_TREE, MOST_PROBES, PROBE_TREE, TOP_TREE
from prober.adapters.config.maintenance import check_maintenance, known_tags
from prober.adapters.config.positions import locate
from prober.adapters.config.problems import InvalidConfig, Lines, Problem, printable
from prober.adapters.config.redaction import redact
from prober.adapters.config.source import Source, read_source
from prober.adapters.config.tables import Leaves, TableReader
from prober.adapters.config.variables import Variables
from prober.core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prober.adapters.config.positions import Span
    from prober.adapters.config.tables import Finding
    from prober.core.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A valid file: its leaves, those of ``[defaults]`` merged into the probes, and what they come to."""

    source: Source
    top: Leaves
    probes: dict[str, Leaves]
    channels: dict[str, Leaves]
    maintenance: list[Leaves]
    config: Config


def load_config(path: Path, *, environ: Mapping[str, str], host_name: str) -> Config:
    """Return the configuration that a file describes. Raises `InvalidConfig`, and nothing else."""
    return read_config(path, environ=environ, host_name=host_name).config


def read_config(path: Path, *, environ: Mapping[str, str], host_name: str) -> Reading:
    """Return a configuration together with what it was read from. Raises `InvalidConfig`, and nothing else."""
    source = read_source(path)
    reader = TableReader(variables=Variables(environ))
    top = reader.read(source.data, TOP_TREE, ())
    check_connectivity(reader, top)
    if isinstance(source.data.get("standby"), dict):
        check_standby(reader, top)
    channels = _read_channels(reader, source)
    probes = _read_probes(reader, source)
    maintenance = _read_maintenance(reader, source, probes)
    if reader.findings:
        raise InvalidConfig(_problems(source, reader))
    location = "github-actions" if environ.get("GITHUB_ACTIONS") == "true" else host_name
    config = built_config(
        source.path,
        top,
        probes,
        channels,
        maintenance,
        location=location,
        secrets=tuple(sorted(reader.variables.secrets)),
    )
    return Reading(source=source, top=top, probes=probes, channels=channels, maintenance=maintenance, config=config)


def _read_channels(reader: TableReader, source: Source) -> dict[str, Leaves]:
    channels = {}
    for name, table in _tables(reader, source, "alert", "email").items():
        path = ("alert", name)
        check_id(reader, path)
        channels[name] = reader.read(table, ALERT_TREE, path)
        check_channel(reader, path, channels[name])
    return channels


def _read_probes(reader: TableReader, source: Source) -> dict[str, Leaves]:
    tables = _tables(reader, source, "probe", "api")
    defaults = reader.read(source.data.get("defaults", {}), PROBE_TREE, ("defaults",))
    if len(tables) > MOST_PROBES:
        reader.note(("probe",), f"there are {len(tables):,} probes, at most {MOST_PROBES:,} are allowed", at="key")
    if not source.data.get("probe"):
        reader.note(
            (), 'there is no probe; two lines are enough: [probe.api] and url = "https://api.example.com/health"'
        )
    probes = {}
    for name, table in tables.items():
        path = ("probe", name)
        check_id(reader, path)
        probes[name] = {**defaults, **reader.read(table, PROBE_TREE, path)}
        check_probe(reader, path, probes[name], source.path.parent)
    return probes


def _read_maintenance(reader: TableReader, source: Source, probes: dict[str, Leaves]) -> list[Leaves]:
    tables = source.data.get("maintenance", [])
    if not isinstance(tables, list):
        reader.note(("maintenance",), "maintenance is a list of tables (write [[maintenance]])", at="key")
        return []
    windows = []
    tags = known_tags(probes)
    for index, table in enumerate(tables):
        path = ("maintenance", index)
        windows.append(reader.read(table, MAINTENANCE_TREE, path))
        if isinstance(table, dict):
            check_maintenance(reader, path, windows[-1], ids=probes, tags=tags)
    return windows


def _tables(reader: TableReader, source: Source, section: str, example: str) -> dict[str, object]:
    """Return the tables of a section that holds one per id."""
    tables = source.data.get(section, {})
    if not isinstance(tables, dict):
        reader.note((section,), f"{section} is a table of tables (write [{section}.{example}])")
        return {}
    bare = [name for name, table in tables.items() if not isinstance(table, dict)]
    for name in bare:
        reader.note(
            (section, name), f'"{name}" must stand in a table with an id (write [{section}.{example}])', at="key"
        )
    return {name: table for name, table in tables.items() if name not in bare}


def _problems(source: Source, reader: TableReader) -> tuple[Problem, ...]:
    """Return the findings in the order of the file, with nothing secret in them."""
    places = locate(source.text)
    lines = Lines(redact(source.text, places))
    mask = Masker(reader.variables.secrets).mask

    def span(finding: Finding) -> Span:
        place = places.get(finding.path)
        if place is None:
            return 0, 0
        return place.key if finding.at == "key" else place.value

    problems = []
    for (start, end), finding in sorted(((span(each), each) for each in reader.findings), key=lambda found: found[0]):
        excerpt = lines.excerpt(start, end)
        excerpt = replace(excerpt, line_text=mask(excerpt.line_text))
        message = mask(printable(finding.message))
        suggestion = mask(printable(finding.suggestion))
        problems.append(Problem(file=source.file, message=message, excerpt=excerpt, suggestion=suggestion))
    return tuple(problems)
