from __future__ import annotations

import io
import re
import signal
import sys
import time
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.main import get_command

import prober as package
from prober import __main__ as entry
from prober.adapters import config as adapter
from prober.cli import context, main, output
from prober.cli.context import Globals, origin
from prober.errors import StoreError, UsageError
from tests.cli.conftest import options_of
from tests.cli.process import PLAIN, run_process, shell, started

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web

COMMANDS = ["demo", "init", "check", "run", "serve", "status", "standby", "compare", "test-alert", "doctor"]
COMMANDS += ["incidents", "alerts", "import", "actions", "config", "db", "setup"]
SUBCOMMANDS = [f"incidents {each}" for each in ("list", "show", "ack", "note", "false-positive", "resolve")]
SUBCOMMANDS += ["alerts list", "alerts drop", "config show", "config schema", "config path", "setup systemd"]
SUBCOMMANDS += ["db info", "db backup", "db prune", "db merge", "setup actions", "actions run", "actions fetch"]
SUBCOMMANDS += ["import uptimerobot"]
UNBOUNDED = {"demo", "init", "serve", "setup"}  # they run on, or write outside of the folder
OPTIONS = sorted(options_of(get_command(main.app)) - {"--show-completion", "--install-completion"})
GREEN = "\x1b[32m"


@pytest.mark.parametrize("command", ["", *COMMANDS, *SUBCOMMANDS])
def test_help_starts_with_examples(prober: RunProber, command: str) -> None:
    for option in ("--help", "-h"):
        ran = prober(*command.split(), option)
        assert (ran.code, ran.err) == (0, "")
        first, example, *rest = ran.out.splitlines()
        assert first == "Examples:"
        assert f"prober {command}".rstrip() in example
        assert f"Usage: {f'prober {command}'.rstrip()} " in "\n".join(rest)
        assert "<str>" not in ran.out


def test_help_lists_the_commands_that_work_with_a_whole_sentence_each(prober: RunProber) -> None:
    lines = prober("--help").out.partition("Commands:\n")[2].splitlines()
    listed = {line.split()[0]: line.strip() for line in lines}
    assert list(listed) == COMMANDS
    assert all(line.endswith(".") and not line.endswith("...") for line in listed.values())


@pytest.mark.parametrize("group", ["", "incidents", "alerts", "import", "actions", "config", "db", "setup"])
def test_a_group_alone_shows_its_help_and_exits_with_2(prober: RunProber, group: str) -> None:
    ran = prober(*group.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Examples:\n")


def test_the_version_is_printed(prober: RunProber) -> None:
    assert prober("--version").out == f"prober {package.__version__}\n"
    assert prober("status", "--version").code == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stauts", "Did you mean 'status'?\nSee: prober --help"),
        ("run --dui", "No such option: --dui. Did you mean --due?\nSee: prober run --help"),
        ("incidents shwo", "Did you mean 'show'?\nSee: prober incidents --help"),
        ("status --since", "requires an argument.\nSee: prober"),
        ("--color pink status", "'pink' is not one of 'auto', 'always', 'never'.\nSee: prober --help"),
        ("status -c", "-c needs a value. See: prober --help"),
        ("config path twice", "(twice)\nSee: prober config path --help"),
    ],
)
def test_every_misuse_ends_with_what_to_do_next(prober: RunProber, line: str, said: str) -> None:
    ran = prober(*line.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert said in ran.err


@pytest.mark.parametrize(
    ("given", "front_first"),
    [
        ("status", "status"),
        ("status -q", "-q status"),
        ("run -c x --due -qv", "-c x -qv run --due"),
        ("run api --config=x --color never", "--config=x --color never run api"),
        ("status -cx --db y", "-cx --db y status"),
        ("check -- -q --db", "check -- -q --db"),
        ("--verbose status --version", "--verbose --version status"),
        ("run --due --json -h", "run --due --json -h"),
    ],
)
def test_global_options_may_stand_anywhere(given: str, front_first: str) -> None:
    assert main.hoisted(given.split()) == front_first.split()


VALUES = ["api", "prod", "7d", "1", "2026-11-20", "never", "down", "other.db", "probes.toml", "--", "-", "-qv", "-cx"]
NO_PATHS = st.text(st.characters(blacklist_characters="\0/"), max_size=6)


ARGUMENTS = st.lists(st.sampled_from(VALUES) | st.sampled_from(OPTIONS) | NO_PATHS, max_size=6)


@given(ARGUMENTS)
def test_moving_global_options_loses_and_invents_nothing(arguments: list[str]) -> None:
    assume("--" not in arguments)
    try:
        moved = main.hoisted(arguments)
    except UsageError:
        assert arguments[-1] in main.VALUED
    else:
        assert sorted(moved) == sorted(arguments)
        assert main.hoisted(moved) == moved


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([each for each in [*COMMANDS, *SUBCOMMANDS] if each.split()[0] not in UNBOUNDED]), ARGUMENTS)
def test_no_line_whatever_is_a_fault_of_ours(
    configure: Configure, prober: RunProber, command: str, arguments: list[str]
) -> None:
    configure(probe='tags = ["prod"]')
    ran = prober(*command.split(), *arguments)
    assert ran.code in range(7)
    assert "fault of prober" not in ran.err
    assert "Traceback" not in ran.err
    assert ran.code in {0, 1, 6} or ran.err or (command == "doctor" and "x wrong" in ran.out)


@pytest.mark.parametrize("line", ["-c {0} status", "status -c {0}", "status --config={0}", "status -c{0} -q"])
def test_the_configuration_may_be_named_anywhere(configure: Configure, prober: RunProber, line: str) -> None:
    path = configure().rename(configure.folder / "other.toml")
    assert prober(*line.format(path).split()).out == "no checks yet\n"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"option": "a.db", "PROBER_DB": "b.db", "key": "c.db", "STATE_DIRECTORY": "d"}, "a.db"),
        ({"PROBER_DB": "b.db", "key": "c.db", "STATE_DIRECTORY": "d"}, "b.db"),
        ({"key": "c.db", "STATE_DIRECTORY": "d"}, "c.db"),
        ({"STATE_DIRECTORY": "d:e"}, "d/prober.db"),
        ({}, "prober.db"),
    ],
)
def test_the_store_is_where_the_first_of_five_places_says(
    configure: Configure,
    prober: RunProber,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: dict[str, str],
    expected: str,
) -> None:
    (folder / "d").mkdir()
    configure(top=f'[store]\npath = "{where["key"]}"' if "key" in where else "")
    for name in ("PROBER_DB", "STATE_DIRECTORY"):
        if name in where:
            monkeypatch.setenv(name, where[name])
    prober("run", *(["--db", where["option"]] if "option" in where else []))
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.db")] == [expected]


@pytest.mark.parametrize(
    ("color", "environ", "is_terminal", "is_coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("never", {}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
    ],
)
@pytest.mark.usefixtures("folder")
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, color: context.Color, environ: dict[str, str], is_terminal: bool, is_coloured: bool
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda _: is_terminal)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Globals(color=color).is_coloured() == is_coloured


def test_colour_reaches_stdout_only_when_forced(configure: Configure, prober: RunProber) -> None:
    configure()
    for command in ("run", "status", "check"):
        assert GREEN in prober(command, "--color", "always").out
        assert "\x1b" not in prober(command).out + prober(command, "--color", "never").out
    assert output.coloured("x", "bold") == "\x1b[1mx\x1b[0m"
    assert output.coloured("x", "dim") == "\x1b[2mx\x1b[0m"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("is_terminal", "environ", "width"), [(True, "72", 72), (False, "72", 72), (False, "", None)])
def test_a_terminal_or_the_environment_bounds_the_width(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, environ: str, width: int | None
) -> None:
    monkeypatch.setenv("COLUMNS", environ)
    monkeypatch.setattr(output, "is_terminal", lambda _: is_terminal)
    assert Globals().width() == width


def test_streams_that_are_closed_are_no_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.prepare()
    assert not Globals().is_coloured()


def test_what_an_encoding_cannot_show_becomes_a_question_mark(
    configure: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    prober("run")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert prober("status").code == 0
    assert stdout.buffer.getvalue().endswith(b"\xb7?\n")


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_output_that_cannot_be_written_is_an_error_and_notes_are_not(
    configure: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Full())
        ran = prober("status", "-q")
    assert (ran.code, ran.err) == (
        1,
        "error: the output could not be written (No space left on device). Send it somewhere that has room.\n",
    )
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Full())
        assert prober("status").out == "no checks yet\n"


def test_a_fault_of_ours_is_told_by_place_and_not_by_content(
    configure: Configure, prober: RunProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ExceptionGroup("several", [ValueError("hunter22")])

    configure()
    monkeypatch.setattr(adapter, "load_config", fail)
    ran = prober("status")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: this is a fault of prober (ValueError). Please report it:")
    assert "Traceback" not in ran.err
    assert "hunter22" not in ran.err


def test_of_several_errors_the_one_that_we_can_explain_is_told() -> None:
    ours = StoreError("full")
    group = BaseExceptionGroup("", [ValueError(), BaseExceptionGroup("", [KeyError(), ours])])
    assert main._first(group) is ours


def test_mails_from_a_workflow_link_to_its_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert origin() == context.host_name()
    for name, value in {"SERVER_URL": "https://github.example", "REPOSITORY": "a/b", "RUN_ID": "7"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert folder
    assert origin() == "https://github.example/a/b/actions/runs/7"


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [("run", signal.SIGINT, 130), ("run", signal.SIGTERM, 143), ("check", signal.SIGINT, 130)],
)
def test_a_signal_ends_a_command_without_traceback(
    configure: Configure, web: Web, command: str, number: signal.Signals, code: int
) -> None:
    configure(probe='timeout = "20s"')
    web.delay_s = 15
    with started(configure.folder, command) as process:
        while not web.requests:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    assert "Error" not in err


def test_an_interruption_while_the_program_loads_is_one_too(folder: Path) -> None:
    (folder / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    ran = run_process(folder, "--help", PYTHONPATH=str(folder))
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_the_command_and_the_module_start_in_the_same_place() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    command = EntryPoint(name="prober", value=project["scripts"]["prober"], group="console_scripts")
    assert command.load() is entry.main


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_leaves_nothing_behind_however_often_it_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    with started(folder, "demo", program=PLAIN) as process:
        assert process.stdout
        process.stdout.readline()
        assert len(list(folder.glob("prober-demo-*"))) == 1
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    assert list(folder.glob("prober-demo-*")) == []


def test_python_itself_has_nothing_to_complain_about(configure: Configure, web: Web) -> None:
    configure()
    ran = run_process(configure.folder, "run")
    assert (ran.returncode, ran.stderr.splitlines()[1:]) == (0, [])
    assert ran.stderr.startswith("note: no alert channel")
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    "line",
    [
        "prober status | head -0",
        "prober status -v 2>&1 | head -0",
        "prober status >&- 2>&-",
        "prober init new <&- 2>/dev/null",
    ],
)
def test_nobody_has_to_read_or_to_be_there(configure: Configure, line: str) -> None:
    configure()
    ran = shell(configure.folder, line)
    assert (ran.returncode, ran.stderr) == (0, "" if "2>" in line else ran.stderr)
    assert "Traceback" not in ran.stderr
    assert "Error" not in ran.stderr


def test_completion_works_in_bash(folder: Path) -> None:
    script = run_process(folder, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_PROBER_COMPLETE=complete_bash" in script.stdout
    completed = run_process(folder, _PROBER_COMPLETE="complete_bash", COMP_WORDS="prober st", COMP_CWORD="1")
    assert completed.stdout.split() == ["status", "standby"]


WIDTH, MANY = 80, 25


def test_every_help_fits_into_eighty_columns(prober: RunProber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    seen = 0
    pending: list[list[str]] = [[]]
    while pending:
        path = pending.pop()
        text = prober(*path, "--help").out
        assert [line for line in text.splitlines() if len(line) > WIDTH] == []
        commands = text.partition("\nCommands:\n")[2]
        pending += [[*path, line.split()[0]] for line in commands.splitlines() if re.match(r"  [a-z]", line)]
        seen += 1
    assert seen > MANY


def test_a_mistyped_option_is_told_the_nearest_one(prober: RunProber) -> None:
    ran = prober("status", "--sinse", "7d")
    assert (ran.code, ran.err) == (
        2,
        "error: No such option: --sinse. Did you mean --since?\nSee: prober status --help\n",
    )
    assert prober("status", "--zzz").err.startswith("error: No such option: --zzz\n")
