"""The environment of a job is read as GitHub documents it, and a shell's own works as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prober.adapters.github import SERVER, read_job


def environment(folder: Path, event: object, **more: str) -> dict[str, str]:
    (folder / "event.json").write_text(json.dumps(event))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/status",
        "GITHUB_RUN_ID": "1658821493",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_EVENT_NAME": "schedule",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_SERVER_URL": "https://github.acme.example",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_WORKSPACE": str(folder / "work"),
        "GITHUB_TOKEN": "a-token",
        "RUNNER_TEMP": str(folder / "temp"),
        "RUNNER_ENVIRONMENT": "github-hosted",
        **more,
    }


def test_everything_is_read_from_a_scheduled_job(tmp_path: Path) -> None:
    job = read_job(environment(tmp_path, {"schedule": "3-58/5 * * * *"}), run="by hand")
    assert (job.repository, job.run, job.trigger, job.schedule) == (
        "acme/status",
        "1658821493.2",
        "schedule",
        "3-58/5 * * * *",
    )
    assert (job.server, job.token, job.summary) == ("https://github.acme.example", "a-token", tmp_path / "summary.md")
    assert (job.workspace, job.temporary) == (tmp_path / "work", tmp_path / "temp")
    assert (job.is_hosted, job.is_fork) == (True, False)


def test_outside_of_a_job_everything_has_a_value() -> None:
    job = read_job({}, run="by-hand-7")
    assert (job.repository, job.run, job.trigger, job.schedule) == (None, "by-hand-7", "by hand", None)
    assert (job.server, job.token, job.summary, job.workspace) == (SERVER, None, None, Path())
    assert job.temporary.is_dir()
    assert (job.is_hosted, job.is_fork) == (False, False)


@pytest.mark.parametrize(
    ("event", "said", "is_fork"),
    [
        ({"repository": {"fork": True}}, "", True),
        ({"repository": {"fork": False}}, "", False),
        ({"repository": {"fork": True}}, "false", False),
        ({}, "true", True),
        ({"repository": "acme/status"}, "", False),
        ([], "", False),
    ],
)
def test_a_fork_is_known_by_the_workflow_or_by_the_event(
    tmp_path: Path, event: object, said: str, is_fork: bool
) -> None:
    assert read_job(environment(tmp_path, event, PROBER_IS_FORK=said), run="").is_fork is is_fork


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", None])
def test_an_event_that_cannot_be_read_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    environ = environment(tmp_path, {})
    path = Path(environ["GITHUB_EVENT_PATH"])
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert read_job(environ, run="").schedule is None
