"""The shape of the project itself: what is pinned, what is private, what belongs where."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import prober

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "src").rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", each)]
PURE = {"base64", "bisect", "collections", "collections.abc", "contextlib", "dataclasses", "datetime", "decimal"}
PURE |= {"enum", "fnmatch", "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "json", "math"}
PURE |= {"operator", "re", "struct", "typing", "unicodedata", "urllib.parse", "zoneinfo"}
PURE |= {"cronsim", "jsonpath_rfc9535", "regex"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_a_lock_pins_all_by_hash_and_names_no_index(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert len(requirements) == len(pins(lock)) > 0
    assert [each for each in requirements if not re.search(r"--hash=sha256:[0-9a-f]{64}\n", each)] == []
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)


def test_the_runtime_lock_covers_every_dependency() -> None:
    declared = {re.split(r"[<>=~!\[]", each)[0] for each in PROJECT["dependencies"]}
    assert declared <= pins(ROOT / "requirements" / "runtime.txt").keys()


@pytest.mark.parametrize("part", ["runtime", "build"])
def test_development_uses_the_very_versions_of_the_other_locks(part: str) -> None:
    wanted = pins(ROOT / "requirements" / f"{part}.txt")
    development = pins(ROOT / "requirements" / "dev.txt")
    assert {name: development.get(name) for name in wanted} == wanted


def test_ci_runs_every_python_that_we_promise() -> None:
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    matrix = re.search(r"python: \[(.*)\]", ci)
    assert matrix
    assert re.findall(r"3\.\d+", matrix[1]) == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def tracked_texts() -> Iterator[tuple[str, str]]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (path := ROOT / name).is_file():
            yield name, path.read_text("utf-8", "replace")


def test_no_file_names_a_place_of_somebodys_machine_or_a_package_index() -> None:
    private = re.compile(r"/(?:home|root|work|Users)/\w|\.\./shared\b")
    assert [(name, found[0]) for name, text in tracked_texts() if (found := private.search(text))] == []


def test_the_changelog_begins_with_what_is_unreleased_and_knows_the_version() -> None:
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    assert all(released)
    assert [each[1] for each in released[:1] if each] in ([], [prober.__version__])


def test_make_offers_what_the_documents_name() -> None:
    makefile = (ROOT / "Makefile").read_text()
    offered = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert {"demo", "run", "test", "check", "lock", "bench", "help"} <= offered


def test_the_gate_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_types_are_published() -> None:
    assert (ROOT / "src" / "prober" / "py.typed").exists()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_and_holds_one_idea(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert text.count("\n") <= 300
    assert [each.name for each in functions(tree) if lines_of_work(each) > 40] == []


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of_work(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines below the docstring: a command's help text may be as long as it needs to be."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            yield node.module or ""


@pytest.mark.parametrize("path", [path for path in MODULES if "core" in path.parts], ids=name_of)
def test_core_imports_only_what_is_pure(path: Path) -> None:
    modules = set(imported(ast.parse(path.read_text())))
    assert {module for module in modules if not module.startswith("prober.")} <= PURE


def test_the_version_is_told_by_the_program() -> None:
    told = subprocess.run([sys.executable, "-m", "prober", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"prober {prober.__version__}\n"
