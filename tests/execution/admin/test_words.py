"""The words of the admin's pages, and what users who can only read are shown."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.text import capfirst

from emails.tracking.links import click_url
from sequences.models import Workspace
from tests import factories
from tests.support.admin_pages import APPS, log_in_root, shown_messages

pytestmark = pytest.mark.django_db

QUEUE = reverse("admin:sequences_enrollment_changelist")


class _Text(HTMLParser):
    """The text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def text_of(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    return " ".join(parser.words)


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def crumbs(html: str) -> str:
    return text_of(html.partition('id="header-inner"')[2].partition("</h1>")[0])


@pytest.fixture
def reader() -> Client:
    """An SDR with every permission of Django's, in a workspace of others."""
    user: Any = factories.OperatorFactory()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    factories.MembershipFactory(workspace=factories.WorkspaceFactory(), user=user, role="sdr")
    client = Client()
    client.force_login(user)
    return client


def test_the_menu_calls_lists_what_they_call_themselves() -> None:
    listed = {f"{model._meta.app_label}_{model._meta.model_name}_changelist": model for model in admin.site._registry}
    pages = [item for group in settings.UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]]
    named = {page["title"]: listed.get(resolve(str(page["link"])).url_name or "") for page in pages}
    called = {
        title: getattr(admin.site._registry[model], "list_title", "") or capfirst(model._meta.verbose_name_plural)
        for title, model in named.items()
        if model
    }
    # a task is work for a user here; django-q2 means a job
    others = {"Schedules": "Scheduled tasks", "Failed jobs": "Failed tasks", "Auto-enrollment": "Auto-enrollment rules"}
    assert called == {title: others.get(title, title) for title in called}
    assert len(called) > 20


@pytest.mark.parametrize(("first_touch_only", "word"), [(True, "yes"), (False, "no")])
def test_yes_and_no_are_words_and_no_is_not_red(first_touch_only: bool, word: str) -> None:
    limit: Any = factories.SendLimitFactory(mailbox=factories.MailboxFactory(), first_touch_only=first_touch_only)
    html = log_in_root().get(reverse("admin:emails_sendlimit_changelist")).content.decode()
    row = html.partition('id="result_list"')[2]
    assert f" {word} {limit.workspace} " in f"{text_of(row)} "
    assert "bg-red-100" not in row


def test_an_address_is_written_as_its_owner_writes_it() -> None:
    contact: Any = factories.ContactFactory(email="bob@prospect.example")
    assert crumbs(log_in_root().get(change(contact)).content.decode()).endswith(" bob@prospect.example")


def test_titles_name_enrollments_by_contact_and_lists_as_the_menu_does() -> None:
    row: Any = factories.EnrollmentFactory()
    client = log_in_root()
    title = f"{row.contact.email} in {row.sequence.name}"
    assert crumbs(client.get(change(row)).content.decode()).endswith(f"Execution queue chevron_right {title}")
    assert client.get(QUEUE).context["title"] == "Execution queue"
    assert "chevron_right" not in crumbs(client.get(QUEUE).content.decode())
    assert client.get(reverse("admin:sequences_contact_changelist")).context["title"] == "Contacts"


def test_a_role_is_a_word() -> None:
    assert " is SDR of " in str(factories.MembershipFactory(role="sdr"))


def test_pausing_the_executor_says_what_is_paused() -> None:
    factories.ExecutorStateFactory()
    page = log_in_root().get(reverse("admin:emails_executorstate_pause_one", args=[1]))
    assert page.context["title"] == "Pause: the executor"


@pytest.mark.parametrize("kind", ["split", "task"])
def test_an_enrollment_that_waits_at_a_step_is_not_late(kind: str) -> None:
    begun_at = timezone.now() - timedelta(hours=15)
    email: Any = factories.StepFactory()
    make: Any = factories.SplitStepFactory if kind == "split" else factories.TaskStepFactory
    config = {"condition_config": {"wait_hours": 48}} if kind == "split" else {"wait_for_completion": True}
    step = make(sequence=email.sequence, **config)
    row: Any = factories.EnrollmentFactory(
        sequence=email.sequence, current_step=step, next_step_at=begun_at, previous_ended_at=begun_at, wake_at=None
    )
    factories.SentMessageFactory(enrollment=row, step=email, sent_at=begun_at)
    if kind == "task":
        factories.TaskFactory(enrollment=row, step=step, visit=row.visit)
    text = "at the latest" if kind == "split" else "when its task is completed"
    listed, page = (text_of(log_in_root().get(url).content.decode()) for url in (QUEUE, change(row)))
    assert text in listed
    assert text in page
    assert "15 hours ago" not in listed.partition(" Due ")[2]
    assert list(log_in_root().get(QUEUE, {"needs": "overdue"}).context["cl"].result_list) == []


def test_a_reader_of_a_sequence_is_not_asked_to_write(reader: Client) -> None:
    window = {"timezone": "contact", "mon-fri": ["09:00-17:00"]}
    step: Any = factories.StepFactory(sequence__workspace=Workspace.objects.get(), sequence__window=window)
    html = reader.get(change(step.sequence)).content.decode()
    assert "Flow" in html
    assert "Click into a subject" not in html
    assert "the contact's own" in text_of(html)


def test_an_entry_of_the_list_of_suppressions_offers_nothing_to_save(reader: Client) -> None:
    entry: Any = factories.SuppressionFactory(workspace=Workspace.objects.get())
    for client in (reader, log_in_root()):
        page = client.get(change(entry))
        assert entry.email in page.content.decode()
        assert 'name="_save"' not in page.content.decode()


def test_empty_lists_tell_whether_entries_are_added_automatically(reader: Client) -> None:
    for name, text in (("webhooksubscription", "None yet."), ("alert", "Entries are added automatically.")):
        assert text in reader.get(reverse(f"admin:execution_{name}_changelist")).content.decode()


def test_a_refused_page_links_back(reader: Client) -> None:
    sequence: Any = factories.SequenceFactory(workspace=Workspace.objects.get())
    refused = reader.post(reverse("admin:sequences_sequence_pause_one", args=[sequence.pk]))
    assert refused.status_code == 403
    assert reverse("admin:index") in refused.content.decode()


def test_viewing_an_email_does_not_count_as_a_click() -> None:
    sent: Any = factories.SentMessageFactory()
    target = "https://sender.example/tour?a=1&b=2"
    sent.html = f'<p><a href="{click_url(sent.pk, target, timezone.now())}">the tour</a></p>'
    sent.save()
    page = log_in_root().get(change(sent))
    assert page.context["shown"] == '<p><a href="https://sender.example/tour?a=1&amp;b=2">the tour</a></p>'
    assert "/t/c/" not in page.content.decode().partition("srcdoc=")[2].partition(">")[0]
    assert "&lt;base target=&quot;_blank&quot;&gt;" in page.content.decode(), "a link would replace the email"


def test_removing_a_suppression_leads_back_to_the_list() -> None:
    entry: Any = factories.SuppressionFactory()
    removed = log_in_root().post(
        reverse("admin:emails_suppression_remove_one", args=[entry.pk]), {"reason": "asked"}, follow=True
    )
    assert removed.redirect_chain == [(reverse("admin:emails_suppression_changelist"), 302)]
    assert "Removed 1 suppression." in removed.content.decode()
    assert "exist" not in " ".join(shown_messages(removed))


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        (
            {"status": "broken", "status_reason": "535 refused", "status_actor": "engine"},
            "Broken by engine: 535 refused.",
        ),
        ({"status": "paused", "status_reason": "on leave", "status_actor": "ada"}, "Paused by ada: on leave."),
        (
            {"breaker_state": "open", "breaker_error": "timed out", "breaker_until": timezone.now()},
            "The mail server is failing : timed out.",
        ),
        ({}, ""),
    ],
)
def test_a_mailbox_in_trouble_says_so_at_the_top_of_its_page(trouble: dict[str, Any], text: str) -> None:
    mailbox: Any = factories.MailboxFactory(**trouble)
    html = log_in_root().get(change(mailbox)).content.decode()
    above = text_of(html.partition('role="status"')[2].partition("<form")[0])
    assert text in above
    assert bool(above) == bool(trouble)


def test_resolving_a_message_names_its_recipient() -> None:
    unknown: Any = factories.SentMessageFactory(status="unknown", sent_at=None, unknown_at=timezone.now())
    asked = log_in_root().get(reverse("admin:emails_emailmessage_mark_sent_one", args=[unknown.pk]))
    assert asked.context["title"] == f"Mark as sent: the email to {unknown.recipient}"
