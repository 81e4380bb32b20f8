"""What a template or a snippet must be before it is stored. Pure."""

from __future__ import annotations

from sequences.choices import SnippetKind
from sequences.liquid.templating import TemplateError, parse

LONGEST_BODY = 100_000


def validate_snippet(kind: str, subject: str, body: str) -> tuple[str, str] | None:
    """The field and what is wrong with it, or None."""
    if subject and kind != SnippetKind.TEMPLATE:
        return "subject", "Only a template has a subject. Choose the kind template, or leave it empty."
    if len(body) > LONGEST_BODY:
        return "body", f"It has {len(body):,} characters; {LONGEST_BODY:,} are allowed."
    for field, source in (("subject", subject), ("body", body)):
        try:
            parse(source)
        except TemplateError as error:
            return field, f"{str(error)[:1].upper()}{str(error)[1:]}."
    return None
