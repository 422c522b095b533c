"""What the workflow of a repository has to know, and the workflow put in its place."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING, Any

import pytest

from prober.app import workflow
from prober.app.workflow import (
    PLACE,
    prepare_workflow,
    read_wishes,
    repository_of,
    secrets_of,
    source_of,
    workflow_text,
)
from prober.errors import UsageError
from prober.render.workflow import Source, Wishes

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Source(repository="acme/prober", commit=COMMIT)
WISHES = Wishes(cron="3-58/5 * * * *", branch="prober-state", deadline_ms=3_000_000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a repository, with a configuration."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "probes.toml").write_text('[probe.api]\nurl = "https://acme.example/"\n')
    return root


def test_the_repository_is_the_nearest_one_above_the_configuration(root: Path) -> None:
    inner = root / "a/b"
    inner.mkdir(parents=True)
    assert repository_of(inner / "probes.toml") == root
    (inner / ".git").write_text("gitdir: /elsewhere\n")
    assert repository_of(inner / "probes.toml") == inner


def test_the_way_to_a_configuration_is_no_place(root: Path) -> None:
    (root.parent / "other/.git").mkdir(parents=True)
    config = root.parent / "other/../repository/probes.toml"
    assert repository_of(config) == root
    assert "exec prober actions run " in workflow_text(config, WISHES, secrets=[], source=SOURCE)


def test_a_configuration_outside_of_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"probes\.toml is in no git repository, .* or is to have it"):
        repository_of(tmp_path / "probes.toml")


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("", []),
        ('password = "${B} ${A}"', ["A", "B"]),
        ('region = "${REGION:-eu}"', ["REGION"]),
        ('# password = "${LATER}"', ["LATER"]),
        ('price = "$${NOTHING}" # $NOR_THIS', []),
        ('a = "${SAME}"\nb = "${SAME}"', ["SAME"]),
        ('a = "${lower}"', ["lower"]),
        ('a = "${HOME}${PATH}${GITHUB_SHA}${RUNNER_OS}${GITHUB_TOKEN}${PROBER_IS_FORK}"', []),
        ('a = "${PATH_OF_KEY}${MY_GITHUB_TOKEN}${CI_KEY}"', ["CI_KEY", "MY_GITHUB_TOKEN", "PATH_OF_KEY"]),
        ('a = "${PROBER_STATE_KEY}"', []),
    ],
)
def test_every_variable_that_the_file_names_is_handed_on_and_the_key_of_the_state(
    text: str, secrets: list[str]
) -> None:
    assert secrets_of(text) == sorted([*secrets, "PROBER_STATE_KEY"])


def test_a_configuration_is_named_as_it_lies_in_the_repository(root: Path) -> None:
    (root / "watch").mkdir()
    (root / "watch/probes.toml").touch()
    assert "exec prober -c watch/probes.toml actions run " in workflow_text(
        root / "watch/probes.toml", WISHES, secrets=[], source=SOURCE
    )
    assert "exec prober actions run " in workflow_text(root / "probes.toml", WISHES, secrets=[], source=SOURCE)


@pytest.mark.parametrize(
    "name", ["my probes.toml", "$(x).toml", "a'b.toml", "${{ x }}.toml", "-c.toml", "ä.toml", "a\nb"]
)
def test_a_name_that_would_mean_something_else_in_a_workflow_is_refused(root: Path, name: str) -> None:
    (root / name).touch()
    with pytest.raises(UsageError, match="cannot stand in a workflow"):
        workflow_text(root / name, WISHES, secrets=[], source=SOURCE)


def recorded(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return text

    monkeypatch.setattr(workflow, "distribution", lambda _: Installed())


def git_record(url: str, commit: str = COMMIT) -> str:
    return json.dumps({"url": url, "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": commit}})


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/prober",
        "https://github.com/acme/prober.git",
        "https://github.com/acme/prober/",
        "https://somebody@github.com/acme/prober.git",
        "ssh://git@github.com/acme/prober.git",
    ],
)
def test_an_installation_from_github_says_where_prober_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    recorded(monkeypatch, git_record(url))
    assert source_of(root, None) == SOURCE


@pytest.mark.parametrize(
    "record",
    [
        None,
        "not json",
        json.dumps({"url": "file:///srv/prober", "dir_info": {"editable": True}}),
        json.dumps({"url": "https://github.com/acme/prober/archive/v1.zip", "archive_info": {}}),
        git_record("https://git.example/acme/prober.git"),
        git_record("https://github.com.evil.example/acme/prober.git"),
        git_record("https://github.com/acme/prober", "main"),
        git_record("https://github.com/acme/prober", COMMIT[:-1]),
        git_record("https://github.com/acme/prober\n"),
    ],
)
def test_without_a_commit_on_github_it_has_to_be_said(
    root: Path, monkeypatch: pytest.MonkeyPatch, record: str | None
) -> None:
    recorded(monkeypatch, record)
    with pytest.raises(UsageError, match="Say so: prober setup actions --source OWNER/REPO@COMMIT"):
        source_of(root, None)
    assert source_of(root, f"acme/prober@{COMMIT}") == SOURCE


def test_so_it_has_without_any_installation(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(workflow, "distribution", missing)
    with pytest.raises(UsageError, match="Say so: prober setup actions --source"):
        source_of(root, None)


def test_the_repository_of_prober_itself_needs_no_other(root: Path) -> None:
    for name in ("requirements/runtime.txt", "requirements/build.txt", "src/prober/__init__.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert source_of(root, None) is None
    assert source_of(root, f"acme/prober@{COMMIT}") == SOURCE


@pytest.mark.parametrize(
    "text",
    [
        *("", "acme/prober", "acme/prober@v1", f"prober@{COMMIT}", f"a/b/c@{COMMIT}", f"acme/pro ber@{COMMIT}"),
        *(f"acme/prober@{COMMIT[:-1]}", f"acme/prober@{COMMIT}\n", f"https://github.com/acme/prober@{COMMIT}"),
    ],
)
def test_a_source_is_one_commit_of_one_repository(root: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not OWNER/REPO@COMMIT"):
        source_of(root, text)


@pytest.mark.parametrize("cron", ["3-58/5 * * * *", "*/30 8-17 * * 1-5", "0,30 * * * MON-FRI"])
@pytest.mark.parametrize("branch", ["prober-state", "watch/state.v2", "_x"])
@pytest.mark.parametrize("deadline_ms", [60_000, 21_000_000])
def test_what_github_and_git_take_is_taken(cron: str, branch: str, deadline_ms: int) -> None:
    wishes = Wishes(cron=cron, branch=branch, deadline_ms=deadline_ms)
    assert read_wishes(cron=cron, branch=branch, deadline_ms=deadline_ms) == wishes


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "61 * * * *", "@hourly", '* * * * "', "* * * * *\n", "a b c d e", "* *  * * *"],
)
def test_a_cron_expression_has_five_fields_that_make_sense(cron: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)--cron: .* is not a cron expression of five fields"):
        read_wishes(cron=cron, branch="prober-state", deadline_ms=60_000)


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "a b", "a..b", "a//b", "a/", "a.", "/a", ".a", "a/.b", "a.lock", "a.lock/b", "a\n", "a$b", "a@{1}", "ä"],
)
def test_a_branch_has_a_plain_name(branch: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)--branch: .* cannot be a branch here"):
        read_wishes(cron=WISHES.cron, branch=branch, deadline_ms=60_000)


@pytest.mark.parametrize("deadline_ms", [0, 59_999, 21_000_001])
def test_a_deadline_fits_into_a_job(deadline_ms: int) -> None:
    with pytest.raises(UsageError, match=r"--deadline: .* Write 1m to 5h50m"):
        read_wishes(cron=WISHES.cron, branch=WISHES.branch, deadline_ms=deadline_ms)


def test_a_workflow_is_put_once(root: Path) -> None:
    path = root / PLACE
    assert prepare_workflow(root, "name: ping\n", may_replace=False).put() == [path]
    assert path.read_text() == "name: ping\n"
    assert prepare_workflow(root, "name: ping\n", may_replace=False).put() == []
    assert [each.name for each in path.parent.iterdir()] == ["ping.yml"]


@pytest.mark.parametrize("is_link", [False, True])
def test_another_workflow_is_replaced_only_when_told(root: Path, is_link: bool) -> None:
    path = root / PLACE
    path.parent.mkdir(parents=True)
    if is_link:
        path.symlink_to(root / "absent")
    else:
        path.write_text("mine\n")
    with pytest.raises(UsageError, match=r"ping\.yml exists .* Replace it with --force"):
        prepare_workflow(root, "name: ping\n", may_replace=False)
    assert path.is_symlink() is is_link
    assert prepare_workflow(root, "name: ping\n", may_replace=True).put() == [path]
    assert (path.is_symlink(), path.read_text()) == (False, "name: ping\n")


def test_a_place_that_cannot_be_written_is_named(root: Path) -> None:
    (root / ".github").touch()
    with pytest.raises(UsageError, match=r"/\.github.*: (File exists|Not a directory)\. Write it as somebody who may"):
        prepare_workflow(root, "name: ping\n", may_replace=False)
