"""What the writer of a reply wrote: without the quoted mail below or above, and without the signature. Pure.

Best effort: mail programs quote in their own ways. So nothing that matters may rest on a long text.
"""

from __future__ import annotations

import re

import quotequail
from inscriptis import get_text

_LONGEST = 100_000
# Patterns look within one line and at the next: one that runs over many is quadratic in what a stranger sends.
_BLANK_LINES = re.compile(r"\n{3,}")
_OUTLOOK_QUOTE = re.compile(
    r"^(_{10,}$|-{2,} ?.{3,40} ?-{2,}$"
    r"|\*?(From|Von|De|Da|Van|Från|Fra)\s?:\*? .+\n\n?\*?"
    r"(Sent|Date|Gesendet|Datum|Envoyé|Date|Enviado|Fecha|Inviato|Data|Verzonden|Skickat|Sendt)\s?:\*?)",
    re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^>.*$", re.MULTILINE)
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)


def find_new_text(plain: str, html: str) -> str:
    """The new part of a reply as plain text; `html` is looked at only if there is no `plain`."""
    text = plain[:_LONGEST] if plain.strip() else _text_of(html[:_LONGEST])
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n")))
    if quote := _OUTLOOK_QUOTE.search(text):
        text = text[: quote.start()]
    shown = [part for is_new, part in quotequail.quote(text, quote_intro_line=True) if is_new]
    text = _QUOTED_LINE.sub("", "\n".join(shown))
    if signature := _SIGNATURE.search(text):
        text = text[: signature.start()]
    return text.strip()


def _text_of(html: str) -> str:
    if not html.strip():
        return ""
    try:
        shown = "".join(part for is_new, part in quotequail.quote_html(html) if is_new)
        return str(get_text(shown or html))
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError):
        # lxml refuses some of what calls itself HTML
        return re.sub(r"<[^>]*>", " ", html)
