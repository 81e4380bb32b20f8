"""What the writer of a reply wrote: without the quoted mail below or above, and without the signature. Pure.

Best effort: mail programs quote in their own ways. So nothing that matters may rest on a long text.
"""

from __future__ import annotations

import re

import quotequail
from inscriptis import get_text

from emails.inbound.text.quotes import split_quoted

_LONGEST = 100_000


def find_new_text(plain: str, html: str) -> str:
    """The new part of a reply as plain text; `html` is looked at only if there is no `plain`."""
    text = plain[:_LONGEST] if plain.strip() else _text_of(html[:_LONGEST])
    return split_quoted(text).new


def _text_of(html: str) -> str:
    if not html.strip():
        return ""
    try:
        shown = "".join(part for is_new, part in quotequail.quote_html(html) if is_new)
        return str(get_text(shown or html))
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError):
        # lxml refuses some of what calls itself HTML
        return re.sub(r"<[^>]*>", " ", html)
