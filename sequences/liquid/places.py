"""Where in an author's text a merge value stands, and how it is written there. Pure.

In running text a value is escaped so that Markdown and HTML show it as it is. Inside a link target it is
percent-encoded (RFC 3986), so that blanks, brackets and quotes cannot end the link.
"""

from __future__ import annotations

import html
import re
from enum import Enum, auto
from urllib.parse import quote

_REACH = 4000
_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
# What stands open at the end of a text: the target of a Markdown link, an attribute, a definition, a bare address.
_OPEN_TARGETS = (
    re.compile(r"\]\(\s*<?([^\s<>\"]*)$"),
    re.compile(r"<[a-z][^<>]*\s(?:href|src)\s*=\s*(?:\"([^\"<>]*)|'([^'<>]*)|([^\s\"'<>]*))$", re.IGNORECASE),
    re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]*)$", re.MULTILINE),
    re.compile(r"(?<![\w@./-])((?:https?://|www\.|mailto:|tel:)[^\s<>\"']*)$", re.IGNORECASE),
)
_AUTHORITY = re.compile(r"(?:[a-z][a-z\d+.-]*:)?//[^/?#]*|www\.[^/?#]*", re.IGNORECASE)
_SCHEME = re.compile(r"\s*[a-z][a-z\d+.-]*://", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}\u00a0\u2028\u2029]|%(?![0-9A-Fa-f]{2})")
_NOT_DIALLED = re.compile(r"[^\d+*#]")
_MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "\\`*_[]()!|~"}
# What Markdown only sees at the start of a line: headings, lists, underlines, and the indent of a code block.
_LINE_START = re.compile(r"^[ \t]*(?:([#+=-])|(\d{1,9})([.)]))?", re.MULTILINE)
_URL = re.compile(r"https?://[\w.~:/?=&%@+-]+(?:#[\w.~:/?=&%@+-]*)?", re.ASCII)


class Place(Enum):
    """Where a value stands."""

    #: running text, or an attribute that is no link
    TEXT = auto()
    #: the value is the beginning of a link target, or the whole of it
    TARGET = auto()
    #: in the host of a link target
    HOST = auto()
    #: in the path of a link target
    PATH = auto()
    #: in the query or fragment of a link target
    QUERY = auto()
    #: in a `mailto:` address
    MAIL = auto()
    #: in a `tel:` number
    PHONE = auto()


def find_place(before: str) -> Place:
    """The place of a value that follows the text `before`."""
    written = _TAG.sub("", _OUTPUT.sub("x", before[-_REACH:]))
    for pattern in _OPEN_TARGETS:
        if found := pattern.search(written):
            target = next((part for part in found.groups() if part is not None), "")
            if target.count(")") <= target.count("("):
                return _find_part(target)
    return Place.TEXT


def _find_part(target: str) -> Place:
    if not target:
        return Place.TARGET
    if "?" in target or "#" in target:
        return Place.QUERY
    lower = target.lower()
    if lower.startswith("mailto:"):
        return Place.MAIL
    if lower.startswith("tel:"):
        return Place.PHONE
    return Place.HOST if _AUTHORITY.fullmatch(target) else Place.PATH


def write_value(text: str, place: Place, *, is_encoded: bool = False) -> str:
    """`text` as it is written at `place`. `is_encoded`: a filter has percent-encoded it already."""
    if place is Place.TEXT:
        return escape_text(text)
    if is_encoded:
        return html.escape(text)
    match place:
        case Place.TARGET | Place.HOST:
            stripped = _SCHEME.sub("", text, count=1) if place is Place.HOST else text
            return html.escape(_UNSAFE.sub(_encode, stripped.strip())).translate(_MARKS)
        case Place.PHONE:
            return _NOT_DIALLED.sub("", text)
        case _:
            return quote(text.strip(), safe={Place.PATH: "/", Place.MAIL: "@"}.get(place, ""))


def _encode(found: re.Match[str]) -> str:
    return quote(found[0], safe="")


def escape_text(text: str) -> str:
    """Running text that HTML and Markdown show as it is.

    A character reference is never structure in Markdown (CommonMark section 2.5), and is the same character in HTML.
    """
    # Markdown ends a line at a carriage return too
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    escaped = html.escape(unified)
    if _URL.fullmatch(unified):
        return escaped
    return _LINE_START.sub(_escape_line_start, escaped.translate(_MARKS))


def _escape_line_start(found: re.Match[str]) -> str:
    if found[1]:
        return f"&#{ord(found[1])};"
    return f"{found[2]}&#{ord(found[3])};" if found[3] else ""
