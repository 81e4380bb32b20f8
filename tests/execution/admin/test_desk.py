"""The desk: enrollments snoozed, tasks snoozed and reassigned, similar failures replayed, timelines in both orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.models import DeadLetter
from tasks_app.models import Task
from tests import factories
from tests.execution.admin.test_actions import press
from tests.support.admin_pages import ROOT_EMAIL, log_in_root, log_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return log_in_root()


@pytest.fixture
def sequence() -> Any:
    made = factories.SequenceFactory()
    factories.DelayStepFactory(sequence=made)
    factories.StepFactory(sequence=made)
    return made


def test_snoozing_moves_the_due_time_and_the_next_steps_show_it(client: Client, sequence: Any) -> None:
    row = factories.EnrollmentFactory(sequence=sequence)
    later = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    response = press(
        client, "sequences_enrollment", row.pk, "snooze", until_0=f"{later:%Y-%m-%d}", until_1=f"{later:%H:%M:%S}"
    )
    assert response.status_code == 302
    row.refresh_from_db()
    assert (row.status, row.next_step_at) == ("active", later)
    page = client.get(reverse("admin:sequences_enrollment_change", args=[row.pk]))
    assert page.context["ahead"].steps[0].earliest_at == later
    assert "Next steps" in page.content.decode()


def test_times_of_the_next_steps_are_all_in_the_readers_zone(client: Client) -> None:
    first: Any = factories.StepFactory()
    split: Any = factories.SplitStepFactory(sequence=first.sequence)
    row = factories.EnrollmentFactory(sequence=first.sequence, current_step=split, next_step_at=timezone.now())
    client.cookies["reader_zone"] = "Asia/Tokyo"
    page = client.get(reverse("admin:sequences_enrollment_change", args=[row.pk]))
    ahead = page.content.decode().partition('id="ahead"')[2].partition("</section>")[0]
    assert "Email opened: at once if yes, otherwise at <time" in ahead
    assert ahead.count(" JST (") == 2


def test_an_unknown_outcome_leads_to_its_message(client: Client) -> None:
    step: Any = factories.StepFactory()
    row = factories.EnrollmentFactory(sequence=step.sequence, at=timezone.now() - timedelta(hours=1))
    message: Any = factories.SentMessageFactory(
        enrollment=row, status="unknown", sent_at=None, unknown_at=timezone.now()
    )
    page = client.get(reverse("admin:sequences_enrollment_change", args=[row.pk])).content.decode()
    holds = page.partition('id="holds"')[2].partition("</section>")[0]
    assert "Delivery unconfirmed: mark it as sent or send it again" in holds
    assert reverse("admin:emails_emailmessage_change", args=[message.pk]) in holds


def test_tasks_are_snoozed_and_reassigned_to_members_that_the_user_can_see(sequence: Any) -> None:
    workspace = sequence.workspace
    client = log_in_staff(workspace)
    task = factories.TaskFactory(enrollment__sequence=sequence)
    colleague: Any = factories.MembershipFactory(workspace=workspace).user
    stranger: Any = factories.MembershipFactory().user
    url = reverse("admin:tasks_app_task_change", args=[task.pk]).replace("/change/", "/reassign/")
    page = client.get(url).content.decode()
    assert (colleague.email in page, stranger.email in page) == (True, False)
    assert press(client, "tasks_app_task", task.pk, "reassign", assignee=stranger.pk).status_code == 200
    assert press(client, "tasks_app_task", task.pk, "reassign", assignee=colleague.pk).status_code == 302
    later = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    press(client, "tasks_app_task", task.pk, "snooze", until_0=f"{later:%Y-%m-%d}", until_1=f"{later:%H:%M:%S}")
    task.refresh_from_db()
    assert (task.assignee_id, task.due_at) == (colleague.pk, later)


def test_dead_letters_of_one_kind_are_found_and_replayed_together(client: Client, sequence: Any) -> None:
    step = sequence.steps.first()
    for number in range(3):
        factories.DeadLetterFactory(enrollment__sequence=sequence, step=step, error=f"row {number} is odd")
    other = factories.DeadLetterFactory(enrollment__sequence=sequence, step=step, error="another thing")
    listing = reverse("admin:execution_deadletter_changelist")
    example = DeadLetter.objects.filter(error__startswith="row").latest("pk")
    page = client.get(listing)
    assert f"3 × row 2 is odd ({sequence.name}, step {step.number})" in page.content.decode()
    where = f"{listing}?similar_to={example.pk}"
    assert client.get(where).context["cl"].result_count == 3
    data = {"action": "replay_selected", "_selected_action": [example.pk], "select_across": 1, "apply": 1}
    client.post(where, data)
    assert list(DeadLetter.objects.filter(resolved_at__isnull=True)) == [other]
    shown = {query: client.get(listing + query).context["cl"].result_count for query in ("", "?state=resolved")}
    assert shown == {"": 1, "?state=resolved": 3}
    for query in ("?state=all", "?resolution__exact=replayed"):
        assert client.get(listing + query).context["cl"].result_count == (4 if "all" in query else 3)


def test_the_timeline_has_both_orders_and_links_to_the_emails(client: Client, sequence: Any) -> None:
    message = factories.SentMessageFactory(enrollment__sequence=sequence)
    row = message.enrollment
    factories.ExecutionLogFactory(enrollment=row, action="executed", details={"message": message.pk})
    factories.ExecutionLogFactory(enrollment=row, action="paused", at=factories.NOW + timedelta(days=1))
    url = reverse("admin:sequences_enrollment_change", args=[row.pk])
    newest, oldest = (client.get(url + query) for query in ("", "?order=oldest"))
    assert [entry.kind for entry in newest.context["entries"]] == ["paused", "executed"]
    assert [entry.kind for entry in oldest.context["entries"]] == ["executed", "paused"]
    assert reverse("admin:emails_emailmessage_change", args=[message.pk]) in newest.content.decode()


def test_the_inbox_of_tasks_holds_what_is_mine_and_due(client: Client, sequence: Any) -> None:
    me = get_user_model().objects.get(username=ROOT_EMAIL)
    later = timezone.now() + timedelta(days=1)
    due = factories.TaskFactory(assignee=me)
    mine = factories.TaskFactory(assignee=me, due_at=later)
    unassigned = factories.TaskFactory(assignee=None)
    factories.TaskFactory(assignee=me, status="completed", completed_at=later)
    factories.TaskFactory(assignee=factories.UserFactory())
    for quick_filter, tasks in (("mine", [due, mine]), ("due", [due]), ("unassigned", [unassigned])):
        page = client.get(reverse("admin:tasks_app_task_changelist"), {"inbox": quick_filter})
        assert {row.pk for row in page.context["cl"].result_list} == {task.pk for task in tasks}, quick_filter


def test_open_tasks_come_first_and_then_the_highest_scores(client: Client) -> None:
    cold, hot, done = (factories.TaskFactory(enrollment__contact__engagement_score=score) for score in (10, 50, 90))
    Task.objects.filter(pk=done.pk).update(status="completed", completed_at=factories.NOW)
    listed = client.get(reverse("admin:tasks_app_task_changelist")).context["cl"].result_list
    assert [task.pk for task in listed] == [hot.pk, cold.pk, done.pk]


def test_the_menu_counts_replies_only_while_there_are_some() -> None:
    workspace = factories.WorkspaceFactory()
    client = log_in_staff(workspace)
    assert "se-badge" not in client.get(reverse("admin:index")).content.decode()
    enrollment = factories.EnrollmentFactory(sequence__workspace=workspace)
    factories.ReplyFactory(message=factories.SentMessageFactory(enrollment=enrollment))
    assert '<span class="se-badge">1</span>' in client.get(reverse("admin:index")).content.decode()
