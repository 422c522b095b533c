from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prober.core.toml import toml_key, toml_text

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = TEXTS | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(timezones=st.just(UTC))
VALUES = st.recursive(
    SCALARS | TIMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(st.lists(TEXTS, min_size=1, max_size=3), VALUES)
def test_what_is_written_reads_as_what_was_meant(names: list[str], value: Any) -> None:
    read: Any = tomllib.loads(f"{toml_key(*names)} = {toml_text(value)}")
    for name in names:
        read = read[name]
    assert read == value


def test_keys_are_bare_where_they_may_be() -> None:
    assert toml_key("expect", "json", "$.a", "b-c_1", "") == 'expect.json."$.a".b-c_1.""'
    assert toml_text({"a": 1, "b c": [True, datetime(2026, 12, 1, tzinfo=UTC)]}) == (
        '{ a = 1, "b c" = [true, 2026-12-01T00:00:00+00:00] }'
    )
    assert toml_text(()) == "[]"
