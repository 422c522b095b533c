"""The program as a user meets it: a folder, a command line, what it prints and how it ends."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from prober.cli.main import main
from tests.cli.behind import Behind, stand_behind
from tests.cli.web import Web, web_server
from tests.servers.smtp import SmtpServer, smtp_server_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Obstruct = Callable[[list[str]], None]

OURS = ("PROBER_", "GITHUB_", "RUNNER_", "NO_COLOR", "TERM", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "COLUMNS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one command went."""

    code: int
    out: str
    err: str


class RunProber(Protocol):
    """Run one command line in this process."""

    def __call__(self, *arguments: str) -> Ran: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, in an environment that says nothing to us."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / ".git").mkdir()  # the search for probes.toml ends here
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prober(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunProber:  # noqa: ARG001
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["prober", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(code=int(ended.value.code or 0), out=said.out, err=said.err)

    return run


@pytest.fixture
def obstruct(monkeypatch: pytest.MonkeyPatch) -> Obstruct:
    """Let an installation be hard to reach for the service, or easy, wherever the tests run."""
    return lambda found: monkeypatch.setattr("prober.app.setup.obstacles", lambda _parts, _config: found)


@pytest.fixture
def units(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for systemd's."""
    monkeypatch.setattr("prober.app.setup.CREDENTIALS_FOLDER", folder / "etc/prober/credentials")
    monkeypatch.setattr("prober.app.setup.UNIT_FOLDER", folder / "etc/systemd/system")
    return folder / "etc/systemd/system"


@pytest.fixture(scope="session")
def _web() -> Iterator[Web]:
    with web_server() as running:
        yield running


@pytest.fixture
def web(_web: Web) -> Web:
    """A web service that is well until told otherwise."""
    _web.heal()
    return _web


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_server_in_thread() as running:
        yield running


@dataclass(frozen=True, slots=True)
class Configure:
    """Write probes.toml: by default one probe, of a service on loopback."""

    folder: Path
    web: Web

    def __call__(self, extra: str = "", *, url: str | None = None, probe: str = "", top: str = "") -> Path:
        path = self.folder / "probes.toml"
        lines = [top, "[probe.api]", f'url = "{url or self.web.url}"', probe, extra]
        path.write_text("\n".join(lines))
        return path

    def with_mail(self, smtp: SmtpServer, *extra: str, probe: str = "", **keys: Any) -> Path:
        return self("\n".join([*extra, email(smtp.port, **keys)]), probe=probe)


@pytest.fixture
def configure(folder: Path, web: Web) -> Configure:
    return Configure(folder, web)


def email(port: int, to: str = "ops@acme.example") -> str:
    """Return a channel to a mail server on loopback."""
    return (
        f'[alert.email]\nto = ["{to}"]\nfrom = "prober@acme.example"\nserver = "127.0.0.1"\nport = {port}\n'
        'security = "none"\n'
    )


def options_of(command: Any) -> set[str]:
    """Return every option of a command, or of all the commands of a group."""
    options = {name for param in command.params if param.param_type_name == "option" for name in param.opts}
    return options.union(*map(options_of, getattr(command, "commands", {}).values()))


@pytest.fixture
def behind(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Behind]:
    """Stand behind UptimeRobot, which is well until told otherwise."""
    yield from stand_behind(configure, prober, web, smtp, monkeypatch)
