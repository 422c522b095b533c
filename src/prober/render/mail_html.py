"""The HTML part of an alert: the same letter, one column, every value escaped, and small enough never to be clipped."""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from prober.core.text import cut
from prober.render.texts import with_texts

if TYPE_CHECKING:
    from jinja2 import Template

    from prober.render.letter import Letter

LIMIT_BYTES: Final = 20_000
_ROOM: Final = ((30, 2000), (30, 120), (10, 60), (3, 30))  # members shown and characters of a text: ever less


def html(letter: Letter) -> str:
    """Return the HTML part, under 20 kB: what is too long is cut, as the text part has it all."""
    pages = (
        _template().render(letter=with_texts(letter, partial(cut, n=characters)), members_shown=members_shown)
        for members_shown, characters in _ROOM
    )
    return next(page for page in pages if len(page.encode()) < LIMIT_BYTES)


@cache
def _template() -> Template:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - 58 ms that only mail needs

    def source(name: str) -> str:
        return files("prober.render").joinpath("templates", name).read_text("utf-8")

    environment = Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("alert.html.j2")
