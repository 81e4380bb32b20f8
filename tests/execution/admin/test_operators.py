"""What `create_user --role` gives: each role opens the desk and does there what the API lets it do, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from emails.models import EmailEvent, EmailMessage, ExecutorState, Mailbox, SendLimit
from execution.models import Alert, ApiKey, ControlLog, DeadLetter, ExecutionLog, WebhookSubscription
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
    return log_in(shell, "manager")


def log_in(shell: Shell, role: str, *more: str) -> Client:
    """A client of a user that the command makes; who has no password yet gets one as an operator would give it."""
    email = EMAIL if role == "manager" else f"{role}@a.example"
    assert shell("create_user", email, "--workspace", "acme", "--role", role, *more).status == 0
    user = get_user_model().objects.get(email=email)
    user.set_password("a long pass phrase")
    user.save()
    client = Client()
    page = client.post(reverse("admin:login"), {"username": email, "password": "a long pass phrase"})
    assert page.status_code == 302, page.context["form"].errors
    return client


def url(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def press(client: Client, row: Model, action: str, **answers: Any) -> int:
    where = url(type(row), "change", row.pk).replace("/change/", f"/{action}/")
    status = client.post(where, answers).status_code
    row.refresh_from_db()
    return status


@pytest.mark.parametrize("model", [Account, Contact, Mailbox, Sequence])
def test_managers_add_change_and_delete(client: Client, workspace: Workspace, model: type[Model]) -> None:
    make: Any = getattr(factories, f"{model.__name__}Factory")
    draft = {"status": "draft"} if model is Sequence else {}
    row = make(workspace=workspace, **draft)
    assert client.get(url(model, "add")).status_code == 200
    assert client.get(url(model, "change", row.pk)).context["has_change_permission"]
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not model._default_manager.filter(pk=row.pk).exists()


def test_managers_write_a_sequence_with_its_steps_and_enroll(client: Client, workspace: Workspace) -> None:
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


def test_managers_act_on_what_runs(client: Client, workspace: Workspace) -> None:
    make_one_of_each(workspace)
    enrollment, task = Enrollment.objects.exclude(status="quarantined").get(), Task.objects.get()
    mailbox = Mailbox.objects.filter(credentials__isnull=False).earliest("pk")
    assert press(client, task, "complete", outcome="done") == 302
    assert press(client, enrollment, "pause", reason="asked to") == 302
    assert press(client, mailbox, "pause") == 302
    assert (task.status, enrollment.status, mailbox.status) == ("completed", "paused", "paused")
    letter = DeadLetter.objects.get()
    assert press(client, letter, "discard") == 302
    assert (letter.resolution, letter.resolved_by) == ("discarded", EMAIL)


FACTS = (EmailEvent, EmailMessage, ExecutionLog, ControlLog, DeadLetter, Alert, Enrollment)


@pytest.mark.parametrize("model", [*FACTS, Workspace, Membership, SendLimit, WebhookSubscription])
def test_managers_only_look_at_facts_settings_and_limits(
    client: Client, workspace: Workspace, model: type[Model]
) -> None:
    make_one_of_each(workspace)
    row = model._default_manager.earliest("pk")
    assert client.get(url(model, "change", row.pk)).status_code == 200
    assert client.post(url(model, "change", row.pk), {"name": "Other"}).status_code == 403
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", ["sdr", "manager", "admin"])
def test_only_operators_pause_the_executor(shell: Shell, workspace: Workspace, role: str) -> None:
    state: Any = factories.ExecutorStateFactory()
    client = log_in(shell, role)
    assert press(client, state, "pause") == 403
    assert "/pause" not in client.get(url(ExecutorState, "change", 1)).content.decode()
    assert not state.is_paused
    assert press(log_in(shell, role, "--operator"), state, "pause") == 302
    assert (state.is_paused, state.paused_by) == (True, get_user_model().objects.get().email)


@pytest.mark.parametrize("role", ["sdr", "manager", "admin"])
def test_every_role_opens_the_pages_of_the_desk(shell: Shell, workspace: Workspace, role: str) -> None:
    make_one_of_each(workspace)
    client = log_in(shell, role)
    assert client.get(reverse("admin:index")).status_code == 200
    for model in (*FACTS, Account, Contact, Sequence, Mailbox, SendLimit, Task, Workspace, Membership, ApiKey):
        assert client.get(url(model, "changelist")).status_code == 200, model
    assert client.get(reverse("admin:auth_group_changelist")).status_code == 403
    assert client.get(reverse("admin:django_q_schedule_changelist")).status_code == 403


def test_an_admin_changes_settings_members_limits_webhooks_and_keys(shell: Shell, workspace: Workspace) -> None:
    client = log_in(shell, "admin")
    make_one_of_each(workspace)
    path = url(Workspace, "change", workspace.pk)
    form = client.get(path).context["adminform"].form
    data = {name: value for name in form.fields if (value := form[name].value()) is not None}
    members = list(Membership.objects.filter(workspace=workspace).order_by("pk"))
    data |= {"name": "Acme Sales", "memberships-TOTAL_FORMS": len(members), "memberships-INITIAL_FORMS": len(members)}
    for place, member in enumerate(members):
        role = member.role if member.role == "admin" else "manager"
        data |= {f"memberships-{place}-id": member.pk, f"memberships-{place}-role": role}
    assert client.post(path, data).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.name, [row.role for row in Membership.objects.order_by("pk")]) == (
        "Acme Sales", ["admin", "manager"],
    )  # fmt: skip
    limit = {"workspace": workspace.pk, "scope": "workspace", "window": "day", "maximum": 500}
    assert client.post(url(SendLimit, "add"), limit).status_code == 302
    for model in (SendLimit, WebhookSubscription):
        row = model._default_manager.earliest("pk")
        assert client.get(url(model, "change", row.pk)).context["has_change_permission"]
        assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 302
    key = ApiKey.objects.get()
    assert key.user_id != get_user_model().objects.get(username="admin@a.example").pk
    assert client.post(url(ApiKey, "delete", key.pk), {"post": "yes"}).status_code == 302
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("role", ["sdr", "manager"])
def test_keys_of_colleagues_are_not_shown(shell: Shell, workspace: Workspace, role: str) -> None:
    make_one_of_each(workspace)
    client = log_in(shell, role)
    assert client.post(url(ApiKey, "delete", ApiKey.objects.get().pk), {"post": "yes"}).status_code in {302, 404}
    own = {"name": "mine", "user": client.session["_auth_user_id"], "expiry_0": "", "expiry_1": ""}
    assert client.post(url(ApiKey, "add"), own).status_code == 200
    assert [row.name for row in client.get(url(ApiKey, "changelist")).context["cl"].result_list] == ["mine"]
    assert ApiKey.objects.count() == 2


def test_a_workspace_keeps_its_last_admin(shell: Shell, workspace: Workspace) -> None:
    client = log_in(shell, "admin")
    member = Membership.objects.get()
    changed = client.post(url(Membership, "change", member.pk), {"role": "sdr"})
    assert "the last admin of the workspace" in changed.content.decode()
    assert client.post(url(Membership, "delete", member.pk), {"post": "yes"}).status_code == 403
    assert Membership.objects.get().role == "admin"
    factories.MembershipFactory(workspace=workspace, role="admin")
    assert client.post(url(Membership, "change", member.pk), {"role": "sdr"}).status_code == 302


def test_an_admin_of_one_workspace_is_none_of_another(shell: Shell, workspace: Workspace) -> None:
    client = log_in(shell, "admin")
    elsewhere: Any = factories.MembershipFactory(user=get_user_model().objects.get(), role="manager").workspace
    member: Any = factories.MembershipFactory(workspace=elsewhere)
    assert client.post(url(Workspace, "change", elsewhere.pk), {"name": "Mine"}).status_code == 403
    assert client.post(url(Membership, "change", member.pk), {"role": "admin"}).status_code == 403
    data = {"workspace": elsewhere.pk, "scope": "workspace", "window": "day", "maximum": 5}
    assert client.post(url(SendLimit, "add"), data).status_code == 403


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
