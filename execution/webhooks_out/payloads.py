"""What a webhook delivers of a fact: the feed's object, and keys for receivers that do not ask the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.db import Row
from common.text import instant_text
from execution.webhooks_out.feed import show_rows
from sequences.models import Contact
from sequences.models import Sequence as SequenceModel


def make_payloads(facts: Sequence[Row]) -> list[dict[str, Any] | None]:
    """One for each fact (`source`, `id`, `event`), in a fixed number of statements; None where its row is gone."""
    shown = show_rows([(fact["source"], fact["id"], fact["event"]) for fact in facts])
    contacts = {each["contact"] for each in shown.values() if each["contact"]}
    sequences = {each["sequence"] for each in shown.values() if each["sequence"]}
    emails = dict(Contact.objects.filter(pk__in=contacts).values_list("pk", "email"))
    names = dict(SequenceModel.objects.filter(pk__in=sequences).values_list("pk", "name"))
    payloads: list[dict[str, Any] | None] = []
    for fact in facts:
        found = shown.get((fact["source"], fact["id"]))
        if found is None:
            payloads.append(None)
            continue
        written = {name: instant_text(value) if isinstance(value, datetime) else value for name, value in found.items()}
        payloads.append(
            {
                **written,
                "event": fact["event"],
                "contact_email": emails.get(found["contact"], ""),
                "sequence_name": names.get(found["sequence"], ""),
            }
        )
    return payloads
