"""Whether a mailbox's signature can stand under every email: a broken one would quarantine all enrollments. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sequences.content.rendering import render_part
from sequences.liquid.templating import TemplateError

# Nothing is known of this contact but the address.
_UNKNOWN_CONTACT: Mapping[str, object] = {
    "contact": {"email": "contact@example.com"},
    "account": {},
    "sender": {"name": "Ada Lovelace", "first_name": "Ada", "email": "ada@example.com"},
    "workspace": {"name": "Acme"},
    "unsubscribe_url": "https://unsubscribe.example/",
    "now": datetime(2026, 1, 2, 9, tzinfo=UTC),
}


def check_signature(signature: str) -> str | None:
    """What is wrong with it, or None. Every field that a contact may lack needs a fallback."""
    try:
        render_part(signature, _UNKNOWN_CONTACT)
    except TemplateError as error:
        return str(error)
    return None
