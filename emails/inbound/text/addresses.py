"""Email addresses named in a text. Pure; linear on any text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def find_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, address in lower case) of each, in order."""
    for found in _ADDRESS.finditer(text):
        yield found.start(), found.end(), found[0].lower().strip(".'-")
