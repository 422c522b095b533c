"""What ended our work, where many tasks were at it."""

from __future__ import annotations

from prober.errors import ProberError


def first_of_ours(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error that says what to do, so that people see it and not the group that carried it."""
    ours = group.subgroup(ProberError)
    found: BaseException = group if ours is None else ours.exceptions[0]
    while ours is not None and isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
