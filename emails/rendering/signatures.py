"""Whether a mailbox's signature can stand under every email: a wrong one would put everybody into quarantine. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sequences.liquid.templating import TemplateError, render

# Somebody of whom nothing is known but the address.
_STRANGER: Mapping[str, object] = {
    "contact": {"email": "somebody@example.com"},
    "account": {},
    "sender": {"name": "Ada Lovelace", "first_name": "Ada", "email": "ada@example.com"},
    "workspace": {"name": "Acme"},
    "unsubscribe_url": "https://unsubscribe.example/",
}


def judge_signature(signature: str) -> str | None:
    """What is wrong with it, or None. Whatever may be unknown of a contact needs a fallback."""
    try:
        render(signature, _STRANGER, autoescape=True)
    except TemplateError as error:
        return str(error)
    return None
