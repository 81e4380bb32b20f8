"""Addresses as people write them: found in running text, and completed where their scheme is missing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BARE = re.compile(r"(?<![\w@./=-])(?:https?://[^\s<>\"]*|www\.[^\s<>\".]+\.[^\s<>\"]+)", re.IGNORECASE)
# Punctuation that ends a sentence or closes a quotation does not belong to the address before it.
_TRAILING = ".,;:!?'\"*_~`»”’…。，、；：！？"
_BRACKETS = {")": "(", "]": "[", "}": "{", "）": "（", "」": "「", "』": "『", "】": "【"}
_CHARACTER_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z\d]{1,31});$", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z\d+.-]*:", re.IGNORECASE)
_MAIL_ADDRESS = re.compile(r"[^\s@/?#:]+@[^\s@/?#:]+\.[^\s@/?#:.]+(?:\?\S*)?")
_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][^\W_]+(?::\d{1,5})?(?:[/?#].*)?", re.DOTALL)
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BareLink:
    """An address in running text, from `start` to `end`, and the target it leads to."""

    start: int
    end: int
    target: str


def find_bare_links(text: str) -> Iterator[BareLink]:
    """The web addresses in a text without markup, without the punctuation behind them."""
    for found in _BARE.finditer(text):
        address = trim_address(found[0])
        target = address if _SCHEME.match(address) else f"https://{address}"
        if _WEB.match(target):
            yield BareLink(found.start(), found.start() + len(address), target)


def trim_address(address: str) -> str:
    """The address without what follows it in a sentence. Character references at its end are kept whole."""
    while address:
        last = address[-1]
        if last == ";" and _CHARACTER_REFERENCE.search(address):
            return address
        opening = _BRACKETS.get(last)
        if last not in _TRAILING and (opening is None or address.count(last) <= address.count(opening)):
            return address
        address = address[:-1]
    return address


def complete_target(target: str) -> str | None:
    """The whole address that a link target means: with `https://` or `mailto:` in front. None: it leads nowhere.

    A target with a scheme is returned as it is; an anchor within the email too.
    """
    stripped = target.strip()
    if stripped.startswith("#") and len(stripped) > 1:
        return stripped
    if stripped.startswith("//"):
        return f"https:{stripped}" if _HOST.fullmatch(stripped[2:]) else None
    if _MAIL_ADDRESS.fullmatch(stripped):
        return f"mailto:{stripped}"
    if _HOST.fullmatch(stripped):
        return f"https://{stripped}"
    return stripped if _SCHEME.match(stripped) else None
