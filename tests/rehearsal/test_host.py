"""The host itself: what it does with a workflow is what GitHub does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rehearsal.host import Asked, Host, Job

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """\
      - name: checkout
        uses: actions/checkout@1
      - name: one
        id: one
        run: |
          {one}
          echo told "$TOLD" >> "$GITHUB_STEP_SUMMARY"
        env:
          TOLD: ${{{{ secrets.WORD }}}}-${{{{ secrets.NONE }}}}
      - name: two
        run: cat probes.toml
      - name: three
        if: ${{{{ failure() && steps.one.outcome == 'failure' }}}}
        run: echo rescued
"""


def run(folder: Path, one: str, *, key: str = "", **asked: object) -> Job:
    workflow = folder / "ping.yml"
    workflow.write_text(f"on: push\njobs:\n  ping:\n    runs-on: here\n{key}    steps:\n{STEPS.format(one=one)}")
    host = Host(folder / "host", workflow, {"probes.toml": "a file of the repository"})
    return host.run(Asked(secrets={"WORD": "hush"}, **asked))  # type: ignore[arg-type]


def test_steps_run_in_order_with_what_they_are_given(tmp_path: Path) -> None:
    job = run(tmp_path, "true")
    assert [(step.name, step.outcome) for step in job.steps] == [
        ("checkout", "success"),
        ("one", "success"),
        ("two", "success"),
        ("three", "skipped"),
    ]
    assert job.outcome == "success"
    assert job.summary == "told hush-\n"
    assert job.step("two").log == "a file of the repository"


def test_a_step_that_fails_leaves_only_what_asks_for_that(tmp_path: Path) -> None:
    job = run(tmp_path, "false")
    assert [step.outcome for step in job.steps] == ["success", "failure", "skipped", "success"]
    assert (job.outcome, job.summary, job.log) == ("failure", "", "rescued\n")


@pytest.mark.parametrize(("started", "is_told"), [("exec bash", True), ("bash", False)])
def test_who_is_cancelled_is_the_first_process_of_a_step(tmp_path: Path, started: str, is_told: bool) -> None:
    begun = tmp_path / "begun"
    command = f"{started} -c 'trap \"echo saved; exit 0\" INT; touch {begun}; for i in 1 2 3 4; do sleep 0.2; done'"
    job = run(tmp_path, command, is_cancelled=begun.exists)
    assert (job.outcome, job.step("two").outcome) == ("cancelled", "skipped")
    assert ("saved" in job.step("one").log) is is_told
    assert (job.step("one").ending_s or 9) < 7


@pytest.mark.parametrize("key", ["    timeout: 5\n", "    defaults: {}\n", "    container: other\n"])
def test_a_key_that_the_host_does_not_know_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="does not know these keys of a job"):
        run(tmp_path, "true", key=key)
