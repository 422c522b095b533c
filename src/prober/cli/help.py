"""Commands whose help starts with what stands under ``Examples:`` at the end of a docstring, and that start fast."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from prober.cli.plain import read_plainly

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

_TYPE = re.compile(r" <(?:list\[str\]|str|int|int range|path)>")


class _ExamplesFirst:
    """The order of a help text, and how parameters are read, for commands and groups alike."""

    help: str | None

    def get_params(self, ctx: Context) -> list[Any]:
        """Return what the command takes."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        read_plainly(params)
        return params

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the examples, then how the command is called."""
        examples = (self.help or "").partition("Examples:\n")[2].rstrip()
        formatter.write(f"Examples:\n{examples}\n\n")
        super().format_usage(ctx, formatter)  # type: ignore[misc]

    def format_help_text(self, _ctx: Context, formatter: HelpFormatter) -> None:
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text((self.help or "").partition("Examples:")[0].strip())

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and options, without the names of Python's types, and the commands of a group."""
        for title in ("Argument", "Option"):
            params = [each for each in self.get_params(ctx) if each.param_type_name == title.lower()]
            records = [record for each in params if (record := each.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(f"{title}s"):
                    formatter.write_dl([(_TYPE.sub("", name), text) for name, text in records])
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)


class Command(_ExamplesFirst, TyperCommand):
    """A command whose help starts with examples."""


class Group(_ExamplesFirst, TyperGroup):
    """A group of commands whose help starts with examples."""
