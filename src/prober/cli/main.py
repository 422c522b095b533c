"""Assemble the command line, and turn what stops us into a message and an exit code."""

from __future__ import annotations

import errno
import re
import sys
from itertools import pairwise, takewhile
from traceback import extract_tb
from typing import Annotated, get_args

import typer

from prober import __version__
from prober.cli import (
    actions,
    alerts,
    check,
    compare,
    config,
    db,
    demo,
    doctor,
    import_,
    incidents,
    init,
    output,
    run,
    serve,
    setup,
    standby,
    status,
    test_alert,
)
from prober.cli.context import Color, Globals, LogFormat
from prober.cli.help import Group
from prober.errors import ProberError, StoreError, UsageError

VALUED = {"-c", "--config", "--db", "--color", "--log-format"}
WHOLE = re.compile(r"-[qv]+|--quiet|--verbose|--version|-c.+|(--config|--db|--color|--log-format)=.*", re.DOTALL)
INTERRUPTED = 130

app = typer.Typer(
    name="prober",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(asked: bool) -> None:
    if asked:
        output.show(f"prober {__version__}\n", is_coloured=False)
        raise typer.Exit


@app.callback()
def prober(
    context: typer.Context,
    config: Annotated[
        str | None, typer.Option("-c", "--config", help="The configuration, if not ./probes.toml.", metavar="FILE")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", help="The store, if not prober.db beside it.", metavar="FILE")
    ] = None,
    color: Annotated[Color, typer.Option("--color", help="When to colour the output.")] = "auto",
    is_quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No notes; and run prints nothing while all is well.")
    ] = False,
    is_verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say which files are used, and where a check's time went.")
    ] = False,
    log_format: Annotated[
        LogFormat | None, typer.Option("--log-format", help="Log lines on stderr as text or json.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch URLs, decide what is broken, remember it, and tell people.

    These options may stand anywhere on the line.

    Examples:
      prober demo                          see it work, in ten seconds
      prober check https://acme.example    check a URL once
      prober init                          write a probes.toml
      prober run                           one round, as cron calls it
    """
    context.obj = Globals(
        config=config, db=db, color=color, is_quiet=is_quiet, is_verbose=is_verbose, log_format=log_format
    )


for module in (demo, init, check, run, serve, status, standby, compare, test_alert, doctor):
    module.add_to(app)
for group in (incidents, alerts, import_, actions, config, db, setup):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line and exit."""
    output.prepare()
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    settings = Globals(log_format=_log_format(arguments))
    try:
        return app(args=hoisted(arguments), prog_name="prober", standalone_mode=False) or 0
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _misused(error, settings)
    except Exception as error:  # noqa: BLE001 - this is the one place where everything ends
        return _stopped(_first(error), settings)


def _misused(error: typer.TyperException, settings: Globals) -> int:
    """Say what is wrong with the line. A group without a command answers with its help."""
    message = _with_nearest(error.format_message().replace("Value error, ", ""), error)
    is_help = message.startswith("Examples:")
    if is_help and settings.log_format is None:
        output.tell(message)
    else:
        context: typer.Context | None = getattr(error, "ctx", None)
        said = "Missing command." if is_help else message
        settings.fail(f"{said}\nSee: {context.command_path if context else 'prober'} --help")
    return error.exit_code


def _with_nearest(message: str, error: typer.TyperException) -> str:
    """Name the nearest of several options that a wrong one may have meant."""
    from difflib import get_close_matches

    near = get_close_matches(getattr(error, "option_name", ""), getattr(error, "possibilities", None) or (), n=1)
    return f"{message.partition(' (Possible')[0]}. Did you mean {near[0]}?" if near else message


def _stopped(error: BaseException, settings: Globals) -> int:
    if isinstance(error, ProberError):
        settings.fail(error)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
        settings.fail("too many open files: raise the limit (ulimit -n, LimitNOFILE=), or close what is open.")
        return StoreError.exit_code
    # The place says enough to find the fault; the error's own words may hold a secret.
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in extract_tb(error.__traceback__)[-5:]]
    settings.fail("\n".join((f"this is a fault of prober ({type(error).__name__}). Please report it:", *places)))
    return ProberError.exit_code


def _first(error: BaseException) -> BaseException:
    """Return the error that a task group wraps; of several, the one that we can explain."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(ProberError) or error).exceptions[0]
    return error


def _log_format(arguments: list[str]) -> LogFormat | None:
    """Return which log lines a command line asks for, also one that is refused."""
    asked: str | None = None
    for option, following in pairwise([*takewhile(lambda each: each != "--", arguments), ""]):
        name, _, value = option.partition("=")
        if name == "--log-format":
            asked = value or following
    return next((each for each in get_args(LogFormat) if each == asked), None)


def hoisted(arguments: list[str]) -> list[str]:
    """Return the arguments with the global options first, so that they may stand anywhere on the line."""
    front: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument in VALUED:
            value = next(left, None)
            if value is None:
                raise UsageError(f"{argument} needs a value. See: prober --help")
            front += [argument, value]
        elif WHOLE.fullmatch(argument):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest
