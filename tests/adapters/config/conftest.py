from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from prober.adapters.config import InvalidConfig, load_config

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.settings import Config


class Load(Protocol):
    def __call__(self, text: str | bytes, /, **environ: str) -> Config: ...


class Problems(Protocol):
    def __call__(self, text: str | bytes, /, **environ: str) -> str: ...


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write a text as ``probes.toml`` of the current folder and load it."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes, /, **environ: str) -> Config:
        file = tmp_path / "probes.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_config(file, environ=environ, host_name="host-1")

    return load


@pytest.fixture
def problems(load: Load) -> Problems:
    """Return what is said about an invalid text."""

    def problems(text: str | bytes, /, **environ: str) -> str:
        with pytest.raises(InvalidConfig) as caught:
            load(text, **environ)
        return str(caught.value)

    return problems
