"""Contacts and accounts written one by one, by API and admin; `csv_import` writes those of files.

A change wakes the enrollments that wait at a split for a field of the contact, or whose sequence has one for its goal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model

from common.notify import notify_engine
from sequences.choices import LIVE_STATUSES
from sequences.contacts.csv_columns import KNOWN_COLUMNS, name_column
from sequences.contacts.csv_form import (
    FIELDS_TOO_LARGE,
    LONGEST_FIELD,
    LONGEST_NAME,
    MOST_FIELDS_BYTES,
    RESERVED,
    size_of_fields,
)
from sequences.contacts.erased import ErasedError, lock_contacts, require_not_erased
from sequences.enrollment_sql import wake_where
from sequences.models import Account, Contact, Enrollment, Workspace

Row = TypeVar("Row", bound=Model)

_TAKEN = {
    "contact_email_once": ("email", "The workspace has a contact with this address already: change that one."),
    "contact_external_id_once": (
        "external_id",
        "The workspace has a contact with this external id already: change that one.",
    ),
    "account_domain_once": ("domain", "The workspace has an account with this domain already: change that one."),
    "snippet_name_once": ("name", "The workspace has a template or snippet of this name already: change that one."),
}
_WAITS_FOR_FIELD = """
(
    e.status = 'active' AND e.current_step_id IN (
        SELECT id FROM sequences_step WHERE type = 'conditional_split' AND condition_type = 'contact_field')
    OR e.sequence_id IN (SELECT id FROM sequences_sequence WHERE goal ? 'field'))
"""
_OF_CONTACTS = f"e.contact_id = ANY(%(contacts)s::bigint[]) AND {_WAITS_FOR_FIELD}"
# `company` and `domain` are the account's
_OF_ACCOUNT = f"""
e.contact_id IN (SELECT id FROM sequences_contact WHERE account_id = %(account)s) AND {_WAITS_FOR_FIELD}
"""


def validate_fields(fields: Mapping[str, Any]) -> str | None:
    """What is wrong with merge fields, or None. Names are those of CSV columns; values texts, numbers or booleans."""
    for name, value in fields.items():
        if name != name_column(name) or not name or len(name) > LONGEST_NAME:
            return f"{name[:100]!r} is not a name of a merge field: use lower-case letters, digits and _"
        if name in RESERVED or name in KNOWN_COLUMNS:
            return f"{name} is a column of its own: write it beside `fields`"
        if not isinstance(value, str | int | float | bool | None):
            return f"{name} must be a text, a number or true or false"
        if isinstance(value, str) and len(value) > LONGEST_FIELD:
            return f"{name} has {len(value)} characters: {LONGEST_FIELD:,} are allowed"
    return FIELDS_TOO_LARGE if size_of_fields(fields) > MOST_FIELDS_BYTES else None


class TakenError(ValueError):
    """Another row of the workspace has the value of `field`, or it was erased."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


class InUseError(ValueError):
    """The row cannot be deleted without its history; one line that says what to do."""


def create_row(model: type[Row], workspace: Workspace, values: Mapping[str, Any]) -> Row:
    """A new contact, account or snippet. Raises `TakenError`."""
    with transaction.atomic():
        _lock_keys(workspace.pk, values)
        return _save(model(workspace=workspace, **values), None)


def change_row(row: Row, values: Mapping[str, Any], now: datetime) -> Row:
    """Change and write the given values only: scores are written by other processes. Raises `TakenError`."""
    if isinstance(row, Contact) and row.erased_at is not None:
        raise TakenError("email", "The person's data was erased, nothing can be added: create another contact.")
    for name, value in values.items():
        setattr(row, name, value)
    with transaction.atomic():
        if isinstance(row, Contact):
            _lock_keys(row.workspace_id, values)
        saved = _save(row, [*values, "updated_at"])
        wake_waiting_for(saved, now)
    return saved


def wake_waiting_for(row: Model, now: datetime) -> None:
    """Wake the enrollments that wait for a field of this contact, or of this account's contacts."""
    if isinstance(row, Contact):
        wake_waiting_for_fields([row.pk], now)
    elif isinstance(row, Account) and wake_where(_OF_ACCOUNT, {"account": row.pk}, now):
        notify_engine()


def wake_waiting_for_fields(contact_ids: Sequence[int], now: datetime) -> None:
    """Wake the enrollments that wait for a field of these contacts. Call inside a transaction."""
    if contact_ids and wake_where(_OF_CONTACTS, {"contacts": list(contact_ids)}, now):
        notify_engine()


def delete_contact(contact: Contact) -> None:
    """Delete a contact without enrollments; the history of others would go with them. Raises `InUseError`."""
    with transaction.atomic():
        found = Enrollment.objects.select_for_update(no_key=True).filter(contact=contact)
        statuses = set(found.values_list("status", flat=True))
        if statuses & {status.value for status in LIVE_STATUSES}:
            raise InUseError("the contact is in a sequence: exit it there first")
        if statuses:
            raise InUseError(
                "the contact has been in a sequence, and its history would go too: erase the person's data "
                f"(POST /api/contacts/{contact.pk}/erase), or suppress the address"
            )
        contact.delete()


def _lock_keys(workspace_id: int, values: Mapping[str, Any]) -> None:
    """Let no import or erasure pass while an address or external id is stored. Raises `TakenError` for the erased."""
    if values.get("external_id"):
        lock_contacts(workspace_id, is_shared=True)
    if email := values.get("email"):
        try:
            require_not_erased(workspace_id, email)
        except ErasedError as error:
            raise TakenError("email", f"{error}.") from None


def _save(row: Row, columns: list[str] | None) -> Row:
    try:
        with transaction.atomic():
            row.save(update_fields=columns)
    except IntegrityError as error:
        for constraint, (field, text) in _TAKEN.items():
            if constraint in str(error):
                raise TakenError(field, text) from None
        raise
    return row
