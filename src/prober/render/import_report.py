"""What ``prober import`` says: what came over, what did not and why, what to set and what to do next."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from prober.core.text import clean, cut
from prober.render.columns import Colour, Paint, plain
from prober.render.inventory import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prober.core.importing.plan import Plan
    from prober.core.importing.probe import Skipped

_WIDTH: Final = 80
_NAME_CHARS: Final = 60
_SHOWN_IDS: Final = 8


def report(plan: Plan, *, target: str | None, is_written: bool, paint: Paint = plain) -> str:
    """Return what an import came to, 80 columns wide.

    ``target`` is the file it goes into, None: it is printed; ``is_written`` says whether it went.
    """
    sections: tuple[tuple[str, Colour, Iterable[str]], ...] = (
        ("left out", "yellow", _about(_by_reason(plan.known))),
        ("not carried over", "yellow", _about(_by_reason(plan.skipped))),
        ("to know", "bold", _about((note.what, _ids(plan, note.ids)) for note in plan.all_notes)),
        ("secrets to set, in the environment or as files in $CREDENTIALS_DIRECTORY", "bold", _secrets(plan)),
    )
    lines = [_headline(plan, target, is_written=is_written, paint=paint)]
    for title, colour, entries in sections:
        if found := list(entries):
            lines += ["", f"  {paint(title, colour)}", *found]
    return "".join(f"{line}\n" for line in (*lines, *_next(plan, target, is_written=is_written)))


def shape(plan: Plan, *, target: str | None, text: str | None) -> str:
    """Return what ``import --json`` prints. ``target`` is the file that was written, ``text`` what would have been."""
    notes = [{"id": each, "what": clean(note.what)} for note in plan.all_notes for each in (note.ids or (None,))]
    shown = {
        "schema": 1,
        "file": target,
        "imported": [probe.id for probe in plan.probes],
        "skipped": [{"name": clean(each.name), "why": clean(each.why)} for each in (*plan.skipped, *plan.known)],
        "secrets": [each.name for each in plan.secrets],
        "notes": notes,
        "text": text,
    }
    return json.dumps(shown, indent=2) + "\n"


def _headline(plan: Plan, target: str | None, *, is_written: bool, paint: Paint) -> str:
    if not plan.probes:
        return f"  nothing to import{'' if target is None else f' into {clean(target)}'}"
    count = paint(counted(len(plan.probes), "probe"), "green")
    if target is None:
        return f"  {count} printed, not written to a file"
    verb = "imported" if is_written else "would be imported"
    return f"  {count} {verb} into {clean(target)}"


def _by_reason(skipped: Iterable[Skipped]) -> Iterator[tuple[str, str]]:
    names: dict[str, list[str]] = {}
    for each in skipped:
        names.setdefault(each.why, []).append(cut(clean(each.name), _NAME_CHARS))
    for why, those in names.items():
        yield why, ", ".join(those)


def _ids(plan: Plan, ids: Sequence[str]) -> str:
    if len(ids) > 1 and len(ids) == len(plan.probes):
        return f"all {len(ids)} probes"
    rest = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + rest


def _about(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield sentences, and below each whom it is about."""
    for what, whom in entries:
        yield from _wrapped(what, 4)
        yield from _wrapped(whom, 6)


def _secrets(plan: Plan) -> Iterator[str]:
    cells = max((len(each.name) for each in plan.secrets), default=0)
    for each in plan.secrets:
        indent = 4 + cells + 2 if cells < _WIDTH // 2 else 6
        what = list(_wrapped(each.what, indent))
        if indent > cells:
            yield f"    {each.name:<{cells}}  {what.pop(0).strip()}"
        else:
            yield f"    {each.name}"
        yield from what


def _wrapped(text: str, indent: int) -> Iterator[str]:
    for line in wrap(clean(text), _WIDTH - indent, break_long_words=False, break_on_hyphens=False):
        yield " " * indent + line


def _next(plan: Plan, target: str | None, *, is_written: bool) -> Iterator[str]:
    if not plan.probes:
        return
    yield ""
    if target is not None and not is_written:
        yield "  Nothing was written."
        return
    save = "save it as probes.toml, " if target is None else ""
    then = f"{save}set these, then " if plan.secrets else f"{save}then " if save else ""
    file = "" if target in {None, "probes.toml"} else f" -c {clean(target)}"
    yield f"  Next: {then}prober{file} check"
