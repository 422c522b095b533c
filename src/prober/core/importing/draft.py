"""A probe table while it is filled: its keys, what is worth knowing about them, and the variables they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from prober.core.importing.secrets import Secret
from prober.core.importing.spelling import literal

if TYPE_CHECKING:
    from prober.core.importing.secrets import Vault

Keys: TypeAlias = "dict[tuple[str, ...], Any]"
"""Values by their path below the table, as the file writes them: ``$$`` is a dollar, ``${NAME}`` a variable."""


class Judge(Protocol):
    """What our file accepts."""

    def __call__(self, key: str, value: object, *, is_name: bool = False) -> str | None:
        """Say why a key of a probe, or ``alert.to``, cannot hold a value (or, being a table, a name); None: it can."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """One table being filled. ``id`` is the probe's."""

    id: str
    vault: Vault
    judge: Judge
    keys: Keys = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)

    def put(self, *path: str, value: object) -> None:
        """Set a key to a value that holds no placeholder."""
        self.keys[path] = literal(value)

    def secret(self, suffix: str, what: str) -> str:
        """Return the placeholder of a new variable."""
        name = self.vault.name(self.id, suffix)
        self.secrets.append(Secret(name=name, what=what))
        return f"${{{name}}}"

    def guarded(self, text: str, suffix: str, what: str) -> str:
        """Return a text as the file writes it, and a placeholder for one that looks like a secret."""
        return self.secret(suffix, what) if self.vault.guards(text) else str(literal(text))
