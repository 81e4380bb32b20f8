"""A file travels in the form between the steps of its import: chosen once, and kept nowhere."""

from __future__ import annotations

import base64
import binascii
import zlib

from sequences.contacts.csv_reader import CsvFormError

MOST_BYTES = 10_000_000


def pack_file(content: bytes) -> str:
    """The file as the value of a hidden field."""
    return base64.b64encode(zlib.compress(content)).decode()


def unpack_file(text: str) -> bytes:
    """What was packed. Raises `CsvFormError` with the remedy."""
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise CsvFormError("the file was lost on the way: choose it again") from None
