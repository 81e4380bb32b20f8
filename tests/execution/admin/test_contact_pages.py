"""The pages of a contact and an account, and merge fields as rows of a form, as the roles that use them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from execution.admin.contact_pages import ENTRIES_SHOWN
from sequences.models import Contact
from tests import factories
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db


def log_in(workspace: Any, role: str = "sdr") -> tuple[Client, Any]:
    user: Any = factories.UserFactory(is_staff=True)
    factories.MembershipFactory(workspace=workspace, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client, user


def open_contact(client: Client, contact: Any, query: str = "") -> Any:
    return client.get(reverse("admin:sequences_contact_change", args=[contact.pk]) + query)


def post_fields(client: Client, contact: Any, *rows: tuple[str, str, str]) -> Any:
    names, kinds, values = zip(*rows, strict=True)
    data = {"email": contact.email, "fields-name": names, "fields-kind": kinds, "fields-value": values}
    return client.post(reverse("admin:sequences_contact_change", args=[contact.pk]), data)


def test_the_page_shows_where_a_contact_stands_and_what_happened() -> None:
    workspace = factories.WorkspaceFactory()
    client, user = log_in(workspace)
    mailbox = factories.MailboxFactory(workspace=workspace, owner=user)
    step = factories.StepFactory(sequence__workspace=workspace, sequence__name="Warm intro")
    enrollment: Any = factories.EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, owner=user)
    reply: Any = factories.ReplyFactory(message=factories.SentMessageFactory(enrollment=enrollment))
    task: Any = factories.TaskFactory(enrollment=enrollment, contact=enrollment.contact, title="Call her")
    factories.SuppressionFactory(workspace=workspace, email=enrollment.contact.email, reason="complained")
    page = open_contact(client, enrollment.contact)
    text = page.content.decode()
    assert "Warm intro" in text
    assert "Suppressed: complained" in text
    assert reply.text in text
    assert [row.pk for row in page.context["open_tasks"]] == [task.pk]
    assert {each.task_id for each in page.context["history"]} >= {task.pk}


def test_an_sdr_sees_that_a_colleague_got_a_reply_but_not_what_it_says() -> None:
    row: Any = factories.EnrollmentFactory(owner=factories.UserFactory())
    reply: Any = factories.ReplyFactory(message=factories.SentMessageFactory(enrollment=row), text="between us")
    for role, is_shown in (("sdr", False), ("manager", True)):
        client, _ = log_in(reply.workspace, role)
        page = open_contact(client, reply.contact).content.decode()
        assert "Replied" in page
        assert ("between us" in page) is is_shown, role


def test_the_newest_entries_come_first_and_all_on_demand() -> None:
    enrollment: Any = factories.EnrollmentFactory()
    client, _ = log_in(enrollment.workspace)
    for number in range(ENTRIES_SHOWN + 5):
        at = factories.NOW + timedelta(minutes=number)
        factories.ExecutionLogFactory(enrollment=enrollment, at=at, message=f"line {number}")
    page = open_contact(client, enrollment.contact)
    assert len(page.context["history"]) == ENTRIES_SHOWN
    assert page.context["history"][0].entry.text == f"line {ENTRIES_SHOWN + 4}"
    assert "Show all" in page.content.decode()
    assert len(open_contact(client, enrollment.contact, "?all=1").context["history"]) == ENTRIES_SHOWN + 5


def test_a_contact_of_another_workspace_is_not_found() -> None:
    client, _ = log_in(factories.WorkspaceFactory())
    assert open_contact(client, factories.ContactFactory()).status_code == 404


def test_pages_take_as_many_statements_for_many_rows_as_for_few() -> None:
    account: Any = factories.AccountFactory()
    client, user = log_in(account.workspace, "manager")
    sequence = factories.StepFactory(sequence__workspace=account.workspace).sequence

    def add(contact: Any, number: int) -> None:
        for _ in range(number):
            row = factories.CompletedEnrollmentFactory(sequence=sequence, contact=contact, owner=user)
            message = factories.SentMessageFactory(enrollment=row)
            factories.ReplyFactory(message=message)
            factories.TaskFactory(enrollment=row, contact=contact)
            factories.ExecutionLogFactory(enrollment=row)

    counts = []
    for number in (1, 12):
        contact: Any = factories.ContactFactory(workspace=account.workspace, account=account)
        factories.EnrollmentFactory(sequence=sequence, contact=contact)
        add(contact, number)
        for path, pk in (("contact", contact.pk), ("account", account.pk)):
            client.get(reverse(f"admin:sequences_{path}_change", args=[pk]))
        for path, pk in (("contact", contact.pk), ("account", account.pk)):
            with count_statements() as counted:
                assert client.get(reverse(f"admin:sequences_{path}_change", args=[pk])).status_code == 200
            counts.append(counted.count)
    assert counts[:2] == counts[2:]


def test_an_account_shows_its_contacts_enrollments_and_replies() -> None:
    account: Any = factories.AccountFactory()
    contact: Any = factories.ContactFactory(workspace=account.workspace, account=account, first_name="Grace")
    row: Any = factories.EnrollmentFactory(contact=contact, sequence__workspace=account.workspace)
    reply: Any = factories.ReplyFactory(message=factories.SentMessageFactory(enrollment=row))
    client, _ = log_in(account.workspace, "manager")
    page = client.get(reverse("admin:sequences_account_change", args=[account.pk]))
    assert [each.pk for each in page.context["contacts"]] == [contact.pk]
    assert [each["row"].pk for each in page.context["participations"]] == [row.pk]
    assert [each.pk for each in page.context["replies"]] == [reply.pk]


def test_merge_fields_keep_their_types_unless_a_row_says_otherwise() -> None:
    stored = {"seats": 40, "is_vip": True, "note": "one\ntwo", "industry": "Robots"}
    contact: Any = factories.ContactFactory(fields=stored)
    client, _ = log_in(contact.workspace)
    page = open_contact(client, contact).content.decode()
    assert "&quot;seats&quot;" not in page
    assert 'value="seats"' in page
    rows = [("seats", "number", "40"), ("is_vip", "boolean", "yes"), ("note", "text", "one\r\ntwo")]
    added = [("Founded in", "number", "1999.5"), ("plan", "text", "42"), ("", "text", "")]
    assert post_fields(client, contact, *rows, *added).status_code == 302
    contact.refresh_from_db()
    assert contact.fields == {
        "seats": 40, "is_vip": True, "note": "one\ntwo", "founded_in": 1999.5, "plan": "42",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([("seats", "number", "many")], "seats is no number: &#x27;many&#x27;. Write it as 1200 or 2.5."),
        ([("vip", "boolean", "maybe")], "vip is yes or no."),
        ([("", "text", "lost")], "The value &#x27;lost&#x27; has no name. Name it, or remove it."),
        ([("Plan", "text", "a"), ("plan", "text", "b")], "There are two fields named plan. Remove one."),
        ([("email", "text", "x@y.example")], "email is a column of its own"),
    ],
)
def test_a_bad_merge_field_gets_one_line_and_changes_nothing(rows: list[tuple[str, str, str]], error: str) -> None:
    contact: Any = factories.ContactFactory(fields={"kept": "yes"})
    client, _ = log_in(contact.workspace)
    page = post_fields(client, contact, *rows)
    assert page.status_code == 200
    assert error in page.content.decode()
    contact.refresh_from_db()
    assert contact.fields == {"kept": "yes"}


def test_a_form_without_merge_fields_keeps_them() -> None:
    contact: Any = factories.ContactFactory(fields={"seats": 40})
    client, _ = log_in(contact.workspace)
    data = {"email": contact.email, "title": "CTO"}
    assert client.post(reverse("admin:sequences_contact_change", args=[contact.pk]), data).status_code == 302
    assert Contact.objects.values_list("title", "fields").get() == ("CTO", {"seats": 40})
