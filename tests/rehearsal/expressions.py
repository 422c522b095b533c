"""Expressions of GitHub Actions, as far as our workflows use them.

``&&`` and ``||`` return one of their sides, ``==`` ignores case, what is not there is null, and null is empty as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Contexts: TypeAlias = Mapping[str, Any]
Functions: TypeAlias = Mapping[str, Callable[[], bool]]

STATUS_FUNCTIONS: Final = ("success", "failure", "always", "cancelled")
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|'(?P<text>(?:[^']|'')*)'|(?P<sign>&&|\|\||[=!]=|[!()]))"
)
_WORDS: Final = {"true": True, "false": False, "null": None}


def filled(text: str, contexts: Contexts) -> str:
    """Return a text with every ``${{ }}`` in it replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: as_text(evaluate(found[1], contexts)), text)


def is_met(condition: str, contexts: Contexts, functions: Functions) -> bool:
    """Return what an ``if:`` comes to; one that names no status holds only while all went well."""
    inner = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", condition)
    expression = inner[1] if inner else condition
    if not re.search(rf"\b(?:{'|'.join(STATUS_FUNCTIONS)})\s*\(", expression):
        expression = f"success() && ({expression})"
    return bool(evaluate(expression, contexts, functions))


def evaluate(expression: str, contexts: Contexts, functions: Functions | None = None) -> Any:
    """Return the value of an expression. Raises ValueError for anything that our workflows have no need of."""
    return _Expression(expression, contexts, functions or {}).value()


def as_text(value: Any) -> str:
    """Return a value as it stands in a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Expression:
    def __init__(self, expression: str, contexts: Contexts, functions: Functions) -> None:
        self._tokens = list(_tokens(expression))[::-1]
        self._contexts = contexts
        self._functions = functions

    def value(self) -> Any:
        value = self._either()
        if self._tokens:
            raise ValueError(f"what is {self._tokens[-1]} doing here?")
        return value

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = value and other
        return value

    def _equal(self) -> Any:
        value = self._single()
        for sign in ("==", "!="):
            if self._take(sign):
                return (as_text(value).lower() == as_text(self._single()).lower()) is (sign == "==")
        return value

    def _single(self) -> Any:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            value = self._either()
            self._require(")")
            return value
        kind, word = self._tokens.pop() if self._tokens else ("sign", "end")
        if kind == "text":
            return word
        if kind == "sign":
            raise ValueError(f"{word} was not expected")
        if self._take("("):
            self._require(")")
            return self._functions[word]()
        return _WORDS[word] if word in _WORDS else self._looked_up(word)

    def _looked_up(self, path: str) -> Any:
        head, *names = path.split(".")
        value: Any = self._contexts[head]
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[-1] == ("sign", sign):
            self._tokens.pop()
            return True
        return False

    def _require(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"{sign} is missing")


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    expression = expression.rstrip()
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"not understood: {expression[at:]}")
        tokens.append((found.lastgroup, found[found.lastgroup].replace("''", "'")))
        at = found.end()
    return tokens
