"""What git and servers say of a push, in their own words, and what we make of it."""

from __future__ import annotations

import pytest

from prober.adapters.git.trouble import is_overtaken, trouble


@pytest.mark.parametrize(
    "refusal",
    [
        "[rejected] (stale info)",
        "[rejected] (fetch first)",
        "[rejected] (non-fast-forward)",
        "[remote rejected] (cannot lock ref 'refs/heads/s': is at 0a1b but expected 2c3d)",
        "[remote rejected] (cannot lock ref 'refs/heads/s': reference already exists)",
        "[remote rejected] (cannot lock ref 'refs/heads/s': Unable to create '/r/s.lock': File exists.)",
        "[remote rejected] (incorrect old value provided)",
        "[remote rejected] (failed to update ref)",
        "[remote rejected] (failed to lock)",
    ],
)
def test_a_branch_that_moved_meanwhile_is_a_race(refusal: str) -> None:
    assert is_overtaken(refusal, "error: failed to push some refs")


@pytest.mark.parametrize(
    "refusal",
    [
        "",
        "[remote rejected] (pre-receive hook declined)",
        "[remote rejected] (protected branch hook declined)",
        "[remote rejected] (shallow update not allowed)",
        "[remote rejected] (unpacker error)",
        "[remote failure] (remote failed to report status)",
        "[remote rejected] (cannot lock ref 'refs/heads/s': 'refs/heads/s/x' exists; cannot create 'refs/heads/s')",
        "[remote rejected] (cannot lock ref 'refs/heads/s': Unable to create '/r/s.lock': Permission denied)",
        "[remote rejected] (cannot lock ref 'refs/heads/s': Unable to create '/r/s.lock': No space left on device)",
    ],
)
def test_what_no_repetition_mends_is_no_race(refusal: str) -> None:
    assert not is_overtaken(refusal, "error: failed to push some refs")


def test_the_reason_may_stand_elsewhere_than_the_refusal() -> None:
    refusal = "[remote rejected] (failed to update ref)"
    assert is_overtaken(refusal, "remote: error: cannot lock ref 'refs/heads/s': is at 0a1b but expected 2c3d")
    assert not is_overtaken(refusal, "remote: error: cannot lock ref 'refs/heads/s': 's/x' exists; cannot create 's'")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("remote: error: GH006: Protected branch update failed for refs/heads/s.", "let the rules of the repository"),
        ("remote: error: GH013: Repository rule violations found for refs/heads/s.", "let the rules of the repository"),
        (
            "remote: Permission to o/r.git denied to github-actions[bot].\nfatal: The url returned error: 403",
            "give the job `permissions: contents: write`",
        ),
        ("remote: Write access to repository not granted.", "give the job `permissions: contents: write`"),
        (
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "set GITHUB_TOKEN to a token",
        ),
        ("git@github.com: Permission denied (publickey).", "set GITHUB_TOKEN to a token"),
        ("remote: Repository not found.\nfatal: repository 'https://github.com/o/r/' not found", "check the remote; a"),
        ("fatal: unable to access 'x': Could not resolve host: github.com", "check the network"),
        ("ssh: connect to host github.com port 22: Network is unreachable", "check the network"),
        ("fatal: the remote end hung up unexpectedly", "check the network"),
        ("fatal: write error: No space left on device", "free some space on the disk"),
        ("something new", "check the remote and its branch"),
    ],
)
def test_what_git_says_comes_with_what_to_do(said: str, advice: str) -> None:
    assert f"; {advice}" in str(trouble("push", said, secrets=()))


def test_noise_is_left_out_and_the_rest_is_one_short_line() -> None:
    said = "hint: try\nfatal: it\x1b[31m broke\n\nerror: failed to push some refs to 'x'\n" + "long " * 200
    told = str(trouble("push", said, secrets=()))
    assert told.startswith("push: fatal: it broke long long")
    assert len(told) < 460


def test_silence_is_told_too() -> None:
    assert str(trouble("push", "\n", secrets=())).startswith("push: git ended without a word; ")
