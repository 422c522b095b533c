"""Files put in place, and what is seen to be impossible before anything is written."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from prober.app.placing import make_folder, prepare
from prober.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_strict")
def test_a_folder_is_open_for_all_with_those_made_above_it_and_one_that_exists_stays(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    make_folder(closed / "a/b")
    make_folder(closed / "a/c", 0o700)
    make_folder(closed)
    modes = [mode_of(closed / each) for each in ("", "a", "a/b", "a/c")]
    assert modes == [0o700, 0o755, 0o755, 0o700]


def test_only_what_lacks_is_written_when_it_is_put(tmp_path: Path) -> None:
    there, lacking = tmp_path / "there", tmp_path / "new/lacking"
    there.write_text("a")
    files = prepare({there: "a", lacking: "b"}, folders={lacking.parent: 0o755}, may_replace=False, advice="")
    assert not lacking.parent.exists()
    assert files.put() == [lacking]
    assert (there.read_text(), lacking.read_text()) == ("a", "b")


@pytest.mark.parametrize("name", ["lacking", "new/lacking"])
def test_where_we_may_not_write_is_said_before_anything_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: str(path) != str(tmp_path))  # root may write anywhere
    path = tmp_path / name
    with pytest.raises(UsageError) as caught:
        prepare({path: ""}, folders={path.parent: 0o755}, may_replace=True, advice="Ask root")
    assert str(caught.value) == f"{tmp_path}: Permission denied. Ask root."


@pytest.mark.parametrize("kind", ["file", "link that leads nowhere"])
def test_so_is_a_place_below_what_is_no_folder(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    if kind == "file":
        folder.touch()
    else:
        folder.symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"/folder.*: Not a directory\. Ask root\."):
        prepare({folder / "x": ""}, folders={folder: 0o755}, may_replace=True, advice="Ask root")


def test_what_fails_all_the_same_is_an_error_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "folder/x"
    files = prepare({path: ""}, folders={path.parent: 0o755}, may_replace=True, advice="Ask root")
    path.parent.touch()
    with pytest.raises(UsageError, match=r"/folder.*: Not a directory\. Ask root\."):
        files.put()
