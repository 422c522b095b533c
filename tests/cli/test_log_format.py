"""Log lines on stderr, asked for with --log-format."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cli import process
from tests.cli.conftest import email
from tests.cli.process import shell

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

SECRET = "hunter2-hunter2"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug  |info   |warning|error  )  (.*)")


def run_process(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return process.run_process(folder, *arguments, program=process.PLAIN, **environ)


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def entries(stderr: str, form: str) -> list[tuple[str, str]]:
    """Return level and message of each line, which all have to be of one form."""
    if form == "json":
        return [(line["level"], line["message"]) for line in map(json.loads, stderr.splitlines())]
    found = [LINE.fullmatch(line) for line in stderr.splitlines()]
    return [(each[1].strip(), each[2]) for each in found]  # type: ignore[index]


def test_a_run_that_is_not_asked_logs_nothing(configure: Configure, web: Web, smtp: SmtpServer) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    web.break_down()
    assert run_process(configure.folder, "run").stderr == ""


@pytest.mark.parametrize(
    "arguments", [("--log-format", "json", "run"), ("run", "--log-format", "json"), ("run", "--log-format=json")]
)
def test_all_of_stderr_is_json_wherever_the_option_stands(
    configure: Configure, web: Web, smtp: SmtpServer, arguments: tuple[str, ...]
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    web.break_down()
    ran = run_process(configure.folder, *arguments)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["message"].partition(":")[0] for line in lines] == [
        "down opened",
        "1 alert queued",
        "alert 1 (api down) to ops@acme.example accepted",
    ]
    assert {tuple(line) for line in lines} == {("timestamp", "level", "message", "probe", "incident", "round")}
    assert "x failed" in ran.stdout


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("run", 3, [r"probes.toml:2:7: error: .nope. is not .*", r'probes.toml:3:1: .* did you mean "timeout"\?']),
        ("-c probes.toml serve", 3, ["probes.toml:2:7: .*", "probes.toml:3:1: .*"]),
        ("-c absent.toml status", 3, [r'absent.toml: error: there is no such file \("prober init" writes one\)']),
        ("run --foo", 2, ["No such option: --foo.* See: prober run --help"]),
        ("stauts", 2, ["No such command 'stauts'.* See: prober --help"]),
        ("", 2, ["Missing command. See: prober --help"]),
        ("incidents", 2, ["Missing command. See: prober incidents --help"]),
        ("incidents ack foo", 2, ['"foo" is not the number of an incident.*']),
        ("status -c", 2, ["-c needs a value. See: prober --help"]),
    ],
)
def test_what_ends_a_command_is_a_log_line_too(
    configure: Configure, line: str, code: int, told: list[str], form: str
) -> None:
    (configure.folder / "probes.toml").write_text('[probe.api]\nurl = "nope"\ntimeot = 1\n')
    for arguments in ((f"--log-format={form}", *line.split()), ("--log-format", form, *line.split())):
        ran = run_process(configure.folder, *arguments)
        assert (ran.returncode, ran.stdout) == (code, "")
        assert [level for level, _ in entries(ran.stderr, form)] == ["error"] * len(told)
        assert all(re.fullmatch(want, said) for want, (_, said) in zip(told, entries(ran.stderr, form), strict=True))


def test_so_is_what_ends_a_service_that_had_begun(configure: Configure, form: str) -> None:
    configure()
    run_process(configure.folder, "run")
    configure().write_text('[probe.other]\nurl = "https://other.example/"\n')
    ran = run_process(configure.folder, "serve", "--log-format", form)
    assert ran.returncode == 3
    warned, started, refused = entries(ran.stderr, form)
    assert (warned[0], started[0], refused[0]) == ("warning", "info", "error")
    assert "--adopt" in refused[1]


def test_what_a_run_brings_home_is_told_once(configure: Configure, form: str) -> None:
    configure()
    store = configure.folder / "store" / "prober.db"
    run_process(configure.folder, "run", "--db", str(store))
    store.parent.mkdir()
    ran = run_process(configure.folder, "run", "--db", str(store), "--log-format", form)
    assert ran.returncode == 0
    told = [said for level, said in entries(ran.stderr, form) if "no alert channel" not in said]
    assert [said.startswith("the store is back after") for said in told] == [True]


@pytest.mark.parametrize("line", ["run -c bad.toml -- --log-format json", "run -c bad.toml --log-format xml"])
def test_without_a_format_errors_are_as_ever(configure: Configure, line: str) -> None:
    ran = run_process(configure.folder, *line.split())
    assert ran.returncode in {2, 3}
    assert "error: " in ran.stderr.splitlines()[0]


def test_text_lines_have_a_time_and_a_level(configure: Configure, web: Web, smtp: SmtpServer) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    web.break_down()
    lines = run_process(configure.folder, "run", "--log-format", "text").stderr.splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert [each and each[1].strip() for each in found] == ["warning", "info", "info"]


def test_single_checks_are_told_with_v_alone(configure: Configure) -> None:
    configure()
    assert "api: ok" not in run_process(configure.folder, "run", "--log-format", "text").stderr
    told = run_process(configure.folder, "-v", "run", "--log-format", "text").stderr
    assert "debug    api: ok" in told
    assert "debug    round finished: 1 check: 1 ok  round=1" in told
    assert all(LINE.fullmatch(line) for line in told.splitlines())


def test_a_refusal_is_told_by_the_log_alone(configure: Configure, web: Web) -> None:
    configure(email(port=1), probe="failures = 1")
    web.break_down()
    ran = run_process(configure.folder, "run", "-q", "--log-format", "text")
    assert ran.returncode == 4
    told = [found[2] for line in ran.stderr.splitlines() if (found := LINE.fullmatch(line))]
    assert len(told) == len(ran.stderr.splitlines())
    assert [message.partition(":")[0] for message in told][:2] == [
        "down opened",
        "alert 1 (api down) to ops@acme.example refused",
    ]


def test_a_missing_channel_is_a_warning(configure: Configure) -> None:
    configure()
    (line,) = run_process(configure.folder, "run", "--log-format", "json").stderr.splitlines()
    assert json.loads(line)["level"] == "warning"
    assert json.loads(line)["message"].startswith("no alert channel is configured")


def test_no_secret_is_logged_whatever_a_server_sends_back(configure: Configure, web: Web, form: str) -> None:
    configure(probe='failures = 1\nheaders = {X-Api-Key = "${KEY}"}\nexpect.body.contains = "fine"', url=web.url)
    web.is_mirror = True
    ran = run_process(configure.folder, "-v", "run", "--log-format", form, KEY=SECRET)
    assert SECRET.encode() in web.requests[-1]
    assert "down opened" in ran.stderr
    assert SECRET not in ran.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2> >(exit)"])
def test_a_run_finishes_when_nobody_takes_its_log(configure: Configure, redirection: str) -> None:
    configure()
    ran = shell(configure.folder, f"prober -v run --log-format json {redirection}")
    assert ran.returncode == 0
    assert "+ ok" in ran.stdout


def test_an_unknown_format_is_refused(prober: RunProber) -> None:
    ran = prober("run", "--log-format", "xml")
    assert ran.code == 2
    assert "'xml' is not one of 'text', 'json'" in ran.err
    assert prober("run", "--log-format").err.startswith("error: --log-format needs a value")


def test_a_heartbeat_that_fails_is_one_warning_and_changes_no_exit_code(configure: Configure, web: Web) -> None:
    configure(top=f'[heartbeat]\nurl = "{web.url}"\n')
    assert run_process(configure.folder, "-q", "run").stderr.count("\n") == 1
    web.break_down()
    configure(top=f'[heartbeat]\nurl = "{web.url}"\n', probe="expect.status = 503")
    plain = run_process(configure.folder, "-q", "run")
    assert plain.returncode == 0
    assert plain.stderr.splitlines()[1:] == ["note: the heartbeat was not answered: status 503, expected 2xx"]
    logged = run_process(configure.folder, "-q", "run", "--log-format", "text")
    assert [LINE.fullmatch(line)[2] for line in logged.stderr.splitlines()][1:] == [  # type: ignore[index]
        "heartbeat failed: status 503, expected 2xx"
    ]
