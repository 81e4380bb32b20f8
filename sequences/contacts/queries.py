"""Reads of contacts that several rooms need: find by address, list custom fields. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BigIntegerField, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from common.addresses import normalize_for_search
from common.db import fetch_all
from sequences.contacts.erased import find_erased
from sequences.models import Contact, ContactImportBatch, Workspace


def has_address(address: str, field: str = "email") -> Q:
    """That a contact has this address, in whatever case. `iexact` could not use the index of addresses.

    The index begins with the workspace, so all are named: PostgreSQL 18 finds its way without that, no earlier one.
    """
    workspace = f"{field.removesuffix('email')}workspace__in"
    return Q(Exact(Lower(field), Value(normalize_for_search(address))), **{workspace: Workspace.objects.values("pk")})


def find_by_addresses(workspace_id: int, addresses: Iterable[str]) -> tuple[list[int], list[str], set[str]]:
    """The contacts' ids in the order of their addresses; addresses of no contact; those of them that were erased."""
    wanted = list(dict.fromkeys(normalize_for_search(address) for address in addresses))
    contacts = Contact.objects.filter(workspace=workspace_id).annotate(lowered=Lower("email"))
    found = dict(contacts.filter(lowered__in=wanted).values_list("lowered", "id"))
    missing = [address for address in wanted if address not in found]
    erased = find_erased(workspace_id, missing) if missing else set()
    return [found[address] for address in wanted if address in found], missing, erased


_CUSTOM_FIELDS = """
SELECT EXISTS (SELECT 1 FROM sequences_contact WHERE workspace_id = %(workspace)s) AS has_contacts,
       array(SELECT DISTINCT jsonb_object_keys(fields) FROM sequences_contact
             WHERE workspace_id = %(workspace)s AND fields <> '{}'::jsonb) AS names
"""


def list_custom_fields(workspace_id: int) -> frozenset[str] | None:
    """The merge fields that some contact has beyond the known columns; None while there is no contact to ask."""
    row = fetch_all(_CUSTOM_FIELDS, {"workspace": workspace_id})[0]
    return frozenset(row["names"]) if row["has_contacts"] else None


def list_typed_fields(contacts: QuerySet[Contact]) -> list[tuple[str, str]]:
    """The merge fields that some of these contacts has, in order, with type: `text`, `number` or `boolean`.

    One that has values of several types comes once for each.
    """
    name = Func("fields", function="jsonb_object_keys", output_field=TextField())
    type_ = Func(
        "fields", template="jsonb_typeof(%(expressions)s -> jsonb_object_keys(%(expressions)s))",
        output_field=TextField(),
    )  # fmt: skip
    pairs = contacts.order_by().annotate(name=name, type=type_).values_list("name", "type").distinct()
    known = ("number", "boolean")
    return sorted({(name, type_ if type_ in known else "text") for name, type_ in pairs if type_ != "null"})


def was_imported_by(contact_import_id: int) -> Q:
    """That a stored import created or updated the contact."""
    batches = ContactImportBatch.objects.filter(contact_import=contact_import_id).order_by()
    return Q(pk__in=batches.values_list(Func("contact_ids", function="unnest", output_field=BigIntegerField())))
