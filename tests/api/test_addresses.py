"""One form of an address at every entry point: API, admin form, CSV file, command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import Suppression
from execution.management.values import email_address
from sequences.models import Contact, Workspace
from tests.factories import ContactFactory
from tests.support.admin_pages import log_in_staff

STORED = {
    " uma@slate.example ": "uma@slate.example",
    "uma@SLATE.EXAMPLE": "uma@slate.example",
    "vic@köln-markt.example": "vic@xn--kln-markt-07a.example",
    "vic@ko\u0308ln-markt.example": "vic@xn--kln-markt-07a.example",
    "vic@xn--kln-markt-07a.example": "vic@xn--kln-markt-07a.example",
    "wes@Ѕhop.example": "wes@xn--hop-ehd.example",
}
REFUSED = (
    "uma@slate.example\u200b", "uma@sla\u00adte.example", "uma\u2060@slate.example", "\ufeffuma@slate.example",
    "uma@slate\u200d.example", "uma@slate.example\u202e", "wes@intranet", "wes@localhost", "wes@[10.0.0.7]",
    "wes@shop.x", "wes@shop.42", "Wes West <wes@shop.example>", "wes@shop.example.", "wés@shop.example",
)  # fmt: skip


def post_contact(api: APIClient, workspace: Workspace, text: str) -> str | None:
    answer = api.post("/api/contacts", {"email": text})
    return answer.json()["email"] if answer.status_code == 201 else None


def patch_contact(api: APIClient, workspace: Workspace, text: str) -> str | None:
    contact = ContactFactory(workspace=workspace)
    answer = api.patch(f"/api/contacts/{contact.pk}", {"email": text})
    return answer.json()["email"] if answer.status_code == 200 else None


def import_contact(api: APIClient, workspace: Workspace, text: str) -> str | None:
    file = SimpleUploadedFile("c.csv", f"first_name,email\nX,{text}\n".encode())
    api.post("/api/contacts/import", {"file": file}, format="multipart")
    return Contact.objects.values_list("email", flat=True).first()


def add_contact_by_form(api: APIClient, workspace: Workspace, text: str) -> str | None:
    client = log_in_staff(workspace)
    client.post(reverse("admin:sequences_contact_add"), {"workspace": workspace.pk, "email": text, "fields": "{}"})
    return Contact.objects.values_list("email", flat=True).first()


def post_suppression(api: APIClient, workspace: Workspace, text: str) -> str | None:
    answer = api.post("/api/suppressions", {"email": text})
    return answer.json()["email"] if answer.status_code == 201 else None


def import_suppression(api: APIClient, workspace: Workspace, text: str) -> str | None:
    file = SimpleUploadedFile("s.csv", f"note,email\nX,{text}\n".encode())
    api.post("/api/suppressions/import", {"file": file}, format="multipart")
    return Suppression.objects.exclude(email="").values_list("email", flat=True).first()


def post_mailbox(api: APIClient, workspace: Workspace, text: str) -> str | None:
    answer = api.post("/api/mailboxes", {"address": text, "smtp_host": "smtp.example.com"})
    return answer.json()["address"] if answer.status_code == 201 else None


def post_alias(api: APIClient, workspace: Workspace, text: str) -> str | None:
    body = {"address": "ada@sender.example", "aliases": [text], "smtp_host": "smtp.example.com"}
    answer = api.post("/api/mailboxes", body)
    return answer.json()["aliases"][0] if answer.status_code == 201 else None


def type_on_the_command_line(api: APIClient, workspace: Workspace, text: str) -> str | None:
    try:
        return email_address(text)
    except ArgumentTypeError:
        return None


ENTRIES = [
    post_contact, patch_contact, import_contact, add_contact_by_form, post_suppression, import_suppression,
    post_mailbox, post_alias, type_on_the_command_line,
]  # fmt: skip


@pytest.mark.parametrize("text", STORED)
@pytest.mark.parametrize("enter", ENTRIES)
def test_an_address_is_stored_alike_at_every_entry_point(
    api: APIClient, workspace: Workspace, enter: Callable[[Any, Any, str], str | None], text: str
) -> None:
    assert enter(api, workspace, text) == STORED[text]


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.parametrize("enter", ENTRIES)
def test_an_address_is_refused_alike_at_every_entry_point(
    api: APIClient, workspace: Workspace, enter: Callable[[Any, Any, str], str | None], text: str
) -> None:
    assert enter(api, workspace, text) is None


def test_the_error_names_the_character_and_the_fix(api: APIClient, workspace: Workspace) -> None:
    answer = api.post("/api/contacts", {"email": "uma@slate.example\u200b"})
    assert answer.json()["errors"]["email"] == [
        "uma@slate.example\\u200b is not an email address: it holds an invisible character (U+200B); "
        "type it again without it."
    ]


def test_a_contact_is_found_however_its_address_is_written(api: APIClient, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="Vic@xn--kln-markt-07a.example")
    for text in ("VIC@KÖLN-MARKT.example", "vic@xn--kln-markt-07a.EXAMPLE", " vic@ko\u0308ln-markt.example"):
        found = api.get("/api/contacts", {"email": text}).json()["results"]
        assert [row["id"] for row in found] == [contact.pk]
    assert api.post("/api/contacts", {"email": "vic@KÖLN-markt.example"}).status_code == 400
    assert [row["id"] for row in api.get("/api/contacts?domain=köln-markt.example").json()["results"]] == [contact.pk]


@pytest.mark.parametrize(
    ("text", "domain"), [("https://www.Forge.example:8080/x", "forge.example"), ("KÖLN.example", "xn--kln-sna.example")]
)
def test_an_account_domain_is_normalized(api: APIClient, workspace: Workspace, text: str, domain: str) -> None:
    assert api.post("/api/accounts", {"name": "Forge", "domain": text}).json()["domain"] == domain
