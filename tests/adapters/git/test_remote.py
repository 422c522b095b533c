"""Finding the repository of a checkout by the name of a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.git import GitError, find_remote
from prober.errors import UsageError
from tests.adapters.git.repositories import git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", "https://me:secret@hub.example/watch.git")
    git(folder, "remote", "add", "beside", "../beside.git")
    return folder


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("origin", "https://me:secret@hub.example/watch.git"),
        ("beside", "{parent}/beside.git"),
        ("https://hub.example/watch.git", "https://hub.example/watch.git"),
        ("file:///srv/watch.git", "file:///srv/watch.git"),
        ("git@hub.example:watch.git", "git@hub.example:watch.git"),
        ("./watch.git", "{parent}/checkout/watch.git"),
        ("/srv/watch.git", "/srv/watch.git"),
    ],
)
def test_a_remote_is_found_by_its_name_or_is_named_itself(checkout: Path, name: str, url: str) -> None:
    assert find_remote(checkout, name) == url.format(parent=checkout.parent)


def test_a_remote_is_found_from_any_folder_of_the_checkout(checkout: Path) -> None:
    below = checkout / "probes"
    below.mkdir()
    assert find_remote(below, "origin") == "https://me:secret@hub.example/watch.git"


@pytest.mark.parametrize("name", ["upstream", "-x", "--all", "up\x1b[2Jstream", ""])
def test_a_name_that_the_checkout_does_not_know_is_refused(checkout: Path, name: str) -> None:
    with pytest.raises(
        UsageError, match=r"no remote of the checkout in .*; name one that `git remote` lists"
    ) as caught:
        find_remote(checkout, name)
    assert "\x1b" not in str(caught.value)


def test_a_folder_that_is_no_checkout_has_no_remotes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="origin: no remote of the checkout"):
        find_remote(tmp_path, "origin")


def test_the_settings_of_whoever_runs_this_do_not_lead_elsewhere(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text('[url "https://evil.example/"]\n insteadOf = https://me:secret@hub.example/\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    assert git(checkout, "remote", "get-url", "origin") == "https://evil.example/watch.git"
    assert find_remote(checkout, "origin") == "https://me:secret@hub.example/watch.git"


def test_a_git_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "git"
    wrapper.write_text("#!/bin/sh\nexec sleep 60\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("prober.adapters.git.remote._READ_WITHIN_S", 0.2)
    with pytest.raises(GitError, match=r"git: no answer within 0\.2 s; check the disk"):
        find_remote(tmp_path, "origin")
