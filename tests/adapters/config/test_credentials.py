"""Secrets in the form in which systemd hands them over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.config.variables import Variables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"TOKEN": "by name\n"}, "by name"),
        ({"prober_TOKEN": "of the folder\n"}, "of the folder"),
        ({"TOKEN": "by name", "prober_TOKEN": "of the folder"}, "by name"),
        ({"prober_prober_TOKEN": "of another", "other_TOKEN": "of another"}, "none"),
    ],
)
def test_a_secret_is_found_by_its_name_or_as_one_of_a_folder(tmp_path: Path, files: dict[str, str], value: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    variables = Variables({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert variables.expand("${TOKEN:-none}", is_secret=True) == value
