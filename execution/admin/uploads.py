"""Carries an uploaded file in a hidden field from step to step of its import; nothing is stored on the server."""

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
    """The packed file. Raises `CsvFormError` with what to do."""
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise CsvFormError("the uploaded file was damaged: choose it again") from None
