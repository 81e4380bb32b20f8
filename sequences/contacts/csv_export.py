"""Contacts as CSV, in the form that can be imported: known columns, then every merge field that some of them has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from sequences.contacts.csv_form import KNOWN_COLUMNS, write_line
from sequences.contacts.queries import list_fields_of
from sequences.models import Contact

_BATCH = 2_000


def export_contacts(rows: QuerySet[Contact]) -> Iterator[str]:
    """Line by line, in flat memory."""
    custom = list_fields_of(rows)
    yield write_line([*KNOWN_COLUMNS, *custom])
    for contact in rows.select_related("account").order_by("id").iterator(chunk_size=_BATCH):
        account = contact.account
        known = [
            contact.email, contact.first_name, contact.last_name, contact.title, contact.phone,
            account.name if account else "", account.domain if account else "", contact.timezone,
        ]  # fmt: skip
        yield write_line([*known, *(_text(contact.fields.get(name)) for name in custom)])


def _text(value: Any) -> str:
    return "" if value is None else str(value)
