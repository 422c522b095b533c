"""What every command shares: the global options, and where configuration, store and output are."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from prober.cli import output
from prober.errors import ConfigError, ProberError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prober.adapters.log import Level, Log
    from prober.adapters.store.db import Store
    from prober.app.journal import Journal
    from prober.core.settings import Config
    from prober.render.columns import Paint

Color = Literal["auto", "always", "never"]
LogFormat = Literal["text", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """The options that every command takes."""

    config: str | None = None
    db: str | None = None
    color: Color = "auto"
    is_quiet: bool = False
    is_verbose: bool = False
    log_format: LogFormat | None = None

    def config_path(self) -> Path:
        """Return the configuration file. Raises ConfigError when there is none anywhere."""
        from prober.adapters.config import find_config

        try:
            cwd = Path.cwd()
        except OSError as error:
            raise ConfigError("the current folder does not exist any more. Change to one that does.") from error
        path = find_config(self.config, environ=os.environ, cwd=cwd)
        if path is None:
            raise ConfigError('no probes.toml here or above. Write one with "prober init", or name it with --config.')
        return path

    def load(self, *, is_sending: bool = False) -> Config:
        """Return the configuration. Raises ConfigError with every problem.

        ``is_sending`` says that the command asks servers, which it then did not.
        """
        from prober.adapters.config import InvalidConfig, load_config

        path = self.config_path()
        self.detail(f"configuration: {path}")
        try:
            return load_config(path, environ=os.environ, host_name=host_name())
        except InvalidConfig as error:
            raise InvalidConfig(error.problems, consequence="Nothing was sent." if is_sending else "") from error

    def store_path(self, config: Config) -> Path:
        """Return where the store is: --db, $PROBER_DB, [store] path, $STATE_DIRECTORY, beside the configuration.

        Raises StoreError when that is the configuration itself.
        """
        path, why = self.store_place(config.path, config.store_path)
        if _is_same(path, config.path):
            raise StoreError(f"{path}: this is the configuration, not a store; name another file (it comes from {why})")
        self.detail(f"store: {path}")
        return path

    def store_place(self, config_path: str | None, configured: str | None) -> tuple[Path, str]:
        """Return where the store is, and what says so. ``configured`` is ``[store] path``."""
        named = ((self.db, "--db"), (os.environ.get("PROBER_DB"), "$PROBER_DB"), (configured, "[store] path"))
        for given, source in named:
            if given:
                return Path(given), source
        if state_directory := os.environ.get("STATE_DIRECTORY"):
            return Path(state_directory.split(":")[0]) / "prober.db", "$STATE_DIRECTORY"
        return Path(config_path or "").parent / "prober.db", "beside the configuration"

    @contextmanager
    def reading(self, config: Config, *, is_told: bool = True) -> Iterator[list[Store]]:
        """Open what stands in for the store, and the store, with a word where there is neither yet.

        ``is_told`` says that there is a word about what stands in, too.
        """
        from prober.app.reading import open_readers
        from prober.app.report import tell_of_stand_ins

        path = self.store_path(config)
        with open_readers(path) as stores:
            if not stores:
                self.say(f'note: there is no store at {path} yet. "prober run" makes it.')
            for notice in tell_of_stand_ins(path) if is_told else ():
                self.say(f"note: {notice.text}")
            yield stores

    def journal(self, config: Config) -> Journal:
        """Return what tells on stderr what happens, as text unless another format was asked for."""
        from prober.adapters.log import hear_libraries
        from prober.app.journal import Journal

        log = self._log()
        log.hide([*config.secrets, config.heartbeat_url or ""])
        hear_libraries(log)
        return Journal(log)

    def _log(self) -> Log:
        from prober.adapters.clock import SystemClock
        from prober.adapters.log import LineWriter, Log, descriptor_of, is_journal

        fd = descriptor_of(sys.stderr)
        return Log(
            LineWriter(fd),
            now_ms=SystemClock().now_ms,
            form=self.log_format or "text",
            least="debug" if self.is_verbose else "warning" if self.is_quiet else "info",
            is_journal=is_journal(fd, os.environ),
        )

    def show(self, text: str) -> None:
        """Print a result to stdout."""
        output.show(text, is_coloured=self.is_coloured())

    def say(self, text: str) -> None:
        """Print a line to stderr, unless asked to be quiet."""
        if not self.is_quiet:
            self._tell("info", text)

    def detail(self, text: str) -> None:
        """Print a line to stderr if asked to be verbose."""
        if self.is_verbose:
            self._tell("debug", text)

    def warn(self, text: str) -> None:
        """Print a line to stderr that nobody may miss."""
        self._tell("warning", text)

    def fail(self, error: str | ProberError) -> None:
        """Print to stderr why a command ends; where log lines were asked for, one for each problem."""
        if self.log_format is None:
            output.tell(f"{error.title}{error}" if isinstance(error, ProberError) else f"error: {error}")
            return
        from prober.adapters.log import Entry
        from prober.app.journal import problems_of

        log = self._log()
        for line in problems_of(error) if isinstance(error, ProberError) else [error]:
            log.write(Entry(level="error", message=line))

    def _tell(self, level: Level, text: str) -> None:
        """Print a line to stderr, as a log line where these were asked for."""
        if self.log_format is None:
            output.tell(f"note: {text}" if level == "warning" else text)
        else:
            from prober.adapters.log import Entry

            self._log().write(Entry(level=level, message=text.removeprefix("note: ")))

    def is_coloured(self) -> bool:
        """Say whether stdout shows colour."""
        if self.color != "auto":
            return self.color == "always"
        has_colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return has_colours and output.is_terminal(sys.stdout)

    def paint(self) -> Paint:
        """Return how to colour words on stdout."""
        from prober.render.columns import plain

        return output.coloured if self.is_coloured() else plain

    def width(self) -> int | None:
        """Return the columns of the terminal, or those that the environment names; None where there are neither."""
        is_bounded = output.is_terminal(sys.stdout) or os.environ.get("COLUMNS")
        return shutil.get_terminal_size().columns if is_bounded else None


def _is_same(path: Path, other: str | None) -> bool:
    with suppress(OSError):  # most stores are not there yet, and some names no file can have
        return other is not None and path.samefile(other)
    return False


def globals_of(context: typer.Context) -> Globals:
    """Return the global options of this invocation."""
    return context.find_object(Globals) or Globals()


def host_name() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def origin() -> str:
    """Return where alerts are sent from: the workflow run's link, or this machine's name."""
    server, repository, run = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return host_name()


def refuses_private() -> bool:
    """Say whether private addresses need leave: on GitHub's own machines they are GitHub's, not ours."""
    return os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
