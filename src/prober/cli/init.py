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
    parts: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="actions,systemd", help="Put in place what runs it: one of them, or both."),
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented probes.toml that is valid at once.

    At a terminal it asks for a URL and an address, unless they are given. --with also does what "prober setup actions
    --write" or "prober setup systemd --write" would do next; if any of it cannot be done, nothing is written.

    Examples:
      prober init
      prober init watch --url https://acme.example/health --email ops@acme.example
      prober init --with actions
      sudo prober init /etc/prober --with systemd
    """
    from prober.app.starter import starter_text
    from prober.cli.parts import prepare_part, read_parts
    from prober.cli.setup import put

    settings = globals_of(context)
    path, names = folder / "probes.toml", read_parts(parts or ())
    if os.path.lexists(path) and not force:  # Path.exists raises where a folder cannot be searched
        raise _exists(path)
    text = starter_text(*_wishes(url, email, may_ask=is_terminal(sys.stdin) and not defaults))
    real = _real(folder) / path.name
    ready = [prepare_part(name, real, text, may_replace=force) for name in names]
    _write(path, text, may_replace=force, is_for_service="systemd" in names or _is_the_systems(real))
    named = "" if folder == Path() else f" -c {path}"
    settings.say(f"wrote {path}. Try it: prober{named} check")
    if _may_be_committed(real.parent):
        settings.say(f"The store will lie beside it. Keep it out of git: echo 'prober.db*' >> {folder / '.gitignore'}")
    for part in ready:
        put(settings, part.files, what=part.what)
    for part in ready:
        settings.say(part.next_step)


def _wishes(url: list[str] | None, email: str | None, *, may_ask: bool) -> tuple[list[str], str | None]:
    """Return the URLs and the address that are given, or else those that a person answers."""
    urls = [url_of(each) for each in url or () if each]
    address = mail_address_of(email) if email else None
    if may_ask and url is None:
        urls = list(filter(None, [_answer("URL to watch (empty: an example)", url_of)]))
    if may_ask and email is None:
        address = _answer("Address that gets the alerts (empty: none yet)", mail_address_of) or None
    return urls, address


def _may_be_committed(folder: Path) -> bool:
    """Say whether a folder is in a git repository and does not ignore the store yet, as far as its own file says."""
    try:
        if "prober.db" in (folder / ".gitignore").read_text(errors="replace"):
            return False
    except OSError:
        pass
    return any(os.path.lexists(each / ".git") for each in (folder, *folder.parents))


def _answer(question: str, read: Callable[[str], str]) -> str:
    """Ask until the answer can be read; none is an answer too."""

    def judged(text: str) -> str:
        try:
            return text and read(text)
        except UsageError as error:
            raise typer.BadParameter(str(error)) from error

    return str(typer.prompt(question, default="", show_default=False, value_proc=judged, err=True))


def _is_the_systems(config: Path) -> bool:
    from prober.adapters.config.find import SYSTEM_FILE

    return config.parent == SYSTEM_FILE.parent


def _write(path: Path, text: str, *, may_replace: bool, is_for_service: bool) -> None:
    """Write it; what is for the service, which is another user, is for all to read, and holds no secret."""
    from prober.app.placing import make_folder

    try:
        if is_for_service:
            make_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if may_replace else "x", encoding="utf-8") as file:
            file.write(text)
        if is_for_service:
            path.chmod(0o644)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise _exists(path) from error
        raise _unwritable(path, error) from error


def _real(folder: Path) -> Path:
    """Return where a folder is, without the links that may lead there, of which some lead nowhere."""
    try:
        return Path(os.path.realpath(folder))
    except OSError as error:  # the current folder does not exist any more
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{error.filename or path}: {error.strerror}. Name a folder that you may write to.")


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists. Edit it, or replace it with --force.")
