from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.config.outline import Outline, find_outline

if TYPE_CHECKING:
    from pathlib import Path

URL = 'url = "https://h"\n'


def outline(folder: Path, text: str, **environ: str) -> Outline | None:
    path = folder / "probes.toml"
    path.write_text(text)
    return find_outline(path, environ=environ)


def test_each_variable_is_listed_with_where_it_is_set(tmp_path: Path) -> None:
    (tmp_path / "FROM_FILE").write_text("secret\n")
    text = f"""[probe.a]\n{URL}body = "${{FROM_ENV}} ${{FROM_FILE}} $${{NONE}} ${{MISSING}}"
headers = {{ X = "${{OPTIONAL:-x}}", Y = "${{SOMETIMES:-y}}", Z = "${{SOMETIMES}}" }}
tags = ["${{FROM_ENV:-t}}"]
"""
    found = outline(tmp_path, text, FROM_ENV="v", EMPTY="", CREDENTIALS_DIRECTORY=str(tmp_path))
    assert found is not None
    assert found.variables == {
        "FROM_ENV": "environment",
        "FROM_FILE": "credentials",
        "MISSING": None,
        "OPTIONAL": "default",
        "SOMETIMES": None,
    }


def test_the_environment_comes_before_the_credentials(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("x")
    found = outline(tmp_path, 'title = "${A}"', A="y", CREDENTIALS_DIRECTORY=str(tmp_path))
    assert found is not None
    assert found.variables == {"A": "environment"}


def test_a_credential_that_cannot_be_read_is_set_nowhere(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    found = outline(tmp_path, 'title = "${A}"', CREDENTIALS_DIRECTORY=str(tmp_path))
    assert found is not None
    assert found.variables == {"A": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[store]\npath = "a.db"', "a.db"),
        ('[store]\npath = "${D}/a.db"', "d/a.db"),
        ('[store]\npath = "${D}/a.db"\nunknown = 1\n[probe.x]\nurl = 7', "d/a.db"),
        ('[store]\npath = "${NONE}"', None),
        ("[store]\npath = 7", None),
        ("store = 7", None),
        ("", None),
    ],
)
def test_the_place_of_the_store_is_read_also_from_an_invalid_file(
    tmp_path: Path, text: str, expected: str | None
) -> None:
    found = outline(tmp_path, text, D="d")
    assert found is not None
    assert found.store_path == (None if expected is None else str(tmp_path / expected))


def test_a_file_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert outline(tmp_path, "[probe") is None
    assert find_outline(tmp_path / "nowhere.toml", environ={}) is None
