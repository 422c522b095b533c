"""``${NAME}``, ``${NAME:-default}`` and ``$$`` in the strings of the file, and which values thereby are secrets."""

from __future__ import annotations

import re
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from prober.adapters.config.files import UnreadableError, read_regular
from prober.adapters.config.kinds import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Origin: TypeAlias = Literal["environment", "credentials", "default"]

SECRET_CHARS: Final = 6

_PLACEHOLDER = re.compile(r"\$(?:\$|\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?)")
_WHERE_TO_SET = "put it into the environment, or into a file of that name in $CREDENTIALS_DIRECTORY"
_CREDENTIAL_BYTES = 2**20


class Variables:
    """Resolve placeholders, and remember which values must never be shown."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.secrets: set[str] = set()
        self._environ = environ
        self._values: dict[str, str] = {}

    def add_secret(self, text: str) -> None:
        """Remember a value as a secret, if it is long enough for its masking not to garble everything else."""
        self.secrets.update(form for form in (text, text.strip()) if len(form) >= SECRET_CHARS)

    def expand(self, value: Any, *, is_secret: bool) -> Any:  # noqa: ANN401 - whatever TOML holds
        """Return a value with the placeholders in all its strings replaced. Raises `Invalid`."""
        if isinstance(value, str):
            return self._expand_text(value, is_secret=is_secret) if "$" in value else value
        if isinstance(value, list):
            return [self.expand(each, is_secret=is_secret) for each in value]
        if isinstance(value, dict):
            return {key: self.expand(each, is_secret=is_secret) for key, each in value.items()}
        return value

    def origin(self, name: str) -> Origin | None:
        """Return where a variable is set, or None."""
        if self._environ.get(name):
            return "environment"
        try:
            return "credentials" if self._credential(name) else None
        except Invalid:
            return None

    def _expand_text(self, text: str, *, is_secret: bool) -> str:
        def replacement(found: re.Match[str]) -> str:
            name, default = found[1], found[2]
            if found[0] == "$$":
                return "$"
            if name is None:
                raise Invalid('"${" begins no placeholder here (write "${NAME}", "${NAME:-default}" or "$${")')
            value = self._value(name)
            if not value and default is None:
                raise Invalid(f"{name} is not set", advice=_WHERE_TO_SET)
            value = value or _checked(f"the default of {name}", default.replace("$$", "$"))
            if is_secret:
                self.add_secret(value)
            return value

        return _PLACEHOLDER.sub(replacement, text)

    def _value(self, name: str) -> str:
        if name not in self._values:
            value = self._environ.get(name) or self._credential(name)
            self._values[name] = _checked(f"the value of {name}", value)
        return self._values[name]

    def _credential(self, name: str) -> str:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            return ""
        # systemd calls what it loads from a whole folder prober_NAME (LoadCredential=prober:FOLDER).
        paths = (Path(folder, name), Path(folder, f"prober_{name}"))
        path = next((each for each in paths if exists(each)), None)  # noqa: PTH110 - never raises
        if path is None:
            return ""
        try:
            content = read_regular(path, limit=_CREDENTIAL_BYTES).decode()
        except UnreadableError as error:
            raise Invalid(f"{name} cannot be read from $CREDENTIALS_DIRECTORY: {error}") from None
        except UnicodeDecodeError:
            raise Invalid(f"the value of {name} is not UTF-8") from None
        return content.removesuffix("\n").removesuffix("\r")


def placeholders(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the variables that a text asks for, and whether it has a default for them."""
    return ((found[1], found[2] is not None) for found in _PLACEHOLDER.finditer(text) if found[1])


def _checked(what: str, value: str) -> str:
    if any(char in value for char in "\r\n\0"):
        raise Invalid(f"{what} holds a line break or NUL (it may not)")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise Invalid(f"{what} is not UTF-8")
    return value
