"""The pages of schedules and jobs: only the product's own functions, for superusers too."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.signing import SignedPackage

from execution.worker.schedules import ENGINE_FUNCTION
from tests.support.admin_pages import log_in_root, shown_messages

pytestmark = pytest.mark.django_db

ADD = "admin:django_q_schedule_add"
FORM = {
    "name": "more", "func": ENGINE_FUNCTION, "schedule_type": "I", "minutes": "5", "repeats": "-1",
    "next_run_0": "2031-03-02", "next_run_1": "10:00",
}  # fmt: skip
HOSTILE = {"args": "'id'", "kwargs": "x=1", "hook": "os.system", "intended_date_kwarg": "x", "cluster": "x"}


def test_our_functions_can_be_scheduled_without_arguments_and_hooks() -> None:
    assert log_in_root().post(reverse(ADD), {**FORM, **HOSTILE}).status_code == 302
    row = Schedule.objects.get()
    assert (row.func, row.minutes) == (ENGINE_FUNCTION, 5)
    assert [row.args, row.kwargs, row.hook, row.intended_date_kwarg, row.cluster] == [None] * 5


@pytest.mark.parametrize(
    "func", ["os.system", "execution.jobs", "execution.worker.jobs.run_engine", "", "subprocess.run"]
)
def test_nothing_else_can_be_scheduled(func: str) -> None:
    client = log_in_root()
    answer = client.post(reverse(ADD), {**FORM, "func": func})
    assert set(answer.context["adminform"].form.errors) == {"func"}
    row = Schedule.objects.create(func=ENGINE_FUNCTION, next_run=timezone.now())
    answer = client.post(reverse("admin:django_q_schedule_change", args=[row.pk]), {**FORM, "func": func})
    assert set(answer.context["adminform"].form.errors) == {"func"}
    assert Schedule.objects.get().func == ENGINE_FUNCTION


def test_saving_a_schedule_takes_its_arguments_away() -> None:
    row = Schedule.objects.create(func=ENGINE_FUNCTION, args="'id'", hook="os.system", next_run=timezone.now())
    log_in_root().post(reverse("admin:django_q_schedule_change", args=[row.pk]), FORM)
    row.refresh_from_db()
    assert (row.name, row.args, row.hook) == ("more", None, None)


@pytest.mark.parametrize(("model", "success"), [(Success, True), (Failure, False)])
def test_only_our_jobs_run_again(model: Any, success: bool) -> None:
    now = timezone.now()
    for name, func in (("own", ENGINE_FUNCTION), ("other", "os.system")):
        model.objects.create(
            id=name, name=name, func=func, args=("id",), hook="os.system", started=now, stopped=now, success=success
        )
    page = reverse(f"admin:django_q_{model._meta.model_name}_changelist")
    client = log_in_root()
    answer = client.post(page, {"action": "run_again", "_selected_action": ["own", "other"]})
    assert shown_messages(answer) == [
        "Queued: 1.",
        "Not queued, since they are not functions of the product: os.system.",
    ]
    (queued,) = OrmQ.objects.all()
    job = SignedPackage.loads(queued.payload)
    assert (job["func"], job["args"], job.get("hook")) == (ENGINE_FUNCTION, (), None)
    client.post(page, {"action": "resubmit_task", "_selected_action": ["other"]})
    assert OrmQ.objects.count() == 1
