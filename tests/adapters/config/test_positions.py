"""The locator against the parser: for any valid text both must see the same keys and values."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.config import toml_text
from prober.adapters.config.positions import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)
SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), KEYS, st.dates(), st.sampled_from(list("\"'#]}\\"))
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4)

TRICKY = r'''
top = 1 # [no] "header"
"quoted key" . 'other' = """
[not.a.header]
a "" quote \""" x = 1 """" # end
literal = """"""
multi = QQQ' it's 'QQQ
s = 'C:\path' # 'x'
dates = [ 1979-05-27 07:32:00Z , 07:32:00,
  # "comment" ]
  1979-05-27, ]
empty = []
inline = { a.b = 1 , c = { }, "d" = [ { e = "}" }, 'x' ] }
[ a . "b.c" ]
x.y = -inf
x.z = 0xFF
[[list]]
n = 1
[[list]]
n = 2
[list.sub]
m = "é"
[[list.deep]]
k = true
[a]
late = 1_000'''.replace("QQQ", "'" * 3)


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in children:
        yield (*path, name), value
        yield from leaves(value, (*path, name))


def test_each_table_of_a_list_stands_where_it_opens() -> None:
    text = "[[list]]\nn = 1\n[[list]]\n[[ list . deep ]]\n[[list.deep]]"
    starts = {path: place.key[0] for path, place in locate(text).items() if isinstance(path[-1], int)}
    assert starts == {
        ("list", 0): 2,
        ("list", 1): text.index("[[list]]", 3) + 2,
        ("list", 1, "deep", 0): text.index("deep ]]"),
        ("list", 1, "deep", 1): text.rindex("deep"),
    }


def check(text: str) -> None:
    places = locate(text)
    found = dict(leaves(tomllib.loads(text)))
    assert places.keys() == found.keys()
    for path, value in found.items():
        key, written = (text[slice(*span)] for span in (places[path].key, places[path].value))
        if isinstance(path[-1], str):
            assert tomllib.loads(f"{key} = 0") == {path[-1]: 0}
        if not isinstance(value, dict | list):
            assert tomllib.loads(f"x = {written}") == {"x": value}
        assert text[places[path].value[0] :].startswith(written)


def test_every_key_and_value_of_a_tricky_file_is_found() -> None:
    check(TRICKY)


@given(TABLES)
def test_every_key_and_value_of_any_file_is_found(tables: dict[str, dict[str, Any]]) -> None:
    lines = []
    for name, table in tables.items():
        lines += [f"[{toml_text(name)}]", *(f"{toml_text(key)} = {toml_text(value)}" for key, value in table.items())]
    check("\n".join(lines))


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("top",), "top", "1"),
        (("quoted key", "other"), "'other'", None),
        (("dates", 1), "07:32:00", "07:32:00"),
        (("inline", "d", 0, "e"), "e", '"}"'),
        (("a", "b.c"), '"b.c"', '"b.c"'),
        (("list", 1, "n"), "n", "2"),
        (("list", 1, "deep", 0, "k"), "k", "true"),
    ],
)
def test_a_place_spans_the_key_and_the_value(path: tuple[str | int, ...], key: str, value: str | None) -> None:
    place = locate(TRICKY)[path]
    assert TRICKY[slice(*place.key)] == key
    assert value is None or TRICKY[slice(*place.value)] == value
