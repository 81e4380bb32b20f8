"""Auto-enrollment: who enters, the maximum of a day under any number of workers, and what keeps a rule from running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from execution.control.auto_enroll import PlannedDay, preview_rule, run_next_rule, run_rule
from execution.control.enroll_filter import FilterError, match_contacts
from execution.control.enroll_rules import SkipCode
from execution.control.enroll_statement import lock_enrolling
from execution.control.switches import pause_executor
from execution.models import ExecutionLog
from sequences.models import Enrollment, EnrollRule
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    ContactFactory,
    ExecutorStateFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    WorkspaceFactory,
)
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db


def make_rule(number: int = 5, **values: Any) -> EnrollRule:
    """Contacts with the field plan=pro enter, two a day; another contact has none."""
    ExecutorStateFactory()
    workspace = WorkspaceFactory(timezone="America/New_York")
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    ContactFactory.create_batch(number, workspace=workspace, fields={"plan": "Pro"})
    ContactFactory(workspace=workspace)
    defaults: dict[str, Any] = {
        "filter": {"merge_field_name": "plan", "merge_field_value": "pro"},
        "mailbox": MailboxFactory(workspace=workspace, owner=MembershipFactory(workspace=workspace).user),
        "daily_maximum": 2,
        "next_run_at": NOW,
    }
    rule: EnrollRule = EnrollRule.objects.create(
        workspace=workspace, sequence=sequence, name="Pro plan", **{**defaults, **values}
    )
    return rule


def test_it_enrolls_up_to_the_maximum_of_each_day_of_the_workspace() -> None:
    rule = make_rule()
    # 10:00 UTC is 05:00 in New York; its day ends at 05:00 UTC
    entered = {}
    for hours in (0, 1, 18, 19, 20, 44):
        while run_next_rule(NOW + timedelta(hours=hours)) is not None:
            pass
        entered[hours] = Enrollment.objects.filter(rule=rule).count()
    assert entered == {0: 2, 1: 2, 18: 2, 19: 4, 20: 4, 44: 5}
    first = Enrollment.objects.order_by("contact").first()
    assert first is not None and first.mailbox == rule.mailbox
    line = ExecutionLog.objects.get(enrollment=first, action="enrolled")
    assert (line.actor, line.details["rule"]) == ("auto-enrollment", rule.pk)
    assert line.message.endswith("by the rule Pro plan")


def test_the_preview_says_what_the_run_does_and_changes_nothing() -> None:
    rule = make_rule()
    contacts = list(match_contacts(rule.workspace_id, rule.filter).order_by("pk"))
    SuppressionFactory(workspace=rule.workspace, email=contacts[0].email)
    CompletedEnrollmentFactory(sequence=rule.sequence, contact=contacts[1])
    preview = preview_rule(rule, NOW)
    assert (preview.matching, preview.enrolled_today, preview.problem) == (5, 0, "")
    assert list(preview.today) == contacts[2:4]
    today = NOW.date()
    assert preview.days[:3] == tuple(
        PlannedDay(today + timedelta(days=number), count) for number, count in enumerate((2, 1, 0))
    )
    assert [(group.code, group.count) for group in preview.skipped] == [(SkipCode.SUPPRESSED, 1)]
    assert Enrollment.objects.count() == 1 and not ExecutionLog.objects.exists()
    assert run_rule(rule, NOW) == 2
    assert set(Enrollment.objects.filter(rule=rule).values_list("contact", flat=True)) == {
        contact.pk for contact in preview.today
    }
    assert preview_rule(rule, NOW).today == ()


def _leave(rule: EnrollRule) -> None:
    rule.workspace.memberships.all().delete()


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (lambda rule: pause_executor(actor="ops", now=NOW, reason="upgrade"), "The executor is paused."),
        (
            lambda rule: type(rule.workspace).objects.update(sending_paused_at=NOW),
            "Sending of the workspace is paused.",
        ),
        (
            lambda rule: type(rule.sequence).objects.update(status="paused", pause_reason="legal", paused_by="ada"),
            "is paused: activate it",
        ),
        (_leave, "has left the workspace"),
        (lambda rule: EnrollRule.objects.update(mailbox=None), "Its owner or mailbox is gone"),
        (lambda rule: type(rule.mailbox).objects.update(status="broken", status_reason="wrong login"), "cannot send"),
        (lambda rule: EnrollRule.objects.update(filter={"domain": ""}), "would match every contact"),
    ],
)
def test_what_keeps_a_rule_from_running_is_said_on_it(happens: Callable[[EnrollRule], object], says: str) -> None:
    rule = make_rule()
    happens(rule)
    assert run_next_rule(NOW) == 0
    rule.refresh_from_db()
    assert says in rule.problem and rule.next_run_at > NOW
    assert not Enrollment.objects.exists() and run_next_rule(NOW) is None


def test_a_rule_that_is_off_or_of_another_workspace_does_not_run() -> None:
    rule = make_rule(is_active=False)
    assert run_next_rule(NOW) is None
    EnrollRule.objects.update(is_active=True)
    assert run_next_rule(NOW, WorkspaceFactory().pk) is None
    assert run_next_rule(NOW, rule.workspace_id) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "would match every contact"),
        ({"search": "  "}, "would match every contact"),
        ({"score_at_least": 0}, "would match every contact"),
        ({"domian": "x.example"}, "did you mean domain?"),
        ({"workspace": 1}, "is not known"),
        ({"score_at_least": "high"}, "score_at_least: Enter a number"),
        ({"domain": ["x"]}, "must be a text or a number"),
        ([], "must be an object"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(given: Any, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        match_contacts(WorkspaceFactory().pk, given)
    assert says in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_the_maximum_holds_whatever_number_of_workers_runs_the_rule() -> None:
    rule = make_rule(number=30, daily_maximum=7)
    start, errors = threading.Barrier(4), []

    def work() -> None:
        try:
            start.wait()
            run_rule(rule, NOW)
            run_next_rule(NOW)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == [] and Enrollment.objects.filter(rule=rule).count() == 7


@pytest.mark.django_db(transaction=True)
def test_a_workspace_that_is_enrolling_holds_up_no_other() -> None:
    from django.db import transaction

    rule, other = make_rule(), make_rule()
    done: list[int | None] = []

    def work() -> None:
        try:
            done.extend(run_next_rule(NOW) for _ in range(3))
        finally:
            connection.close()

    with transaction.atomic():
        lock_enrolling(rule.workspace_id)
        worker = threading.Thread(target=work)
        worker.start()
        worker.join(timeout=30)
    assert done == [0, 2, None]
    assert set(Enrollment.objects.values_list("rule", flat=True)) == {other.pk}


def test_the_command_previews_and_runs(shell: Shell) -> None:
    make_rule()
    preview = shell("auto_enroll", "--dry-run", "--json").data["rules"][0]
    assert (preview["rule"], preview["enrolled"], len(preview["contacts"])) == ("Pro plan", 2, 2)
    assert [day["count"] for day in preview["days"][:4]] == [2, 2, 1, 0]
    assert shell("auto_enroll", "--json").data["rules"][0]["enrolled"] == 2
    assert shell("auto_enroll", "--rule", "none").status == 2
