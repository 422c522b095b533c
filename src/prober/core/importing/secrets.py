"""Which texts must not stand in a file, and what the variables that take their place are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_KNOWN: Final = 6
_RESERVED: Final = ("PROBER_", "SMTP_", "UPTIMEROBOT_", "GITHUB_", "RUNNER_", "ACTIONS_")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_TELLING: Final = frozenset(
    (
        *("token", "secret", "password", "passwd", "passphrase", "pass", "pwd", "pw", "key", "apikey", "accesskey"),
        *("auth", "oauth", "authorization", "authorisation", "sig", "signature", "hmac", "jwt", "session", "sessionid"),
        *("sid", "bearer", "credential", "credentials", "access", "code", "otp", "pin"),
    )
)
_ENDINGS: Final = ("token", "secret", "password", "passwd", "apikey")
_RANDOM = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[A-Za-z0-9_+/=-]{20,}", re.ASCII)
_SHAPES = re.compile(
    r"[0-9a-fA-F]{32,}|eyJ[\w-]+\.[\w.-]*|(?:sk|pk|rk)_(?:live|test)_\w+|gh[a-z]_\w{16,}|github_pat_\w+|glpat-[\w-]+"
    r"|xox[a-z]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|(?:u|ur|m)[0-9]{4,}-[0-9a-f]{16,}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A variable that somebody has to set, and what belongs into it."""

    name: str
    what: str


class Vault:
    """Hands out names of variables that nothing else uses. ``known`` are values that are secret wherever they stand."""

    def __init__(self, *, taken: Iterable[str] = (), known: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._known = tuple(each for each in known if len(each) >= _SHORTEST_KNOWN)

    def name(self, *parts: str) -> str:
        """Return a new name, such as ``API_PASSWORD``."""
        name = re.sub("[^A-Z0-9]+", "_", "_".join(parts).upper()).strip("_")
        if name[0].isdecimal() or name.startswith(_RESERVED):
            name = f"PROBE_{name}"
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free

    def copy(self) -> Vault:
        """Return one that hands out the same names again."""
        return Vault(taken=self._taken, known=self._known)

    def take(self, names: Iterable[str]) -> None:
        """Hand out none of these any more."""
        self._taken.update(names)

    def guards(self, text: str) -> bool:
        """Say whether a text is a secret, or looks like one."""
        return any(each in text for each in self._known) or bool(_RANDOM.fullmatch(text) or _SHAPES.fullmatch(text))


def tells_of_a_secret(name: str) -> bool:
    """Say whether what goes by a name, as of a parameter, is likely to be secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _TELLING.isdisjoint(words) or any(word.endswith(_ENDINGS) for word in words)
