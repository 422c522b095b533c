"""Decode a body under a bound, whatever a few kilobytes of gzip would swell to."""

from __future__ import annotations

import zlib

MOST_BYTES = 256 * 1024

_GZIP = zlib.MAX_WBITS | 16
_ZLIB = zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS
_HEADER_BYTES = 2
_GZIP_MAGIC = b"\x1f\x8b"


class Body:
    """Collects the bytes of one response.

    ``coding`` is its Content-Encoding; what is neither gzip nor deflate is kept as it came. At most ``most`` bytes are
    held: ``is_full`` says that there was more, ``is_broken`` that it could not be decoded.
    """

    __slots__ = ("_coding", "_held", "_inflater", "_most", "_pending", "is_broken", "is_full")

    def __init__(self, coding: str, *, most: int = MOST_BYTES) -> None:
        self._coding = coding.strip().lower()
        self._most = most
        self._held = bytearray()
        self._pending = b""
        self._inflater: zlib._Decompress | None = None
        self.is_full = False
        self.is_broken = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes as they came over the wire; after the bound or an error they are ignored."""
        if self.is_full or self.is_broken:
            return
        if self._coding not in {"gzip", "x-gzip", "deflate"}:
            self._keep(data)
            return
        try:
            self._inflate(self._pending + data)
        except zlib.error:
            self.is_broken = True

    def finish(self) -> bytes:
        """Return what is held; an encoded body that stopped short is broken."""
        is_short = bool(self._pending) if self._inflater is None else not self._inflater.eof
        self.is_broken = self.is_broken or (is_short and not self.is_full)
        return bytes(self._held)

    def _inflate(self, data: bytes) -> None:
        self._pending = b""
        while data and not self.is_full:
            if self._inflater is None or self._inflater.eof:
                if len(data) < _HEADER_BYTES:
                    self._pending = data
                    return
                if self._inflater is not None and not data.startswith(_GZIP_MAGIC):
                    # Padding behind the last member, as gzip itself ignores it.
                    return
                self._inflater = zlib.decompressobj(self._window_bits(data))
            self._keep(self._inflater.decompress(data, self._most + 1 - len(self._held)))
            data = self._inflater.unused_data or self._inflater.unconsumed_tail

    def _window_bits(self, data: bytes) -> int:
        if self._coding != "deflate":
            return _GZIP
        # "deflate" means zlib's format, but some servers send the bare stream; RFC 1950 tells them apart by two bytes.
        has_header = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
        return _ZLIB if has_header else _RAW_DEFLATE

    def _keep(self, data: bytes) -> None:
        room = self._most - len(self._held)
        self.is_full = len(data) > room
        self._held += data[:room]
