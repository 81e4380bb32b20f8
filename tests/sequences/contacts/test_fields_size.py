"""A contact's merge fields have at most 1 MB in all, whichever way they come in."""

from __future__ import annotations

import io
import json

import pytest
from django.forms import modelform_factory

from common.db import fetch_all
from sequences.admin import ContactForm
from sequences.contacts.csv_form import FIELDS_TOO_LARGE, MOST_FIELDS_BYTES, size_of_fields
from sequences.contacts.csv_import import import_contacts
from sequences.contacts.operations import validate_fields
from sequences.models import Contact
from tests.factories import NOW, ContactFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db
COLUMNS = [f"note_{number}" for number in range(150)]


def test_fields_are_measured_together_in_bytes() -> None:
    most = {f"n{number}": "x" * 9_900 for number in range(104)}
    assert validate_fields(most) is None
    assert validate_fields(dict.fromkeys(most, "ü" * 9900)) == FIELDS_TOO_LARGE
    assert validate_fields({**most, "more": "x" * 9_900, "most": "x" * 9_900}) == FIELDS_TOO_LARGE
    # PostgreSQL writes such a number with all its digits
    assert validate_fields({f"n{number}": 1e300 for number in range(5_000)}) == FIELDS_TOO_LARGE


def test_a_row_above_the_limit_is_rejected_with_its_reason_and_harms_no_other() -> None:
    workspace = WorkspaceFactory()
    known = ContactFactory(workspace=workspace, email="known@x.example")
    Contact.objects.filter(pk=known.pk).update(fields={f"old_{number}": "o" * 9_000 for number in range(60)})
    rows = [
        ",".join(["email", *COLUMNS]),
        ",".join(["large@x.example", *["x" * 9_000] * 150]),
        ",".join(["known@x.example", *["y" * 9_000] * 70, *[""] * 80]),
        ",".join(["small@x.example", *["z"] * 150]),
    ]
    imported = import_contacts(workspace.pk, "c.csv", io.BytesIO("\n".join(rows).encode()), NOW)
    assert (imported.created, imported.updated) == (1, 0)
    assert [(row.row, row.reason) for row in imported.rejected] == [(2, FIELDS_TOO_LARGE), (3, FIELDS_TOO_LARGE)]
    # the file of rejects repeats them, to be corrected
    assert "".join(imported.rejects_file()).count("y" * 9_000) == 70
    known.refresh_from_db()
    assert len(known.fields) == 60
    assert Contact.objects.filter(email="small@x.example").exists()


def test_the_desk_refuses_fields_that_the_api_refuses() -> None:
    workspace = WorkspaceFactory()
    made = modelform_factory(Contact, ContactForm, fields=("workspace", "email", "fields"))
    fields = {f"n{number}": "x" * 9_900 for number in range(120)}
    form = made({"workspace": workspace.pk, "email": "a@x.example", "fields": json.dumps(fields)})
    form.is_valid()
    assert FIELDS_TOO_LARGE in form.errors["fields"][0]


def test_what_python_measures_is_what_postgresql_stores() -> None:
    contact = ContactFactory(fields={"a": 'ü\n"', "b": 1.5, "c": True})
    (row,) = fetch_all("SELECT octet_length(fields::text) AS size FROM sequences_contact", {})
    assert row["size"] <= size_of_fields(contact.fields) < MOST_FIELDS_BYTES
    assert size_of_fields(contact.fields) - row["size"] == len("2")  # the float is counted once more
