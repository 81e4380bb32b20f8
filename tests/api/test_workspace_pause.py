"""Pausing the sending of one workspace: nothing leaves, nothing is lost, and `why` says who paused it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from emails.models import EmailMessage, Mailbox
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import next_lane_at, take_lane
from emails.sending.recheck import recheck
from execution.control.switches import pause_workspace
from execution.engine.backoff import Policy
from execution.models import ControlLog
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.choices import Role
from sequences.models import Enrollment, Workspace
from simulation.mail_server import MailServer
from tests.api.conftest import join
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, StepFactory
from tests.support.shell import Shell


def test_managers_pause_and_resume_with_a_log_entry_each(manager_api: APIClient, workspace: Workspace) -> None:
    path = f"/api/workspaces/{workspace.pk}"
    assert manager_api.post(f"{path}/pause", {"reason": "rebranding", "dry_run": True}).json()["is_dry_run"]
    assert manager_api.get(path).json()["sending_paused_at"] is None
    paused = manager_api.post(f"{path}/pause", {"reason": "rebranding"})
    assert (paused.status_code, paused.json()["sending_paused_at"], paused.json()["sending_paused_reason"]) == (
        200, "2026-03-02T10:00:00Z", "rebranding",
    )  # fmt: skip
    assert "@" in paused.json()["sending_paused_by"]
    assert manager_api.post(f"{path}/pause", {"reason": "again"}).json()["sending_paused_reason"] == "rebranding"
    assert manager_api.post(f"{path}/resume").json()["sending_paused_at"] is None
    assert manager_api.post(f"{path}/resume").status_code == 200
    lines = ControlLog.objects.filter(target="workspace", target_id=workspace.pk).order_by("pk")
    assert list(lines.values_list("action", "reason")) == [("paused", "rebranding"), ("resumed", "")]


def test_only_managers_of_the_workspace_pause_it(
    api: APIClient, operator_api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    for verb in ("pause", "resume"):
        path = f"/api/workspaces/{workspace.pk}/{verb}"
        assert [each.post(path).status_code for each in (api, operator_api, stranger_api)] == [403, 403, 404]
    assert api.post(f"/api/workspaces/{workspace.pk}/pause", {"raeson": "x"}).status_code in {400, 403}
    workspace.refresh_from_db()
    assert workspace.sending_paused_at is None


def test_why_and_queue_name_the_pause_in_api_desk_and_command(
    manager_api: APIClient, enrollment: Enrollment, shell: Shell
) -> None:
    manager_api.post(f"/api/workspaces/{enrollment.workspace_id}/pause", {"reason": "rebranding"})
    text = "Sending of the workspace is paused by"
    (first, *_) = manager_api.get(f"/api/sequence-enrollments/{enrollment.pk}/why").json()["why"]
    assert (first["code"], text in first["detail"], first["detail"].endswith("2026-03-02 10:00 UTC: rebranding")) == (
        "workspace_paused", True, True,
    )  # fmt: skip
    queued = manager_api.get("/api/sequence-executor/queue").json()["queue"]
    assert [text in row["why"] for row in queued] == [True]
    assert text in shell("why", str(enrollment.pk)).out
    client = Client()
    client.force_login(join(enrollment.workspace))
    page = client.get(reverse("admin:sequences_enrollment_change", args=[enrollment.pk])).content.decode()
    assert text in page


def test_the_desk_has_a_banner_and_a_button_for_managers(workspace: Workspace) -> None:
    manager, sdr = Client(), Client()
    manager.force_login(join(workspace, Role.MANAGER))
    sdr.force_login(join(workspace))
    pause = reverse("admin:sequences_workspace_pause_one", args=[workspace.pk])
    home = reverse("admin:index")
    assert pause in manager.get(home).content.decode()
    assert pause not in sdr.get(home).content.decode()
    assert sdr.post(pause, {"reason": "x"}).status_code == 403
    assert manager.post(pause, {"reason": "rebranding"}).status_code == 302
    for client, may in ((manager, True), (sdr, False)):
        page = client.get(home).content.decode()
        assert f"Sending of {workspace.name} is paused" in page
        assert "rebranding" in page
        assert (reverse("admin:sequences_workspace_resume_one", args=[workspace.pk]) in page) is may
    assert (
        "Resume sending"
        in manager.get(reverse("admin:sequences_workspace_change", args=[workspace.pk])).content.decode()
    )
    resume = reverse("admin:sequences_workspace_resume_one", args=[workspace.pk])
    assert manager.post(resume, {"reason": ""}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.sending_paused_at is None


def test_a_worker_takes_no_lane_and_checks_no_message_of_a_paused_workspace(
    workspace: Workspace, enrollment: Enrollment
) -> None:
    message = EmailMessageFactory(enrollment=enrollment, due_at=NOW, send_after_at=NOW)
    Mailbox.objects.update(lane_at=NOW)
    lease = take_lane(NOW, "worker")
    assert lease is not None
    pause_workspace(workspace, actor="ada", now=NOW, reason="rebranding")
    # the lane was taken before the pause
    assert claim_chunk(lease, NOW, 1).message_ids == ()
    message.refresh_from_db()
    assert message.status == "queued"
    Mailbox.objects.update(lease_token=None, leased_until=None, lane_at=NOW)
    assert take_lane(NOW, "other") is None
    assert next_lane_at() is None


def test_a_message_that_was_marked_before_the_pause_is_not_begun(workspace: Workspace, enrollment: Enrollment) -> None:
    Enrollment.objects.filter(pk=enrollment.pk).update(wake_at=None)
    EmailMessageFactory(enrollment=enrollment, due_at=NOW, send_after_at=NOW)
    Mailbox.objects.update(lane_at=NOW)
    lease = take_lane(NOW, "worker")
    assert lease is not None
    ids = claim_chunk(lease, NOW, 1).message_ids
    assert recheck(lease.token, ids, NOW) == set(ids)
    assert len(ids) == 1
    pause_workspace(workspace, actor="ada", now=NOW)
    assert recheck(lease.token, ids, NOW) == set()


def two_due(server: MailServer, **values: Any) -> Workspace:
    step = StepFactory()
    mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port, **values)
    due = timezone.now() - timedelta(minutes=1)
    EnrollmentFactory.create_batch(2, sequence=step.sequence, mailbox=mailbox, at=due)
    workspace: Workspace = step.workspace
    return workspace


def deliver() -> dict[int, int]:
    run_until_idle(Options(policy=Policy()), timezone.now)
    sent = EmailMessage.objects.filter(status="sent").values_list("workspace_id", flat=True)
    return {each: list(sent).count(each) for each in set(sent)}


@pytest.mark.django_db(transaction=True)
def test_only_the_paused_workspace_waits_and_loses_nothing(manager_api: APIClient, workspace: Workspace) -> None:
    with MailServer() as server:
        paused, other = two_due(server), two_due(server)
        paced = Mailbox.objects.filter(workspace=paused)
        pause_workspace(paused, actor="ada", now=timezone.now())
        assert deliver() == {other.pk: 2}
        # decided all the same: the emails wait in the outbox
        assert EmailMessage.objects.filter(workspace=paused, status="queued").count() == 2
        paced.update(gap_seconds=600)
        manager = join(paused, Role.MANAGER)
        client = Client()
        client.force_login(manager)
        client.post(reverse("admin:sequences_workspace_resume_one", args=[paused.pk]), {"reason": ""})
        # the pace of the mailbox spreads what has waited
        assert deliver() == {other.pk: 2, paused.pk: 1}
