"""Every page of the admin opens, shows the user's workspaces only, and takes as many queries for 30 rows as for 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from emails.models import EmailEvent, EmailMessage, EmailOutcome, ExecutorState, InboxState, Mailbox, SendLimit
from emails.models.address import AddressVerdict, MailDomain
from emails.models.approval import Approval
from emails.models.reply import Answer, ReplyCorrection
from execution.models import AgentDay, ApiKey, DeadLetter, ExecutionLog, IdempotencyKey, KeptForecast
from sequences.models import (
    ColumnChoice,
    Contact,
    ContactImportBatch,
    Enrollment,
    LoginFailure,
    SavedView,
    SecondFactor,
    Sequence,
    Step,
)
from sequences.models.erased import ErasedAddress, ErasureKey
from sequences.models.user_settings import UserSettings
from tasks_app.models import Task
from tests import factories
from tests.support.admin_pages import SECRET, STAFF_EMAIL, log_in_root, log_in_staff, make_one_of_each
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db

admin.autodiscover()
MODELS = list(admin.site._registry)
TENANTS = [model for model in MODELS if any(field.name == "workspace" for field in model._meta.fields)]
PRODUCT_APPS = {"sequences", "emails", "tasks_app", "execution"}


def url(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_all_models_of_the_product_have_a_page_or_a_place_on_one_but_hashes() -> None:
    from django.apps import apps

    secret = {ErasedAddress, ErasureKey, LoginFailure, SecondFactor}
    # answers, corrections and batches are on the page of their reply or import, settings are each user's own
    # saved views are above their list, choices of columns on the page that imports
    # what agents changed is a column of the API keys; outcomes are shown on their email
    elsewhere = {
        AgentDay, Answer, Approval, ColumnChoice, ContactImportBatch, EmailOutcome, ReplyCorrection, SavedView,
        UserSettings,
    }  # fmt: skip
    # what is known of an address is on the page of its contact, kept forecasts are on the page Forecast
    elsewhere |= {AddressVerdict, MailDomain, KeptForecast}
    owned = {model for model in apps.get_models() if model._meta.app_label in PRODUCT_APPS} - secret - elsewhere
    assert owned <= set(admin.site._registry)


def test_every_list_and_every_page_opens() -> None:
    make_one_of_each(factories.WorkspaceFactory())
    client = log_in_root()
    opened = {}
    for model in MODELS:
        page = client.get(url(model, "change", model._default_manager.values_list("pk", flat=True)[0]))
        opened[model] = (client.get(url(model, "changelist")).status_code, page.status_code)
        assert SECRET not in page.content.decode(), model
    single = opened.pop(ExecutorState)
    assert single == (302, 200)
    assert opened == dict.fromkeys(opened, (200, 200))


def test_forms_to_add_open_where_adding_is_allowed() -> None:
    factories.WorkspaceFactory()
    client = log_in_root()
    request: Any = client.get(reverse("admin:index")).wsgi_request
    opened = {model: client.get(url(model, "add")).status_code for model in MODELS}
    assert opened == {
        model: 200 if page.has_add_permission(request) else 403 for model, page in admin.site._registry.items()
    }
    assert {opened[model] for model in (ExecutionLog, EmailMessage, EmailEvent, DeadLetter, ExecutorState)} == {403}
    assert {opened[model] for model in (Sequence, Mailbox, Contact, Enrollment)} == {200}


@pytest.mark.parametrize("model", [EmailEvent, ExecutionLog, EmailMessage, DeadLetter, ExecutorState, Enrollment])
def test_facts_are_not_edited(model: type[Model]) -> None:
    make_one_of_each(factories.WorkspaceFactory())
    client = log_in_root()
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    assert client.post(url(model, "change", row.pk), {"status": "completed"}).status_code == 403
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_staff_see_rows_of_their_workspaces_only() -> None:
    own, other = factories.WorkspaceFactory(name="Own"), factories.WorkspaceFactory(name="Other")
    make_one_of_each(own)
    make_one_of_each(other)
    client = log_in_staff(own)
    for model in TENANTS:
        shown = client.get(url(model, "changelist")).context["cl"].result_list
        assert {row.workspace_id for row in shown} == {own.pk}, model
        foreign = model._default_manager.filter(workspace=other)[0]
        assert client.get(url(model, "change", foreign.pk)).status_code in {302, 404}, model


def test_rows_without_a_workspace_are_scoped_by_their_owner() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    make_one_of_each(other)
    client = log_in_staff(own)
    for model in (IdempotencyKey, InboxState, ApiKey):
        assert list(client.get(url(model, "changelist")).context["cl"].result_list) == [], model
    users = client.get(reverse("admin:auth_user_changelist")).context["cl"].result_list
    assert [user.email for user in users] == [STAFF_EMAIL]


def test_staff_are_offered_their_own_rows_only() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    make_one_of_each(own)
    make_one_of_each(other)
    client = log_in_staff(own)
    form = client.get(url(SendLimit, "add")).context["adminform"].form
    assert {row.workspace_id for row in form.fields["mailbox"].queryset} == {own.pk}
    assert [row.pk for row in form.fields["workspace"].queryset] == [own.pk]
    owners = form.fields["user"].queryset.values_list("memberships__workspace", flat=True)
    assert set(owners) == {own.pk}
    listed = client.get(url(Enrollment, "changelist")).content.decode()
    assert Sequence.objects.get(workspace=own).name in listed
    assert Sequence.objects.get(workspace=other).name not in listed


def test_autocomplete_is_scoped() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    mine = factories.AccountFactory(workspace=own, name="Mine")
    factories.AccountFactory(workspace=other, name="Theirs")
    client = log_in_staff(own)
    query = {"app_label": "sequences", "model_name": "contact", "field_name": "account"}
    results = client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [result["id"] for result in results] == [str(mine.pk)]


def test_rows_of_two_workspaces_are_not_tied_together() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    foreign = factories.AccountFactory(workspace=other)
    data = {"workspace": own.pk, "email": "a@b.example", "account": foreign.pk, "fields": "{}"}
    response = log_in_root().post(url(Contact, "add"), data)
    assert "belongs to another workspace" in response.content.decode()
    assert not Contact.objects.exists()


def test_lanes_are_scoped() -> None:
    own, other = factories.WorkspaceFactory(), factories.WorkspaceFactory()
    mine, theirs = factories.MailboxFactory(workspace=own), factories.MailboxFactory(workspace=other)
    client = log_in_staff(own)
    html = client.get(reverse("admin:emails_mailbox_lanes")).content.decode()
    assert mine.address in html
    assert theirs.address not in html
    assert client.get(reverse("admin:emails_mailbox_lane", args=[theirs.pk])).status_code == 404


def test_a_lane_shows_usage_and_queue() -> None:
    mailbox = factories.MailboxFactory()
    factories.SendLimitFactory(mailbox=mailbox, maximum=50)
    factories.EmailMessageFactory(enrollment=_enroll(mailbox), recipient="first@prospect.example")
    html = log_in_root().get(reverse("admin:emails_mailbox_lane", args=[mailbox.pk])).content.decode()
    assert "0/50 per 24 hours" in html
    assert "first@prospect.example" in html


def test_a_rendered_email_cannot_run_scripts() -> None:
    message = factories.SentMessageFactory(html='<p>Hello</p><script>stolen("x")</script>')
    html = log_in_root().get(url(EmailMessage, "change", message.pk)).content.decode()
    assert "<script>stolen" not in html
    assert '<iframe class="se-preview" sandbox ' in html
    assert "&lt;p&gt;Hello&lt;/p&gt;" in html


def _enroll(mailbox: Mailbox) -> Enrollment:
    enrollment: Enrollment = factories.EnrollmentFactory(workspace=mailbox.workspace, mailbox=mailbox)
    return enrollment


def _enrollment(sequence: Sequence) -> None:
    factories.EnrollmentFactory(sequence=sequence, owner=factories.UserFactory())


COUNTED: list[tuple[type[Model], Callable[[Sequence], Any]]] = [
    (Enrollment, _enrollment),
    (Sequence, lambda sequence: factories.StepFactory(sequence__workspace=sequence.workspace)),
    (Step, lambda sequence: factories.StepFactory(sequence=sequence)),
    (Contact, lambda sequence: factories.ContactFactory(account=factories.AccountFactory())),
    (Mailbox, lambda sequence: factories.MailboxFactory(owner=factories.UserFactory())),
    (SendLimit, lambda sequence: factories.SendLimitFactory()),
    (EmailMessage, lambda sequence: factories.SentMessageFactory()),
    (EmailEvent, lambda sequence: factories.EmailEventFactory()),
    (Task, lambda sequence: factories.TaskFactory(assignee=factories.UserFactory())),
    (ExecutionLog, lambda sequence: factories.ExecutionLogFactory()),
    (DeadLetter, lambda sequence: factories.DeadLetterFactory()),
]


@pytest.mark.parametrize(("model", "make"), [pytest.param(*each, id=each[0]._meta.label) for each in COUNTED])
def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_one(
    model: type[Model], make: Callable[[Sequence], Any]
) -> None:
    sequence = factories.StepFactory().sequence
    client = log_in_root()
    make(sequence)
    client.get(url(model, "changelist"))
    with count_statements() as one:
        client.get(url(model, "changelist"))
    for _ in range(29):
        make(sequence)
    with count_statements() as thirty:
        response = client.get(url(model, "changelist"))
    assert len(response.context["cl"].result_list) >= 30
    assert thirty.count == one.count


def test_every_list_takes_as_many_queries_for_many_rows_as_for_few() -> None:
    client = log_in_root()
    lists = [model for model in MODELS if model is not ExecutorState]
    urls = [*(url(model, "changelist") for model in lists), reverse("admin:index")]

    def count() -> dict[str, int]:
        counts = {}
        for each in urls:
            with count_statements() as counted:
                assert client.get(each).status_code == 200
            counts[each] = counted.count
        return counts

    make_one_of_each(factories.WorkspaceFactory())
    count()
    few = count()
    for _ in range(5):
        make_one_of_each(factories.WorkspaceFactory())
    assert count() == few


def test_the_sending_queues_take_as_many_queries_for_many_mailboxes_as_for_one() -> None:
    workspace, owner = factories.WorkspaceFactory(), factories.UserFactory()
    factories.SendLimitFactory(workspace=workspace, scope="workspace", mailbox=None, maximum=500)
    client, path = log_in_root(), reverse("admin:emails_mailbox_lanes")

    def add(maximum: int) -> Mailbox:
        mailbox: Mailbox = factories.MailboxFactory(workspace=workspace, owner=owner)
        factories.SendLimitFactory(mailbox=mailbox, maximum=maximum)
        return mailbox

    first = add(41)
    client.get(path)
    with count_statements() as one:
        client.get(path)
    second = add(42)
    for number in range(3):
        add(43 + number)
    with count_statements() as many:
        lanes = {row["lane"].mailbox_id: row["usages"] for row in client.get(path).context["lanes"]}
    assert many.count == one.count
    assert [usage["detail"] for usage in lanes[first.pk]] == ["0/500 per 24 hours", "0/41 per 24 hours"]
    assert [usage["detail"] for usage in lanes[second.pk]] == ["0/500 per 24 hours", "0/42 per 24 hours"]


def test_a_past_slot_is_free_and_a_future_one_has_a_time() -> None:
    workspace = factories.WorkspaceFactory()
    now = timezone.now()
    free = factories.MailboxFactory(workspace=workspace, next_slot_at=now - timedelta(minutes=19))
    paced = factories.MailboxFactory(workspace=workspace, next_slot_at=now + timedelta(minutes=19))
    client = log_in_root()
    slots = {
        mailbox.pk: client.get(reverse("admin:emails_mailbox_lane", args=[mailbox.pk])).context["shown"]["slot_at"]
        for mailbox in (free, paced)
    }
    assert slots == {free.pk: None, paced.pk: paced.next_slot_at}
