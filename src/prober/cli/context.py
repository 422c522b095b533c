"""What every command shares: the global options, and where configuration, store and output are."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from prober.cli import output
from prober.errors import ConfigError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from prober.adapters.store.db import Store
    from prober.core.settings import Config
    from prober.render.columns import Paint

Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """The options that every command takes."""

    config: str | None = None
    db: str | None = None
    color: Color = "auto"
    is_quiet: bool = False
    is_verbose: bool = False

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

    def load(self) -> Config:
        """Return the configuration. Raises ConfigError with every problem."""
        from prober.adapters.config import load_config

        path = self.config_path()
        self.detail(f"configuration: {path}")
        return load_config(path, environ=os.environ, host_name=host_name())

    def store_path(self, config: Config) -> Path:
        """Return where the store is: --db, $PROBER_DB, [store] path, $STATE_DIRECTORY, beside the configuration."""
        given = self.db or os.environ.get("PROBER_DB") or config.store_path
        if given:
            path = Path(given)
        elif state_directory := os.environ.get("STATE_DIRECTORY"):
            path = Path(state_directory.split(":")[0]) / "prober.db"
        else:
            path = Path(config.path or "").parent / "prober.db"
        self.detail(f"store: {path}")
        return path

    def reading(self, config: Config) -> AbstractContextManager[Store | None]:
        """Open the store for reading; None, and a word about it, where there is none yet."""
        from prober.adapters.store.db import open_reader

        path = self.store_path(config)
        store = open_reader(path)
        if store is None:
            self.say(f'note: there is no store at {path} yet. "prober run" makes it.')
            return nullcontext()
        return closing(store)

    def show(self, text: str) -> None:
        """Print a result to stdout."""
        output.show(text, is_coloured=self.is_coloured())

    def say(self, text: str) -> None:
        """Print a line to stderr, unless asked to be quiet."""
        if not self.is_quiet:
            output.tell(text)

    def detail(self, text: str) -> None:
        """Print a line to stderr if asked to be verbose."""
        if self.is_verbose:
            output.tell(text)

    def warn(self, text: str) -> None:
        """Print a line to stderr that nobody may miss."""
        output.tell(f"note: {text}")

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
        """Return the columns of the terminal, None where stdout is none."""
        return shutil.get_terminal_size().columns if output.is_terminal(sys.stdout) else None


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
