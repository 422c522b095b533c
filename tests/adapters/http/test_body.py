"""Bodies are decoded under a bound, however they are cut into pieces."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prober.adapters.http.body import MOST_BYTES, Body

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = b"hello, prober " * 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "br": bytes,
    "gzip": gzip.compress,
    "X-GZip ": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def fed(coding: str, *pieces: bytes) -> tuple[bytes, Body]:
    body = Body(coding)
    for piece in pieces:
        body.feed(piece)
    return body.finish(), body


@pytest.mark.parametrize("coding", ENCODERS)
@given(data=st.binary(max_size=400), size=st.integers(1, 40))
@example(data=b"", size=1)
def test_any_cut_of_an_encoded_body_decodes_to_the_same_bytes(coding: str, data: bytes, size: int) -> None:
    wire = ENCODERS[coding](data)
    held, body = fed(coding, *(wire[at : at + size] for at in range(0, len(wire), size)))
    assert (held, body.is_full, body.is_broken) == (data, False, False)


@given(coding=st.sampled_from(["gzip", "deflate", "identity"]), data=st.binary(max_size=300))
def test_no_bytes_at_all_can_raise(coding: str, data: bytes) -> None:
    held, body = fed(coding, data)
    assert len(held) <= MOST_BYTES
    assert body.is_broken in {True, False}


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize(("excess", "is_full"), [(0, False), (1, True), (MOST_BYTES, True)])
def test_at_most_256_kib_are_held_and_more_is_noticed(coding: str, excess: int, is_full: bool) -> None:
    wire = ENCODERS[coding](bytes(MOST_BYTES + excess))
    held, body = fed(coding, wire[:1000], wire[1000:], b"ignored" if is_full else b"")
    assert (len(held), body.is_full, body.is_broken) == (MOST_BYTES, is_full, False)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_gzip_body_of_several_members_is_their_sum(size: int) -> None:
    wire = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert fed("gzip", *(wire[at : at + size] for at in range(0, len(wire), size)))[0] == b"one two"


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 512, b"trailing words"])
def test_padding_behind_a_body_is_ignored(padding: bytes) -> None:
    held, body = fed("gzip", gzip.compress(TEXT) + padding)
    assert (held, body.is_broken) == (TEXT, False)


@pytest.mark.parametrize(
    ("coding", "wire"),
    [
        ("gzip", b"this is no gzip"),
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", b"\x1f"),
        ("deflate", zlib.compress(TEXT)[:20]),
        ("deflate", b"\xff\xff\xff\xff"),
    ],
    ids=["no gzip", "gzip cut off", "gzip begun", "deflate cut off", "no deflate"],
)
def test_a_body_that_cannot_be_decoded_is_broken(coding: str, wire: bytes) -> None:
    assert fed(coding, wire, b"more")[1].is_broken
