"""Helpers of the admin's tests: clients that are logged in, and one row of every model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from common.encryption import Secrets
from emails.models import ExternalEvent, HookRecord, InboxState, SuppressionChange
from execution.models import ApiKey, ControlLog, IdempotencyKey, WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.models import EnrollRule, Membership, SecurityEvent, Workspace
from tests import factories
from tests.support.absences import make_time_off
from tests.support.imports import make_csv, store_file
from tests.support.invited import InvitationFactory
from tests.support.pools import make_pool
from tests.support.snippets import make_snippet

ROOT_EMAIL = "root@sender.example"
STAFF_EMAIL = "ada@sender.example"
SECRET = "hunter2-never-shown"
APPS = ("sequences", "emails", "tasks_app", "execution", "auth")


def log_in_root() -> Client:
    """A client of a superuser."""
    users = get_user_model().objects
    user = users.filter(username=ROOT_EMAIL).first() or users.create_superuser(ROOT_EMAIL, ROOT_EMAIL, "password")
    client = Client()
    client.force_login(user)
    return client


def log_in_staff(workspace: Workspace) -> Client:
    """A client of an admin of one workspace, with every permission of Django's."""
    user: Any = factories.OperatorFactory(username=STAFF_EMAIL)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    Membership.objects.create(workspace=workspace, user=user, role="admin")
    client = Client()
    client.force_login(user)
    return client


def make_one_of_each(workspace: Workspace) -> None:
    """A row of every model the admin shows, all in one workspace."""
    # tests that commit empty this table too
    factories.ExecutorStateFactory()
    now = timezone.now()
    user: Any = factories.UserFactory()
    factories.MembershipFactory(workspace=workspace, user=user)
    InvitationFactory(workspace=workspace)
    account = factories.AccountFactory(workspace=workspace)
    make_snippet(workspace)
    make_time_off(workspace=workspace, owner=user)
    sequence = factories.SequenceFactory(workspace=workspace)
    step = factories.StepFactory(sequence=sequence)
    split: Any = factories.SplitStepFactory(sequence=sequence, if_true_goto=None)
    factories.TaskStepFactory(sequence=sequence)
    mailbox = factories.MailboxFactory(workspace=workspace, owner=user, credentials={"password": SECRET})
    factories.SendLimitFactory(mailbox=mailbox)
    make_pool(workspace, mailbox)
    InboxState.objects.create(mailbox=mailbox)
    SuppressionChange.objects.create(
        workspace=workspace, email="jo@prospect.example", action="added", reason="manual", actor="sam", at=factories.NOW
    )
    HookRecord.objects.create(
        workspace=workspace, mailbox=mailbox, provider="postmark", what="unknown", received_at=factories.NOW
    )
    contact = factories.ContactFactory(workspace=workspace, account=account)
    EnrollRule.objects.create(
        workspace=workspace, name="New", filter={"domain": "x.example"}, sequence=sequence, owner=user, daily_maximum=5,
        made_by="sam",
    )  # fmt: skip
    ExternalEvent.objects.create(
        workspace=workspace, contact=contact, event_key="crm-1", type="meeting_booked", actor="sam",
        occurred_at=factories.NOW, recorded_at=factories.NOW,
    )  # fmt: skip
    store_file(workspace, make_csv(2))
    enrollment = factories.EnrollmentFactory(sequence=sequence, contact=contact, mailbox=mailbox, owner=user)
    message = factories.SentMessageFactory(enrollment=enrollment, html="<p>Hello</p><script>stolen()</script>")
    factories.EmailEventFactory(message=message)
    factories.ReplyFactory(message=message)
    factories.TaskFactory(enrollment=enrollment, step=split)
    factories.ExecutionLogFactory(enrollment=enrollment, step=step)
    stuck = factories.QuarantinedEnrollmentFactory(sequence=sequence, mailbox=mailbox)
    factories.DeadLetterFactory(enrollment=stuck)
    factories.SuppressionFactory(workspace=workspace)
    factories.AlertFactory(workspace=workspace)
    factories.WorkerFactory(heartbeat_at=now)
    ControlLog.objects.create(workspace=workspace, target="mailbox", action="paused", actor="ada", label="box", at=now)
    IdempotencyKey.objects.create(
        user=user, key=f"key-{workspace.pk}", path="/api/x", body_hash="0", created_at=now, response={"token": SECRET}
    )
    webhook = WebhookSubscription(
        workspace=workspace, url="https://x.example/", events=["*"], created_at=now, scanned_at=now
    )
    webhook.secret = Secrets(secret=SECRET)
    webhook.save()
    ping(webhook, now)
    ApiKey.objects.create(user=user, name="import")
    SecurityEvent.objects.create(user=user, kind="login", at=now)
    Group.objects.get_or_create(name="Operators")
    _make_jobs(workspace)


def _make_jobs(workspace: Workspace) -> None:
    now = timezone.now()
    Schedule.objects.create(func="math.floor", next_run=now + timedelta(days=1))
    for model, success in ((Success, True), (Failure, False)):
        name = f"{success}-{workspace.pk}"
        model.objects.create(id=name, name=name, func="math.floor", started=now, stopped=now, success=success)
    OrmQ.objects.create(key="x", lock=now)


def shown_messages(response: Any) -> list[str]:
    """The messages of a response."""
    return [str(message) for message in get_messages(response.wsgi_request)]
