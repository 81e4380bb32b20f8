"""What `create_user --operator` gives: the admin lets a manager do what the API does, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from emails.models import EmailEvent, EmailMessage, ExecutorState, Mailbox, SendLimit
from execution.models import Alert, ApiKey, ControlLog, DeadLetter, ExecutionLog
from sequences.models import Account, Contact, Enrollment, Membership, Sequence, Workspace
from tasks_app.models import Task
from tests import factories
from tests.support.admin_pages import log_in_root, make_one_of_each
from tests.support.counting import count_statements
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db

EMAIL = "ada@a.example"


@pytest.fixture
def workspace() -> Workspace:
    return factories.WorkspaceFactory(slug="acme")


@pytest.fixture
def client(shell: Shell, workspace: Workspace) -> Client:
    assert shell("create_user", EMAIL, "--workspace", "acme", "--role", "manager", "--operator").status == 0
    client = Client()
    client.force_login(get_user_model().objects.get(email=EMAIL))
    return client


def url(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def press(client: Client, row: Model, action: str, **answers: Any) -> int:
    where = url(type(row), "change", row.pk).replace("/change/", f"/{action}/")
    status = client.post(where, answers).status_code
    row.refresh_from_db()
    return status


@pytest.mark.parametrize("model", [Account, Contact, Mailbox, SendLimit, Sequence])
def test_operators_add_change_and_delete(client: Client, workspace: Workspace, model: type[Model]) -> None:
    make: Any = getattr(factories, f"{model.__name__}Factory")
    draft = {"status": "draft"} if model is Sequence else {}
    row = make(workspace=workspace, **draft)
    assert client.get(url(model, "add")).status_code == 200
    assert client.get(url(model, "change", row.pk)).context["has_change_permission"]
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not model._default_manager.filter(pk=row.pk).exists()


def test_operators_write_a_sequence_with_its_steps_and_enroll(client: Client, workspace: Workspace) -> None:
    step: dict[str, Any] = {"type": "email", "subject": "Hi", "body": "A word."}
    step |= {"delay_days": 0, "delay_hours": 0, "delay_minutes": 0, "task_type": "generic", "task_priority": "normal"}
    step["format"] = "auto"
    data = {"workspace": workspace.pk, "name": "Intro", "priority": 50, "description": ""}
    data |= {
        "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 0,
        **{f"steps-0-{key}": value for key, value in step.items()},
    }
    assert client.post(url(Sequence, "add"), data).status_code == 302
    sequence = Sequence.objects.get()
    assert press(client, sequence, "activate") == 302
    assert (sequence.status, sequence.steps.count()) == ("active", 1)
    factories.MailboxFactory(workspace=workspace, owner=get_user_model().objects.get(email=EMAIL))
    contact = factories.ContactFactory(workspace=workspace)
    data = {"sequence": sequence.pk, "emails": contact.email, "mailbox": Mailbox.objects.get().pk}
    assert client.post(url(Enrollment, "add"), {**data, "start_at_0": "", "start_at_1": ""}).status_code == 302
    assert Enrollment.objects.get().contact == contact


def test_operators_act_on_what_runs(client: Client, workspace: Workspace) -> None:
    make_one_of_each(workspace)
    enrollment, task = Enrollment.objects.exclude(status="quarantined").get(), Task.objects.get()
    mailbox, state = Mailbox.objects.filter(credentials__isnull=False).earliest("pk"), ExecutorState.objects.get()
    assert press(client, task, "complete", outcome="done") == 302
    assert press(client, enrollment, "pause", reason="asked to") == 302
    assert press(client, mailbox, "pause") == 302
    assert press(client, state, "pause") == 302
    assert (task.status, enrollment.status, mailbox.status) == ("completed", "paused", "paused")
    assert state.is_paused
    letter = DeadLetter.objects.get()
    assert press(client, letter, "discard") == 302
    assert (letter.resolution, letter.resolved_by) == ("discarded", EMAIL)


FACTS = (EmailEvent, EmailMessage, ExecutionLog, ControlLog, DeadLetter, Alert, Enrollment)


@pytest.mark.parametrize("model", [*FACTS, Workspace, Membership, ApiKey])
def test_operators_only_look_at_facts_members_and_keys(
    client: Client, workspace: Workspace, model: type[Model]
) -> None:
    make_one_of_each(workspace)
    row = model._default_manager.earliest("pk")
    assert client.get(url(model, "change", row.pk)).status_code == 200
    assert client.post(url(model, "change", row.pk), {"name": "Other"}).status_code == 403
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_role_is_changed_on_the_workspaces_page_and_its_user_stays() -> None:
    workspace = factories.WorkspaceFactory()
    member = factories.MembershipFactory(workspace=workspace)
    client = log_in_root()
    path = reverse("admin:sequences_workspace_change", args=[workspace.pk])
    page = client.get(path)
    form = page.context["adminform"].form
    data = {name: value for name in form.fields if (value := form[name].value()) is not None}
    data |= {f"memberships-{name}": value for name, value in (("TOTAL_FORMS", 1), ("INITIAL_FORMS", 1))}
    data |= {"memberships-0-id": member.pk, "memberships-0-workspace": workspace.pk, "memberships-0-role": "manager"}
    data |= {"memberships-0-user": factories.UserFactory().pk}
    assert client.post(path, data).status_code == 302
    changed = Membership.objects.get(pk=member.pk)
    assert (changed.role, changed.user_id) == ("manager", member.user_id)


def test_the_page_of_a_user_takes_as_many_queries_for_many_memberships() -> None:
    client, member = log_in_root(), factories.UserFactory()
    path = reverse("admin:auth_user_change", args=[member.pk])

    def add(number: int) -> int:
        for _ in range(number):
            factories.MembershipFactory(user=member)
        client.get(path)
        with count_statements() as statements:
            assert client.get(path).status_code == 200
        return statements.count

    assert add(2) == add(20)
