"""Contacts by a merge field, for the list of the desk, the API and auto-enrollment rules. Changes nothing."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from sequences.contacts.csv_columns import name_column

_COLUMNS = {name: name for name in ("first_name", "last_name", "title", "phone", "timezone", "email", "external_id")}
_COLUMNS |= {"company": "account__name", "domain": "account__domain"}


def having_merge_field(rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    """Those with the field of this name, as templates write it, whose value contains `value`; empty: any value."""
    written, wanted = (text.strip().replace("\0", "") for text in (name, value))
    name = name_column(written.removeprefix("contact."))
    if not name:
        return rows
    if column := _COLUMNS.get(name):
        has_some = Q(**{f"{column}__gt": ""})
        return rows.filter(Q(**{f"{column}__icontains": wanted}) if wanted else has_some)
    if not wanted:
        return rows.filter(fields__has_key=name)
    found: QuerySet[Any] = rows.annotate(merge_value=KeyTextTransform(name, F("fields")))
    return found.filter(merge_value__icontains=wanted)
