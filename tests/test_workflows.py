"""Every workflow file: pinned to commits, without standing power, its scripts free of expressions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORKFLOWS = sorted((Path(__file__).parent.parent / ".github" / "workflows").glob("*.y*ml"))


def faults(workflow: str) -> Iterator[str]:
    if not re.search(r"^permissions: \{\}$", workflow, re.MULTILINE):
        yield "the permissions at the top are not empty"
    if not re.search(r"^concurrency:", workflow, re.MULTILINE):
        yield "runs may pile up"
    if workflow.count("    runs-on:") != len(re.findall(r"^    timeout-minutes: ", workflow, re.MULTILINE)):
        yield "a job may last for ever"
    yield from faults_of_actions(re.findall(r"uses:(.*)", workflow))
    if workflow.count("uses: actions/checkout@") != workflow.count("persist-credentials: false"):
        yield "a checkout keeps its credentials"
    if any("${{" in script for script in scripts(workflow)):
        yield "an expression stands inside a script"


def faults_of_actions(actions: Sequence[str]) -> Iterator[str]:
    for action in actions:
        if not re.match(r" actions/(?:checkout|setup-python)@", action):
            yield f"somebody else's action:{action}"
        if not re.fullmatch(r" [\w./-]+@[0-9a-f]{40} # v[0-9.]+", action):
            yield f"not pinned to a commit with its version beside it:{action}"


def scripts(workflow: str) -> Iterator[str]:
    lines = workflow.splitlines()
    for number, line in enumerate(lines):
        if key := re.match(r"( *(?:- )?)run:", line):
            script = [line]
            for following in lines[number + 1 :]:
                if following.strip() and len(following) - len(following.lstrip()) <= len(key[1]):
                    break
                script.append(following)
            yield "\n".join(script)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_and_holds_no_power(path: Path) -> None:
    assert list(faults(path.read_text())) == []


COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOUND = f"""\
permissions: {{}}
concurrency: one
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@{COMMIT} # v1.2.3
        with:
          persist-credentials: false
      - uses: actions/setup-python@{COMMIT} # v1.2.3
      - run: |
          make

          make test
        env:
          REF: ${{{{ github.ref }}}}
"""


@pytest.mark.parametrize(
    ("sound", "broken", "fault"),
    [
        ("permissions: {}", "permissions: read-all", "the permissions"),
        ("permissions: {}", "  permissions: {}", "the permissions"),
        ("concurrency: one\n", "", "runs may pile up"),
        ("    timeout-minutes: 5\n", "", "a job may last"),
        ("actions/setup-python", "acme/setup-python", "somebody else's"),
        (COMMIT, "v1", "not pinned"),
        (COMMIT, COMMIT[:-1], "not pinned"),
        (" # v1.2.3", "", "not pinned"),
        ("persist-credentials: false", "persist-credentials: true", "a checkout keeps"),
        ("make test", "echo ${{ github.ref }}", "an expression"),
        ("run: |\n          make", "run: make ${{ github.ref }}", "an expression"),
    ],
)
def test_a_weak_workflow_is_caught(sound: str, broken: str, fault: str) -> None:
    assert list(faults(SOUND)) == []
    assert [found[: len(fault)] for found in faults(SOUND.replace(sound, broken, 1))] == [fault]
