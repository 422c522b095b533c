"""The file as text and as parsed data. Syntax errors come alone: after the first one nothing can be trusted."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, NoReturn

from prober.adapters.config.files import UnreadableError, read_regular
from prober.adapters.config.positions import STRING, Path, locate
from prober.adapters.config.problems import InvalidConfig, Lines, Problem, printable
from prober.adapters.config.redaction import redact_broken

MOST_BYTES: Final = 32 * 2**20
MOST_LEVELS: Final = 64

_UTF_16 = re.compile(rb"\xff\xfe|\xfe\xff|(?:[^\0]\0){2}|(?:\0[^\0]){2}")
_BRACKET = re.compile(rf"{STRING.pattern}|#[^\n]*|([\[{{])|([\]}}])", re.DOTALL)
_WHERE = re.compile(r"(.*) \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)", re.DOTALL)
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice", re.DOTALL)
_DEEP_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){1000}""", re.ASCII)
_LONG_NUMBER = re.compile(r"[0-9_]{4301}")
_OVERWRITE = "Cannot overwrite a value"
_PLAIN: Final = {
    "Invalid value": "this is not a value of TOML (texts need quotes)",
    "Invalid statement": "this is neither a key nor a [table]",
    "Expected '=' after a key in a key/value pair": 'a key needs "=" and a value behind it',
    "Expected newline or end of document after a statement": "something stands behind the value",
    "Unclosed array": 'this list lacks a "," or its "]"',
    "Unclosed inline table": 'this table lacks a "," or its "}"',
    "Unterminated string": "the closing quotes are missing",
    "Illegal character '\\n'": "the closing quotes are missing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A configuration file: its name as people see it, its text with LF line ends, and its data."""

    path: FilePath
    file: str
    text: str
    data: dict[str, Any]


def read_source(path: FilePath) -> Source:
    """Read and parse a file. Raises `InvalidConfig`."""
    file = _file_name(path)
    try:
        content = read_regular(path, limit=MOST_BYTES)
    except UnreadableError as error:
        advice = ' ("prober init" writes one)' if "no such file" in str(error) else ""
        raise InvalidConfig((Problem(file=file, message=f"{error}{advice}"),)) from None
    text = _decoded(content, file)
    return Source(path=FilePath(path).absolute(), file=file, text=text, data=_parsed(text, file))


def _file_name(path: FilePath) -> str:
    try:
        shown = path.absolute().relative_to(FilePath.cwd())
    except (OSError, ValueError):
        shown = path
    return printable(str(shown))


def _decoded(content: bytes, file: str) -> str:
    if _UTF_16.match(content):
        raise InvalidConfig((Problem(file=file, message="the file is UTF-16, it must be UTF-8"),))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace").replace("\r\n", "\n")
        after = content[error.start :].decode(errors="replace").partition("\n")[0]
        _fail(file, before + after, len(before), "this is not UTF-8")


def _parsed(text: str, file: str) -> dict[str, Any]:
    if long_key := _DEEP_KEY.search(text):
        _fail(file, text, long_key.start(), "this key has too many parts")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, offset = _explained(str(error), text)
        _fail(file, text, offset, message)
    except RecursionError:
        data = None
    except ValueError:
        number = _LONG_NUMBER.search(text)
        _fail(file, text, number.start() if number else 0, "this number has too many digits")
    deep = () if data is None else _deep_path(data)
    if data is None or deep is not None:
        _fail(file, text, _deep_offset(text, deep), f"lists and tables are nested more than {MOST_LEVELS} deep")
    return data


def _deep_path(data: dict[str, Any]) -> Path | None:
    level: list[tuple[Path, Any]] = [((), data)]
    for _ in range(MOST_LEVELS):
        level = [
            ((*path, name), each)
            for path, node in level
            for name, each in (node.items() if isinstance(node, dict) else enumerate(node))
            if isinstance(each, dict | list)
        ]
    return level[0][0] if level else None


def _deep_offset(text: str, path: Path | None) -> int:
    """Return where the brackets or, if these are few, the keys are too many."""
    depth = 0
    for token in _BRACKET.finditer(text):
        depth += bool(token[1]) - bool(token[2])
        if depth >= MOST_LEVELS:
            return token.start()
    return locate(text)[path or ()].key[0]


def _explained(error: str, text: str) -> tuple[str, int]:
    """Return what tomllib means in our words, and the offset it means."""
    found = _WHERE.fullmatch(error)
    if found is None:
        return error, 0
    message, offset = found[1], len(text.rstrip("\n"))
    if found[2]:
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: int(found[2]) - 1]) + int(found[3]) - 1
    if twice := _TWICE.fullmatch(message):
        return f"[{'.'.join(ast.literal_eval(twice[1]))}] is given twice", _line_start(text, offset)
    if message == _OVERWRITE:
        return "this key is given twice", _line_start(text, offset)
    return _PLAIN.get(message, message), offset


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _fail(file: str, text: str, offset: int, message: str) -> NoReturn:
    excerpt = Lines(redact_broken(text)).excerpt(offset, offset + 1)
    raise InvalidConfig((Problem(file=file, message=printable(message), excerpt=excerpt),)) from None
