"""What ``prober import`` writes: a whole new file, or what goes behind the end of one that stands."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prober.core.importing.spelling import literal
from prober.core.text import clean, cut
from prober.core.toml import toml_key, toml_text
from prober.render.blocks import CONNECTIVITY, HEAD, NO_EMAIL, defaults_table, email_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prober.core.importing.draft import Keys
    from prober.core.importing.plan import Plan
    from prober.core.importing.probe import Carried, Skipped

_ORDER: Final = (
    *("url", "name", "uptimerobot_id", "tags", "severity", "runbook", "dashboard", "enabled", "method", "headers"),
    *("auth", "body", "redirects", "interval", "timeout", "failures", "recheck", "slow", "expect"),
)
_COMMENT_CHARS: Final = 300
_STANDBY: Final = """
# Keep UptimeRobot, and stand behind it: quiet while it is watching, speaking as soon as it is not.
# Set {name} to its read-only key and take these lines in (docs/uptimerobot.md):
# [standby]
# behind  = "uptimerobot"
# api_key = "${{{name}}}"
"""


def new_text(plan: Plan, *, key_name: str, url: str | None) -> str:
    """Return a whole file. ``key_name`` is the variable with the key, ``url`` the API's address if it is another."""
    interval, timeout = _commonest(plan.probes)
    common: Keys = {("interval",): interval, ("timeout",): timeout}
    alert = email_table(literal(list(plan.channel.to)), plan.channel.remind) if plan.channel else NO_EMAIL
    parts = (
        *(HEAD, "# Imported from UptimeRobot; what has no place here stands at the end.\n", _secrets(plan)),
        defaults_table(interval, timeout),
        *(_probe(each, common) for each in plan.probes),
        *_windows(plan),
        *(CONNECTIVITY, alert, _standby(key_name, url), _not_carried(plan.skipped)),
    )
    return "".join(parts)


def added_text(plan: Plan, before: str, *, key_name: str, url: str | None) -> str:
    """Return what goes behind the end of a file that holds ``before``, in its line ends."""
    has_standby = "[standby]" in before
    skipped = [each for each in plan.skipped if _skipped(each).strip() not in before]
    text = "".join(
        (
            "" if before.endswith("\n") or not before else "\n",
            *("\n# Added from UptimeRobot.\n", _secrets(plan)),
            *(_probe(each, {}) for each in plan.probes),
            *_windows(plan),
            email_table(literal(list(plan.channel.to)), plan.channel.remind) if plan.channel else "",
            "" if has_standby else _standby(key_name, url),
            _not_carried(skipped),
        )
    )
    return text.replace("\n", "\r\n") if "\r\n" in before else text


def _commonest(probes: Sequence[Carried]) -> tuple[str, str]:
    counted = Counter((each.keys["interval",], each.keys["timeout",]) for each in probes)
    return counted.most_common(1)[0][0]


def _comment(text: str) -> str:
    """Return a comment in which nothing acts: no line break, and no placeholder."""
    return cut(f"# {literal(clean(text))}", _COMMENT_CHARS) + "\n"


def _secrets(plan: Plan) -> str:
    if not plan.secrets:
        return ""
    cells = max(len(each.name) for each in plan.secrets)
    lines = (_comment(f"  {each.name:<{cells}}  {each.what}") for each in plan.secrets)
    where = "# To set first, in the environment or as files of these names in $CREDENTIALS_DIRECTORY:\n"
    return f"#\n{where}{''.join(lines)}"


def _probe(probe: Carried, common: Keys) -> str:
    notes = "".join(map(_comment, probe.notes))
    keys = {path: value for path, value in probe.keys.items() if common.get(path) != value}
    return f"\n[probe.{probe.id}]\n{notes}{''.join(_lines(keys))}"


def _lines(keys: Keys) -> Iterator[str]:
    for path, value in sorted(keys.items(), key=lambda each: _ORDER.index(each[0][0])):
        yield f"{toml_key(*path)} = {toml_text(value)}\n"


def _windows(plan: Plan) -> Iterator[str]:
    doubt = _comment(plan.window_doubt) if plan.window_doubt else ""
    for window in plan.windows:
        yield f"\n{doubt if ('timezone',) in window else ''}[[maintenance]]\n"
        yield "".join(f"{toml_key(*path)} = {_wrapped(value)}\n" for path, value in window.items())


def _wrapped(value: Any) -> str:  # noqa: ANN401 - whatever TOML holds
    """Return a value, a time in the short spelling, a long list with each of its members on a line of its own."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    text = toml_text(value)
    if isinstance(value, list) and len(text) > 80:  # noqa: PLR2004
        return "".join(("[\n", *(f"  {toml_text(each)},\n" for each in value), "]"))
    return text


def _standby(key_name: str, url: str | None) -> str:
    where = f"# url     = {toml_text(literal(url))}\n" if url else ""
    return _STANDBY.format(name=key_name) + where


def _not_carried(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    return "\n# Not carried over from UptimeRobot:\n" + "".join(map(_skipped, skipped))


def _skipped(each: Skipped) -> str:
    return _comment(f"  {cut(each.name, 100)}: {each.why}")
