from __future__ import annotations

import tomllib

from prober.render.settings import rows


def test_a_line_is_a_value_and_where_it_comes_from() -> None:
    assert rows([("title", '"Acme"', "probes.toml:1")]) == 'title = "Acme"'.ljust(50) + "  # probes.toml:1\n"


def test_a_long_value_leaves_the_other_lines_short() -> None:
    long, short = rows([("urls", f'"{"x" * 80}"', "built in"), ("port", "25", "built in")]).splitlines()
    assert long.endswith('x"  # built in')
    assert len(short) == 62


def test_the_lines_are_toml_and_nothing_in_them_acts() -> None:
    shown = rows([("a.b", '"\x1b[31m\u202ex"', "probes.toml:1\nevil = 1")])
    assert tomllib.loads(shown) == {"a": {"b": "x"}}
