"""What this machine has in place to run prober again and again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from prober.core.diagnosis.service import Starter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNIT_FOLDERS: Final = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"))
_WORKFLOW: Final = Path(".github/workflows/ping.yml")


def find_starters(config_folder: Path | None, unit_folders: Sequence[Path] | None = None) -> list[Starter]:
    """Return the units of systemd and the workflow, in the repository of the configuration, that run prober."""
    folders = UNIT_FOLDERS if unit_folders is None else unit_folders
    return [*_units(folders), *([] if config_folder is None else _workflows(config_folder))]


def _units(folders: Sequence[Path]) -> Iterator[Starter]:
    """Yield services and timers; a service that a timer starts does nothing by itself."""
    found = {path.name: path for folder in reversed(folders) for path in sorted(folder.glob("prober*.*"))}
    for name, path in sorted(found.items()):
        is_service = path.suffix == ".service" and f"{path.stem}.timer" not in found
        if is_service or path.suffix == ".timer":
            is_enabled = any(any(folder.glob(f"*.wants/{name}")) for folder in folders)
            yield Starter(path=str(path), is_enabled=is_enabled, is_lasting=is_service)


def _workflows(config_folder: Path) -> Iterator[Starter]:
    for folder in (config_folder, *config_folder.parents):
        if (folder / _WORKFLOW).is_file():
            yield Starter(path=str(folder / _WORKFLOW))
        if (folder / ".git").exists():
            return
