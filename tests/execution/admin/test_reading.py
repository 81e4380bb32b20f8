"""Pages of the admin: times in the reader's zone, plain words, quick filters and empty lists."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from config.reader_zone import COOKIE
from tests import factories
from tests.support.admin_pages import log_in_root
from tests.support.plans import running_plans

pytestmark = pytest.mark.django_db

QUEUE = reverse("admin:sequences_enrollment_changelist")
DUE_AT = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)


def page_of(enrollment: Any) -> str:
    return reverse("admin:sequences_enrollment_change", args=[enrollment.pk])


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "Wed 01 Jul 2026, 10:30 UTC"),
        ("Asia/Kolkata", "Wed 01 Jul 2026, 16:00 IST"),
        ("No/Where", "Wed 01 Jul 2026, 10:30 UTC"),
        ("../etc/passwd", "Wed 01 Jul 2026, 10:30 UTC"),
    ],
)
def test_a_time_is_in_the_zone_of_the_reader_and_the_instant_when_pointed_at(zone: str, shown: str) -> None:
    client = log_in_root()
    client.cookies[COOKIE] = zone
    html = client.get(page_of(factories.EnrollmentFactory(next_step_at=DUE_AT))).content.decode()
    assert shown in html
    assert "2026-07-01 10:30:00 UTC" in html


def test_a_time_is_typed_in_the_zone_of_the_reader() -> None:
    enrollment: Any = factories.EnrollmentFactory()
    client = log_in_root()
    client.cookies[COOKIE] = "America/New_York"

    path = reverse("admin:sequences_enrollment_pause_one", args=[enrollment.pk])
    assert "Time zone: America/New_York." in client.get(path).content.decode()
    client.post(path, {"reason": "", "resume_at_0": "2099-01-01", "resume_at_1": "07:00"})
    enrollment.refresh_from_db()
    assert enrollment.resume_at == datetime(2099, 1, 1, 12, tzinfo=UTC)


def test_quick_filters_keep_other_filters() -> None:
    step: Any = factories.StepFactory()
    factories.EnrollmentFactory(sequence=step.sequence)
    paused: Any = factories.PausedEnrollmentFactory(sequence=step.sequence)
    client = log_in_root()
    page = client.get(f"{QUEUE}?sequence={step.sequence_id}&status__exact=quarantined&p=0")
    quick_filters = {quick_filter.label: quick_filter for quick_filter in page.context["quick_filters"]}
    assert [label for label, quick_filter in quick_filters.items() if quick_filter.is_current] == ["Quarantined"]
    assert set(quick_filters) >= {"Overdue", "Errors", "Paused", "Quarantined"}
    found = client.get(QUEUE + quick_filters["Paused"].url)
    assert list(found.context["cl"].result_list) == [paused]
    assert found.wsgi_request.GET.dict() == {"sequence": str(step.sequence_id), "status__exact": "paused"}


def test_an_ended_enrollment_has_no_next_step_and_a_status_in_words() -> None:
    step: Any = factories.StepFactory(name="Hello there")
    factories.EnrollmentFactory(
        sequence=step.sequence,
        current_step=step,
        status="auto_exited",
        auto_exit_reason="bounced",
        next_step_at=None,
        wake_at=None,
        completed_at=DUE_AT,
    )
    assert "Stopped: bounced" not in log_in_root().get(QUEUE).content.decode()
    html = log_in_root().get(QUEUE, {"needs": "all"}).content.decode()
    assert "Stopped: bounced" in html
    assert "auto_exited</span>" not in html
    assert "1. Hello there" not in html


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (QUEUE, "Enroll contacts"),
        (f"{QUEUE}?needs=overdue", "No results"),
        (reverse("admin:execution_deadletter_changelist"), "No failed enrollments yet"),
        (reverse("admin:tasks_app_task_changelist"), "reaches a task step"),
        (reverse("admin:sequences_contact_changelist"), "Import a CSV file"),
        (reverse("admin:sequences_sequence_changelist"), "from a YAML file"),
        (reverse("admin:emails_mailbox_changelist"), "to send from"),
        (reverse("admin:emails_mailbox_lanes"), "to send from"),
    ],
)
def test_an_empty_page_says_what_to_do(path: str, text: str) -> None:
    content = log_in_root().get(path).content.decode()
    assert text in content[content.index("<main") if "<main" in content else 0 :]


def test_a_traceback_on_the_console_shows_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    from config.logging import configure

    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    password = "hunter2" + "-never-shown"
    try:
        configure("console")
        try:
            raise ValueError(str(len(password)))
        except ValueError:
            logging.getLogger("x").exception("it broke")
        text = capsys.readouterr().err
    finally:
        root.handlers, root.level = before
    assert "ValueError: 19" in text
    assert "hunter2-never" not in text


@pytest.mark.parametrize("column", [1, 2, 3, 4, 5, 6])
def test_a_hand_written_url_sorts_only_by_sortable_columns(column: int) -> None:
    factories.EnrollmentFactory()
    with running_plans() as plans:
        answer = log_in_root().get(QUEUE, {"o": str(column)})
    assert answer.status_code == 200
    orders = [plan.sql.partition(" ORDER BY ")[2] for plan in plans if 'FROM "sequences_enrollment"' in plan.sql]
    assert [order for order in orders if order]
    assert not [order for order in orders if order and not order.startswith('"sequences_enrollment".')]
    assert not [order for order in orders if "status" in order]


def test_the_queue_in_reverse_order_uses_its_index_too() -> None:
    factories.EnrollmentFactory()
    with running_plans() as plans:
        assert log_in_root().get(QUEUE, {"o": "-4"}).status_code == 200
    table = '"sequences_enrollment"'
    assert any(f'ORDER BY {table}."next_step_at" DESC, {table}."id" DESC' in plan.sql for plan in plans)
