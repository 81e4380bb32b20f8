"""Saving a row writes only the changed fields and keeps what the engine wrote concurrently."""

from __future__ import annotations

import uuid
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse

from common.encryption import Secrets
from emails.admin.mailboxes import MailboxForm
from emails.facts.scores import mark_scores_due
from emails.models import Mailbox
from execution.models import ControlLog
from sequences.contacts.operations import change_row
from sequences.models import Account, Contact
from tests.factories import NOW, AccountFactory, ContactFactory, MailboxFactory, SendLimitFactory
from tests.support.admin_pages import log_in_root

pytestmark = pytest.mark.django_db


def fill(client: Client, mailbox: Any, **changes: Any) -> dict[str, Any]:
    """The page's form as a browser sends it."""
    page = client.get(reverse("admin:emails_mailbox_change", args=[mailbox.pk]))
    form = page.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for formset in page.context["inline_admin_formsets"]:
        managing = formset.formset.management_form
        data |= {managing[name].html_name: managing[name].value() for name in managing.fields}
    return {name: value for name, value in (data | changes).items() if value is not None and value is not False}


def test_a_contacts_score_stays_due_when_a_fact_comes_while_it_is_changed() -> None:
    contact = ContactFactory()
    as_it_was_read = Contact.objects.get()
    mark_scores_due([contact.pk], NOW)
    change_row(as_it_was_read, {"title": "CEO"}, NOW)
    stored = Contact.objects.get()
    assert (stored.title, stored.score_due_at, stored.updated_at > contact.updated_at) == ("CEO", NOW, True)


def test_an_accounts_score_stays_too() -> None:
    account = AccountFactory()
    Account.objects.update(engagement_score=40)
    change_row(account, {"name": "Acme"}, NOW)
    assert Account.objects.values_list("name", "engagement_score").get() == ("Acme", 40)


def test_a_mailbox_saved_by_hand_keeps_the_lease_the_pace_and_a_fresh_token() -> None:
    client = log_in_root()
    mailbox = MailboxFactory(credentials=Secrets({"refresh_token": "old", "password": "secret"}))
    lane = {"lease_token": uuid.uuid4(), "leased_until": NOW, "next_slot_at": NOW, "breaker_failures": 3}

    def write_concurrently(form: MailboxForm) -> None:
        Mailbox.objects.update(**lane, credentials=Secrets({"refresh_token": "new", "password": "secret"}))

    data = fill(client, mailbox, signature="Ada")
    with mock.patch.object(MailboxForm, "merge_secrets", write_concurrently):
        answer = client.post(reverse("admin:emails_mailbox_change", args=[mailbox.pk]), data)
    assert answer.status_code == 302, answer.context["errors"]
    stored = Mailbox.objects.get()
    assert {name: getattr(stored, name) for name in lane} == lane
    assert (stored.signature, stored.credentials["refresh_token"]) == ("Ada", "new")


def test_a_ramp_that_begins_with_nothing_is_refused_since_it_would_never_begin() -> None:
    client = log_in_root()
    mailbox = MailboxFactory(ramp_enabled=True, ramp_start=10)
    data = fill(client, mailbox, ramp_start=0)
    answer = client.post(reverse("admin:emails_mailbox_change", args=[mailbox.pk]), data)
    assert answer.status_code == 200
    assert "at least 1 message" in answer.content.decode()
    assert Mailbox.objects.get().ramp_start == 10


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"smtp_host": "thief.example"},
        {"imap_host": "thief.example"},
        {"transport_options": '{"api_url": "https://thief.example/"}'},
    ],
    ids=["SMTP", "IMAP", "ESP"],
)
def test_stored_secrets_do_not_follow_to_another_server(elsewhere: dict[str, str]) -> None:
    client = log_in_root()
    mailbox = MailboxFactory(credentials=Secrets({"password": "stored", "api_key": "stored"}))
    url = reverse("admin:emails_mailbox_change", args=[mailbox.pk])
    refused = client.post(url, fill(client, mailbox, **elsewhere))
    assert "Enter the password again" in refused.content.decode()
    assert client.post(url, fill(client, mailbox, **elsewhere, password="typed")).status_code == 302
    assert dict(Mailbox.objects.get().credentials) == {"password": "typed"}


def test_a_wrong_signature_is_refused_on_the_page() -> None:
    client = log_in_root()
    mailbox = MailboxFactory()
    url = reverse("admin:emails_mailbox_change", args=[mailbox.pk])
    answer = client.post(url, fill(client, mailbox, signature="{{ contact.nickname }}"))
    assert "The signature cannot be used" in answer.content.decode()


def test_a_typed_secret_is_stored_beside_the_others() -> None:
    client = log_in_root()
    mailbox = MailboxFactory(credentials=Secrets({"imap_password": "kept"}))
    data = fill(client, mailbox, password="typed")
    assert client.post(reverse("admin:emails_mailbox_change", args=[mailbox.pk]), data).status_code == 302
    assert dict(Mailbox.objects.get().credentials) == {"imap_password": "kept", "password": "typed"}


def test_what_is_changed_by_hand_is_logged_without_secrets() -> None:
    client = log_in_root()
    mailbox = MailboxFactory(credentials=Secrets({"password": "stored-secret"}), gap_seconds=120, timezone="")
    limit = SendLimitFactory(mailbox=mailbox, maximum=50)
    url = reverse("admin:emails_mailbox_change", args=[mailbox.pk])
    row = "send_limits" if any("send_limits-TOTAL" in name for name in fill(client, mailbox)) else "sendlimit_set"
    kept = {f"{row}-0-id": limit.pk, f"{row}-0-mailbox": mailbox.pk, f"{row}-0-window": limit.window}

    def save(maximum: int, **changes: Any) -> None:
        assert (
            client.post(url, fill(client, mailbox, **kept, **{f"{row}-0-maximum": maximum}, **changes)).status_code
            == 302
        )

    save(50)
    assert not ControlLog.objects.exists()
    save(30, gap_seconds=90, password="typed-secret")
    lines = {(line.target, line.action): line for line in ControlLog.objects.all()}
    assert set(lines) == {("mailbox", "edited"), ("send_limit", "edited")}
    line = lines["mailbox", "edited"]
    assert (line.target_id, line.actor) == (mailbox.pk, "root@sender.example")
    found = {change["field"]: (change["before"], change["after"]) for change in line.changes}
    assert found == {"gap_seconds": (120, 90), "credentials": ("(secret)", "(secret)")}
    assert lines["send_limit", "edited"].changes[0]["field"] == "maximum"
    assert "secret" not in str(list(ControlLog.objects.values())).replace("(secret)", "")
