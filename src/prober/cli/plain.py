"""Texts and words read without pydantic, which typer would load for each of them.

That takes 60 ms, a fifth of a short run. A typer that no longer knows the attribute that is set here reads these values
its own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typer._click import Context


class PlainValue:
    """Take a text as it is, or as the one choice that it names."""

    def __init__(self, choices: tuple[Any, ...] | None) -> None:
        self._choices = choices

    def coerce(self, value: Any, param: Any, ctx: Context) -> Any:  # noqa: ANN401 - typer's signature
        """Return the value. Raises typer.BadParameter for what is none of the choices."""
        if value is None or self._choices is None:
            return value
        if value in self._choices:
            return self._choices[self._choices.index(value)]
        known = ", ".join(repr(str(choice)) for choice in self._choices)
        raise typer.BadParameter(f"{value!r} is not one of {known}.", ctx=ctx, param=param)


def read_plainly(params: Iterable[Any]) -> None:
    """Let those parameters of a command that hold texts, choices or flags be read so."""
    for param in params:
        descriptor = param.type_descriptor
        if descriptor.is_choice or descriptor.annotation in {bool, str, list[str]}:
            param._runtime_param = PlainValue(descriptor.choices)  # noqa: SLF001
