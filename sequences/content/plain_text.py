"""The text that says the same as a page: links in full, lists with their numbers, the signature's line. Pure.

inscriptis lays the text out. It unescapes text again and again and knows no start of a list, so both are prepared here.
"""

from __future__ import annotations

import html
import re

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

# Stands for an ampersand while the text is laid out; no text uses this private character.
_AMPERSAND = "\ue001"
_FIRST_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
_LINK = re.compile(r"<a\b([^>\"]*(?:\"[^\"]*\"[^>\"]*)*)>(.*?)</a>", re.DOTALL)
_TARGET = re.compile(r"\shref=\"([^\"]*)\"")
_ANY_TAG = re.compile(r"<[^>\"]*(?:\"[^\"]*\"[^>\"]*)*>")
_PICTURE_TEXT = re.compile(r"<img\b[^>]*?\salt=\"([^\"]*)\"[^>]*>")
# RFC 3676 section 4.3
_SIGNATURE_LINE = re.compile(r"^--$", re.MULTILINE)


def _start_numbering(state: HtmlDocumentState, attributes: dict[str, str]) -> None:
    start = attributes.get("start", "")
    state.li_counter.append(int(start) if _FIRST_NUMBER.fullmatch(start) else 1)


_HANDLERS = CustomHtmlTagHandlerMapping({"ol": _start_numbering}, {})
_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], custom_html_tag_handler_mapping=_HANDLERS)


def write_text(page: str) -> str:
    """The text of a finished page. A link reads "label (address)", or as its address where the label says the same."""
    readable = _LINK.sub(_write_link, page)
    text = get_text(f"<html><body>{readable.replace('&amp;', _AMPERSAND)}</body></html>", _CONFIG)
    lines = text.replace(_AMPERSAND, "&").strip().splitlines()
    return _SIGNATURE_LINE.sub("-- ", "\n".join(line.rstrip() for line in lines)) + "\n"


def _write_link(found: re.Match[str]) -> str:
    target = _TARGET.search(found[1])
    label = _PICTURE_TEXT.sub(r"\1", found[2])
    if target is None or target[1].startswith("#"):
        return label
    shown = " ".join(html.unescape(_ANY_TAG.sub("", label)).split())
    address = html.unescape(target[1])
    if shown in ("", address, address.removeprefix("mailto:"), address.partition("://")[2]):
        return target[1]
    return f"{label} ({target[1]})"
