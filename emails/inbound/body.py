"""The text of a mail's own body: which part holds it, HTML as text, what is new in it and what it quotes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.message import Message
from typing import Any

import quotequail
from inscriptis import get_text

from common.text import storable_text
from emails.inbound.text.quotes import split_quoted

_LONGEST = 100_000
# Layout of HTML takes time that grows faster than its length.
_LONGEST_HTML = 60_000
_DEEPEST_HTML = 200
_TAG = re.compile(r"<[^<>]{0,2000}>")
_CLOSING = re.compile(r"<(/?)(?:div|table|tr|td|span|blockquote|p|font|b|i|ul|ol|li|center|section)\b", re.IGNORECASE)
_NOT_SHOWN = re.compile(r"<(style|script|head)\b.{0,20000}?</\1\s*>", re.IGNORECASE | re.DOTALL)


def read_bodies(parts: Iterable[Message[Any, Any]], read: Callable[[Message[Any, Any]], str]) -> tuple[str, str]:
    """(plain text, HTML) of the first part of each kind that says anything and is no attachment."""
    plain = html = ""
    for part in parts:
        kind = part.get_content_type()
        if _is_attachment(part):
            continue
        if kind == "text/plain" and not plain.strip():
            plain = read(part)[:_LONGEST]
        elif kind == "text/html" and not html.strip():
            html = read(part)[:_LONGEST_HTML]
    return plain, html


def split_body(plain: str, html: str) -> tuple[str, str]:
    """(new text, quoted text); `html` counts only where there is no plain text."""
    if plain.strip():
        found = split_quoted(plain)
        return found.new, found.quoted
    if not html.strip():
        return "", ""
    new, quoted = _split_html(html)
    found = split_quoted(new)
    return found.new, "\n".join(filter(None, [found.quoted, quoted]))


def _is_attachment(part: Message[Any, Any]) -> bool:
    try:
        return part.get_content_disposition() == "attachment"
    except (LookupError, ValueError, TypeError, AttributeError):
        # a damaged Content-Disposition
        return False


def _split_html(html: str) -> tuple[str, str]:
    if _is_nested_deeply(html):
        return html_as_text(html), ""
    try:
        parts = quotequail.quote_html(html)
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError):
        # lxml refuses some of what calls itself HTML
        return html_as_text(html), ""
    new = "".join(part for is_new, part in parts if is_new)
    quoted = "".join(part for is_new, part in parts if not is_new)
    return (html_as_text(new), html_as_text(quoted)) if new.strip() else (html_as_text(html), "")


def html_as_text(html: str) -> str:
    """HTML as plain text with its lines; tags are only taken out where the layout cannot be computed."""
    if not html.strip():
        return ""
    if not _is_nested_deeply(html):
        try:
            return storable_text(str(get_text(html))).strip()
        except (ValueError, LookupError, AttributeError, TypeError, AssertionError):
            # lxml refuses some of what calls itself HTML
            pass
    return storable_text(_TAG.sub(" ", _NOT_SHOWN.sub(" ", html))).strip()


def _is_nested_deeply(html: str) -> bool:
    depth = 0
    for found in _CLOSING.finditer(html):
        depth += -1 if found[1] else 1
        if depth > _DEEPEST_HTML:
            return True
    return False
