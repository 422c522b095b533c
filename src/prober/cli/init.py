"""``prober init``: a first probes.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prober.cli.context import globals_of
from prober.cli.help import Command
from prober.cli.output import is_terminal
from prober.cli.values import mail_address_of, url_of
from prober.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=Command)(init)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.", show_default="here")] = Path(),
    url: Annotated[
        list[str] | None, typer.Option("--url", metavar="URL", help="A URL to watch; may be repeated.")
    ] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="ADDR", help="Who gets the alerts.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented probes.toml that is valid at once.

    At a terminal it asks for a URL and an address, unless they are given.

    Examples:
      prober init
      prober init watch --url https://acme.example/health --email ops@acme.example
    """
    from prober.app.starter import starter_text

    settings = globals_of(context)
    path = folder / "probes.toml"
    if os.path.lexists(path) and not force:  # Path.exists raises where a folder cannot be searched
        raise _exists(path)
    may_ask = is_terminal(sys.stdin) and not defaults
    urls = [url_of(each) for each in url or () if each]
    address = mail_address_of(email) if email else None
    if may_ask and url is None:
        urls = list(filter(None, [_answer("URL to watch (empty: an example)", url_of)]))
    if may_ask and email is None:
        address = _answer("Address that gets the alerts (empty: none yet)", mail_address_of) or None
    _write(path, starter_text(urls, address), may_replace=force)
    named = "" if folder == Path() else f" -c {path}"
    settings.say(f"wrote {path}. Try it: prober{named} check")
    if _may_be_committed(folder):
        settings.say(f"The store will lie beside it. Keep it out of git: echo 'prober.db*' >> {folder / '.gitignore'}")


def _may_be_committed(folder: Path) -> bool:
    """Say whether a folder is in a git repository and does not ignore the store yet, as far as its own file says."""
    real = folder.resolve()
    try:
        if "prober.db" in (real / ".gitignore").read_text(errors="replace"):
            return False
    except OSError:
        pass
    return any(os.path.lexists(each / ".git") for each in (real, *real.parents))


def _answer(question: str, read: Callable[[str], str]) -> str:
    """Ask until the answer can be read; none is an answer too."""

    def judged(text: str) -> str:
        try:
            return text and read(text)
        except UsageError as error:
            raise typer.BadParameter(str(error)) from error

    return str(typer.prompt(question, default="", show_default=False, value_proc=judged, err=True))


def _write(path: Path, text: str, *, may_replace: bool) -> None:
    from prober.adapters.config.find import SYSTEM_FILE
    from prober.app.placing import make_folder

    is_for_service = path.parent.resolve() == SYSTEM_FILE.parent
    try:
        if is_for_service:
            make_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if may_replace else "x", encoding="utf-8") as file:
            file.write(text)
        if is_for_service:
            path.chmod(0o644)  # the service is another user, whatever the umask; and no secret stands in what we write
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Name a folder that you may write to.") from error


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists. Edit it, or replace it with --force.")
