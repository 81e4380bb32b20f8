"""Contacts as CSV, in the form that can be imported: known columns, then every merge field that some of them has.

A merge field of numbers or booleans has a column of its own, `name:number` or `name:boolean`, so that an import gives
back the same values with the same types.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from sequences.contacts.csv_columns import KNOWN_COLUMNS, name_typed_column
from sequences.contacts.csv_reader import write_line
from sequences.contacts.queries import list_typed_fields
from sequences.models import Contact

_BATCH = 2_000


def export_contacts(rows: QuerySet[Contact]) -> Iterator[str]:
    """Line by line, in flat memory."""
    custom = list_typed_fields(rows)
    yield write_line([*KNOWN_COLUMNS, *(name_typed_column(name, type_) for name, type_ in custom)])
    for contact in rows.select_related("account").order_by("id").iterator(chunk_size=_BATCH):
        account = contact.account
        known = [
            contact.email, contact.first_name, contact.last_name, contact.title, contact.phone,
            account.name if account else "", account.domain if account else "", contact.timezone,
            contact.external_id or "",
        ]  # fmt: skip
        yield write_line([*known, *(_text(contact.fields.get(name), type_) for name, type_ in custom)])


def _text(value: Any, type_: str) -> str:
    """The value in the column of its type; "" in the others."""
    match value:
        case bool():
            found, text = "boolean", "true" if value else "false"
        case int() | float():
            found, text = "number", repr(value)
        case None:
            return ""
        case _:
            found, text = "text", str(value)
    return text if found == type_ else ""
