"""Actions of the admin: each calls its control with the user's name, logs it, and shows its result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from freezegun import freeze_time

from emails.models import EmailMessage, ExecutorState, InboxState, Mailbox, Suppression
from execution.insight.timeline import read_timeline
from execution.models import ControlLog, DeadLetter, ExecutionLog
from sequences.models import Enrollment, Membership
from tasks_app.models import Task
from tests import factories
from tests.support.admin_pages import ROOT_EMAIL, SECRET, log_in_root, log_in_staff, shown_messages

pytestmark = pytest.mark.django_db

ENROLLMENTS = "admin:sequences_enrollment_changelist"


@pytest.fixture
def client() -> Client:
    return log_in_root()


@pytest.fixture
def sequence() -> Any:
    sequence = factories.SequenceFactory()
    factories.DelayStepFactory(sequence=sequence)
    factories.StepFactory(sequence=sequence)
    return sequence


def post_action(client: Client, where: str, action: str, ids: list[int], **more: Any) -> Any:
    data = {"action": action, "_selected_action": ids, "select_across": 0, "apply": 1, **more}
    return client.post(reverse(where), data)


def press(client: Client, where: str, pk: int, action: str, **answers: Any) -> Any:
    return client.post(reverse(f"admin:{where}_change", args=[pk]).replace("/change/", f"/{action}/"), answers)


def last_log(enrollment: Enrollment) -> ExecutionLog:
    line: ExecutionLog = ExecutionLog.objects.filter(enrollment=enrollment).latest("id")
    return line


def test_a_selection_is_confirmed_and_then_paused(client: Client, sequence: Any) -> None:
    active, done = (
        factories.EnrollmentFactory(sequence=sequence),
        factories.CompletedEnrollmentFactory(sequence=sequence),
    )
    ids = [active.pk, done.pk]
    asked = client.post(reverse(ENROLLMENTS), {"action": "pause_selected", "_selected_action": ids, "select_across": 0})
    assert f"{active.contact.email} in {sequence.name}" in asked.content.decode()
    active.refresh_from_db()
    assert active.status == "active"
    response = post_action(client, ENROLLMENTS, "pause_selected", ids, reason="on holiday")
    active.refresh_from_db()
    assert (active.status, active.pause_reason, active.paused_by) == ("paused", "on holiday", ROOT_EMAIL)
    assert shown_messages(response) == ["Paused 1 enrollment; 1 refused: it has ended: completed."]
    line = last_log(active)
    assert (line.action, line.actor, line.message) == ("paused", ROOT_EMAIL, "on holiday")


def test_all_that_match_the_filter_are_paused_and_no_others(client: Client, sequence: Any) -> None:
    rows = [factories.EnrollmentFactory(sequence=sequence) for _ in range(3)]
    other = factories.EnrollmentFactory()
    where = f"{reverse(ENROLLMENTS)}?sequence={sequence.pk}"
    data = {"action": "pause_selected", "_selected_action": [rows[0].pk], "select_across": 1}
    asked = client.post(where, data)
    assert asked.context["title"] == "Pause 3 enrollments"
    client.post(where, {**data, "apply": 1})
    assert set(Enrollment.objects.filter(status="paused")) == set(rows)
    other.refresh_from_db()
    assert other.status == "active"


def test_pausing_can_name_the_time_to_resume(client: Client, sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence)
    past = press(client, "sequences_enrollment", row.pk, "pause", resume_at_0="2020-01-01", resume_at_1="10:00")
    assert "This time has passed" in past.content.decode()
    later = timezone.now() + timedelta(days=3)
    response = press(
        client, "sequences_enrollment", row.pk, "pause", resume_at_0=f"{later:%Y-%m-%d}", resume_at_1="10:00:00"
    )
    row.refresh_from_db()
    assert response.status_code == 302
    assert row.resume_at is not None
    assert f"{row.resume_at:%Y-%m-%d %H:%M}" == f"{later:%Y-%m-%d} 10:00"


@pytest.mark.parametrize(
    ("action", "factory", "logged", "status"),
    [
        ("resume", factories.PausedEnrollmentFactory, "resumed", "active"),
        ("skip", factories.EnrollmentFactory, "skipped", "active"),
        ("exit", factories.EnrollmentFactory, "exited", "auto_exited"),
    ],
)
def test_a_button_does_its_action(
    client: Client, sequence: Any, action: str, factory: Any, logged: str, status: str
) -> None:
    row = factory(sequence=sequence)
    step = row.current_step_id
    response = press(client, "sequences_enrollment", row.pk, action, reason="because")
    assert response.status_code == 302
    row.refresh_from_db()
    line = last_log(row)
    assert (row.status, line.action, line.actor, line.message) == (status, logged, ROOT_EMAIL, "because")
    assert (row.current_step_id != step) is (action == "skip")


def test_opening_a_confirmation_page_changes_nothing(client: Client, sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence)
    for action in ("pause", "snooze", "skip", "retry", "exit"):
        url = reverse("admin:sequences_enrollment_change", args=[row.pk]).replace("/change/", f"/{action}/")
        assert client.get(url).status_code == 200
    row.refresh_from_db()
    assert row.status == "active"
    assert not ExecutionLog.objects.exists()


def test_actions_of_another_workspace_are_not_found(sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence)
    stranger = log_in_staff(factories.WorkspaceFactory())
    assert press(stranger, "sequences_enrollment", row.pk, "exit").status_code == 404
    post_action(stranger, ENROLLMENTS, "exit_selected", [row.pk])
    row.refresh_from_db()
    assert row.status == "active"


def test_an_sdr_only_reads_the_enrollments_of_a_colleague(sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence, owner=factories.UserFactory())
    reader = log_in_staff(sequence.workspace)
    Membership.objects.update(role="sdr")
    assert reader.get(reverse("admin:sequences_enrollment_change", args=[row.pk])).status_code == 200
    assert press(reader, "sequences_enrollment", row.pk, "exit").status_code == 403
    row.refresh_from_db()
    assert row.status == "active"


def test_the_page_shows_what_holds_it_and_what_happened(client: Client, sequence: Any) -> None:
    row = factories.PausedEnrollmentFactory(sequence=sequence)
    factories.ExecutionLogFactory(enrollment=row, action="failed", status="error", error="451 greylisted")
    message = factories.SentMessageFactory(enrollment=row)
    factories.EmailEventFactory(message=message, at=factories.NOW + timedelta(hours=1))
    html = client.get(reverse("admin:sequences_enrollment_change", args=[row.pk])).content.decode()
    assert "Paused by tests: on holiday" in html
    assert "451 greylisted" in html
    assert 0 < html.index("👁") < html.index("⚠")
    assert 'datetime="2026-03-02T11:00:00+00:00"' in html


def test_dead_letters_are_replayed_and_discarded(client: Client, sequence: Any) -> None:
    again, gone = (
        factories.DeadLetterFactory(enrollment=factories.QuarantinedEnrollmentFactory(sequence=sequence))
        for _ in range(2)
    )
    press(client, "execution_deadletter", again.pk, "replay", reason="fixed the template")
    post_action(client, "admin:execution_deadletter_changelist", "discard_selected", [gone.pk])
    again.refresh_from_db()
    gone.refresh_from_db()
    assert (again.resolution, again.resolved_by, again.enrollment.status) == ("replayed", ROOT_EMAIL, "active")
    assert (gone.resolution, gone.resolved_by) == ("discarded", ROOT_EMAIL)
    assert Enrollment.objects.get(pk=gone.enrollment_id).status == "auto_exited"
    assert DeadLetter.objects.filter(resolved_at__isnull=True).count() == 0
    response = press(client, "execution_deadletter", gone.pk, "replay")
    assert "already been resolved" in shown_messages(response)[-1]


@pytest.mark.parametrize(("action", "status"), [("mark_sent", "sent"), ("send_again", "queued")])
def test_an_unknown_message_is_resolved_with_a_reason(client: Client, action: str, status: str) -> None:
    enrollment = factories.EnrollmentFactory(sequence=factories.StepFactory().sequence)
    at = {"enrollment": enrollment, "unknown_at": factories.NOW, "sent_at": None}
    message: EmailMessage = factories.SentMessageFactory(status="unknown", **at)
    page = client.get(reverse("admin:emails_emailmessage_change", args=[message.pk]))
    assert f"Check the Sent folder of {message.mailbox.address}" in page.content.decode()
    press(client, "emails_emailmessage", message.pk, action, reason="checked the Sent folder")
    message.refresh_from_db()
    assert (message.status, message.resolved_by) == (status, ROOT_EMAIL)
    line = last_log(message.enrollment)
    assert (line.action, line.actor, line.message) == ("resolved", ROOT_EMAIL, "checked the Sent folder")
    response = press(client, "emails_emailmessage", message.pk, action)
    assert "only an unknown one can be resolved" in shown_messages(response)[-1]


def test_a_mailbox_is_paused_and_resumed(client: Client) -> None:
    mailbox: Mailbox = factories.MailboxFactory()
    press(client, "emails_mailbox", mailbox.pk, "pause", reason="new password")
    mailbox.refresh_from_db()
    assert (mailbox.status, mailbox.status_reason, mailbox.status_actor) == ("paused", "new password", ROOT_EMAIL)
    press(client, "emails_mailbox", mailbox.pk, "resume")
    mailbox.refresh_from_db()
    assert mailbox.status == "active"
    assert list(ControlLog.objects.order_by("id").values_list("action", "actor")) == [
        ("paused", ROOT_EMAIL),
        ("resumed", ROOT_EMAIL),
    ]


def test_a_login_that_fails_is_reported(client: Client) -> None:
    mailbox = factories.MailboxFactory(smtp_port=1)
    response = press(client, "emails_mailbox", mailbox.pk, "test")
    assert "refused" in shown_messages(response)[-1]


def test_the_executor_is_paused_and_resumed(client: Client) -> None:
    factories.ExecutorStateFactory()
    press(client, "emails_executorstate", 1, "pause", reason="moving house")
    state = ExecutorState.objects.get()
    assert (state.is_paused, state.paused_by, state.paused_reason) == (True, ROOT_EMAIL, "moving house")
    press(client, "emails_executorstate", 1, "resume")
    assert not ExecutorState.objects.get().is_paused


def test_a_task_is_completed(client: Client) -> None:
    step: Any = factories.TaskStepFactory()
    task: Task = factories.TaskFactory(enrollment__sequence=step.sequence, step=step)
    press(client, "tasks_app_task", task.pk, "complete", outcome="reached them")
    task.refresh_from_db()
    assert (task.status, task.completed_by, task.outcome) == ("completed", ROOT_EMAIL, "reached them")
    enrollment: Any = task.enrollment
    line = last_log(enrollment)
    assert (line.action, line.actor, line.message) == ("task_completed", ROOT_EMAIL, "Call: reached them")
    entry = read_timeline(enrollment)[0]
    assert (entry.mark.icon, entry.title, entry.actor) == ("☑", "Task completed · Step 1 (task)", ROOT_EMAIL)


def test_of_the_selected_tasks_the_open_ones_are_completed_and_logged(client: Client) -> None:
    tasks = [factories.TaskFactory() for _ in range(3)]
    Task.objects.filter(pk=tasks[0].pk).update(status="cancelled", completed_at=timezone.now())
    ids = [task.pk for task in tasks]
    response = post_action(client, "admin:tasks_app_task_changelist", "complete_selected", ids, outcome="all called")
    assert shown_messages(response) == ["Completed 2 tasks; 1 refused: the task has already been closed."]
    assert [line.details["task"] for line in ExecutionLog.objects.order_by("id")] == ids[1:]
    assert not Enrollment.objects.filter(tasks__status="completed", wake_at=None).exists()


def test_contacts_are_enrolled(client: Client, sequence: Any) -> None:
    contact = factories.ContactFactory(workspace=sequence.workspace)
    mailbox = factories.MailboxFactory(workspace=sequence.workspace)
    data = {"sequence": sequence.pk, "emails": "unknown@x.example", "mailbox": mailbox.pk, "owner": ""}
    data |= {"start_at_0": "", "start_at_1": ""}
    url = reverse("admin:sequences_enrollment_add")
    assert "unknown@x.example is not a contact of" in client.post(url, data).content.decode()
    with freeze_time(factories.NOW):
        response = client.post(url, {**data, "emails": contact.email.upper()})
        assert shown_messages(response) == [
            "Enrolled 1 contact.",
            "All fit; the last first touch is on 3 March 2026, the last step is on 3 March 2026.",
        ]
    row = Enrollment.objects.get()
    assert (row.contact, last_log(row).actor) == (contact, ROOT_EMAIL)


def test_a_suppression_wakes_the_enrollments_that_it_affects(client: Client, sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence)
    Enrollment.objects.update(wake_at=None)
    data = {"workspace": sequence.workspace_id, "email": row.contact.email.upper(), "domain": "", "reason": "manual"}
    url = reverse("admin:emails_suppression_add")
    assert client.post(url, {**data, "domain": "also.example"}).status_code == 200
    assert client.post(url, {**data, "note": "asked by phone"}).status_code == 302
    row.refresh_from_db()
    stored = Suppression.objects.get()
    assert (stored.email, stored.actor, stored.note) == (row.contact.email, ROOT_EMAIL, "asked by phone")
    assert row.wake_at is not None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"__all__": ["Enter either an address or a domain."]}),
        ({"domain": "taken.example"}, {"domain": ["This domain is already suppressed."]}),
        ({"email": "Jo@taken.example"}, {"email": ["This address is already suppressed."]}),
        (
            {"domain": "no domain"},
            {"domain": ["no domain is not a domain: it holds a space; type it again without it."]},
        ),
    ],
)
def test_a_refused_suppression_has_one_error_in_plain_words(
    client: Client, values: dict[str, str], expected: dict[str, list[str]]
) -> None:
    there = factories.SuppressionFactory(email="", domain="taken.example")
    factories.SuppressionFactory(workspace=there.workspace, email="jo@taken.example")
    data = {"workspace": there.workspace_id, "email": "", "domain": "", "reason": "manual", **values}
    page = client.post(reverse("admin:emails_suppression_add"), data)
    errors = page.context["adminform"].form.errors
    assert {name: lines for name, lines in errors.items() if name in expected or name == "__all__"} == expected
    bad = {"workspace": there.workspace_id, "scope": "recipient_domain", "window": "day", "maximum": 5}
    page = client.post(reverse("admin:emails_sendlimit_add"), {**bad, "recipient_domain": "no domain"})
    assert "recipient_domain" in page.context["adminform"].form.errors


def test_a_contact_that_exists_is_named_as_the_error(client: Client) -> None:
    there = factories.ContactFactory()
    data = {"workspace": there.workspace_id, "email": there.email.upper(), "fields": "{}"}
    page = client.post(reverse("admin:sequences_contact_add"), data)
    assert page.context["adminform"].form.errors == {"email": ["A contact with this address already exists."]}


def test_a_changed_limit_wakes_the_lanes_that_it_holds(client: Client) -> None:
    later = timezone.now() + timedelta(hours=20)
    limit = factories.SendLimitFactory(mailbox=factories.MailboxFactory(lane_at=later))
    url = reverse("admin:emails_sendlimit_change", args=[limit.pk])
    data = {"scope": "mailbox", "window": "day", "maximum": 80, "mailbox": limit.mailbox_id, "user": ""}
    assert client.post(url, data).status_code == 302
    limit.refresh_from_db()
    assert (limit.maximum, limit.mailbox.lane_at < later) == (80, True)


def test_a_mailbox_that_never_sent_can_be_deleted(client: Client) -> None:
    mailbox = factories.MailboxFactory()
    InboxState.objects.create(mailbox=mailbox)
    factories.SendLimitFactory(mailbox=mailbox)
    assert client.post(reverse("admin:emails_mailbox_delete", args=[mailbox.pk]), {"post": "yes"}).status_code == 302
    assert not Mailbox.objects.exists()


def mailbox_data(mailbox: Mailbox, **more: Any) -> dict[str, Any]:
    names = [
        "address",
        "display_name",
        "signature",
        "timezone",
        "transport",
        "smtp_host",
        "smtp_port",
        "smtp_security",
        "smtp_username",
        "auth_method",
        "connections",
        "inbound",
        "imap_host",
        "imap_port",
        "imap_security",
        "imap_username",
        "gap_seconds",
        "jitter_seconds",
        "ramp_start",
        "ramp_step",
    ]
    data: dict[str, Any] = {name: getattr(mailbox, name) for name in names}
    data |= {"aliases": "", "owner": "", "transport_options": "{}", "other_secrets": "", "password": ""}
    return {**data, "send_limits-TOTAL_FORMS": 0, "send_limits-INITIAL_FORMS": 0, **more}


def test_secrets_are_stored_and_never_shown(client: Client) -> None:
    mailbox: Mailbox = factories.MailboxFactory(credentials={"password": SECRET, "api_key": SECRET})
    url = reverse("admin:emails_mailbox_change", args=[mailbox.pk])
    assert client.post(url, mailbox_data(mailbox, display_name="Kept")).status_code == 302
    mailbox.refresh_from_db()
    assert (mailbox.display_name, dict(mailbox.credentials)) == ("Kept", {"password": SECRET, "api_key": SECRET})
    typed = {"password": "new-" + SECRET, "other_secrets": f'{{"api_key": null, "token": "{SECRET}"}}'}
    refused = client.post(url, mailbox_data(mailbox, smtp_port="x", **typed))
    assert refused.status_code == 200
    assert SECRET not in refused.content.decode()
    assert client.post(url, mailbox_data(mailbox, **typed)).status_code == 302
    mailbox.refresh_from_db()
    assert dict(mailbox.credentials) == {"password": "new-" + SECRET, "token": SECRET}
    shown = client.get(url).content.decode()
    assert SECRET not in shown
    assert "password, token" in shown
    assert SECRET not in client.get(reverse("admin:emails_mailbox_history", args=[mailbox.pk])).content.decode()


def test_limits_are_added_on_the_page_of_their_mailbox(client: Client) -> None:
    mailbox = factories.MailboxFactory()
    cap = {"send_limits-TOTAL_FORMS": 1, "send_limits-0-maximum": 40, "send_limits-0-window": "day"}
    response = client.post(reverse("admin:emails_mailbox_change", args=[mailbox.pk]), mailbox_data(mailbox, **cap))
    assert response.status_code == 302
    limit = mailbox.send_limits.get()
    assert (limit.scope, limit.maximum, limit.workspace_id) == ("mailbox", 40, mailbox.workspace_id)
