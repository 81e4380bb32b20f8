"""Raising a cap sends the emails that it had deferred at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from emails.models import EmailMessage, Mailbox, SendLimit
from execution.engine.backoff import Policy
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from simulation.mail_server import MailServer
from tests.factories import EnrollmentFactory, MailboxFactory, MembershipFactory, SendLimitFactory, StepFactory
from tests.support.admin_pages import log_in_root
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db(transaction=True)

SCOPES: dict[str, Callable[[Mailbox], dict[str, Any]]] = {
    "mailbox": lambda mailbox: {"scope": "mailbox", "mailbox": mailbox},
    "first touches": lambda mailbox: {"scope": "mailbox", "mailbox": mailbox, "first_touch_only": True},
    "user": lambda mailbox: {"scope": "user", "mailbox": None, "user": mailbox.owner},
    "workspace": lambda mailbox: {"scope": "workspace", "mailbox": None},
    "domain": lambda mailbox: {"scope": "recipient_domain", "mailbox": None, "recipient_domain": "prospect.example"},
}


def deliver() -> int:
    run_until_idle(Options(policy=Policy()), timezone.now)
    return EmailMessage.objects.filter(status="sent").count()


def two_people(server: MailServer) -> Mailbox:
    step = StepFactory()
    owner = MembershipFactory(workspace=step.workspace).user
    mailbox: Mailbox = MailboxFactory(workspace=step.workspace, owner=owner, smtp_port=server.port)
    due = timezone.now() - timedelta(minutes=1)
    EnrollmentFactory.create_batch(2, sequence=step.sequence, mailbox=mailbox, owner=owner, at=due)
    return mailbox


@pytest.mark.parametrize("scope", SCOPES)
def test_raising_a_cap_in_the_admin_wakes_its_lanes(scope: str) -> None:
    with MailServer() as server:
        mailbox = two_people(server)
        limit: SendLimit = SendLimitFactory(workspace=mailbox.workspace, maximum=1, **SCOPES[scope](mailbox))
        assert deliver() == 1
        assert deliver() == 1
        named = {name: getattr(limit, name) for name in ("scope", "window", "recipient_domain")}
        named |= {"mailbox": limit.mailbox_id or "", "user": limit.user_id or ""}
        named |= {"first_touch_only": "on"} if limit.first_touch_only else {}
        page = reverse("admin:emails_sendlimit_change", args=[limit.pk])
        assert log_in_root().post(page, {**named, "maximum": 2}).status_code == 302
        assert deliver() == 2


def test_raising_a_cap_by_command_wakes_its_lanes(shell: Shell) -> None:
    with MailServer() as server:
        mailbox = two_people(server)
        SendLimitFactory(mailbox=mailbox, maximum=1)
        assert deliver() == 1
        slug = mailbox.workspace.slug
        assert shell("create_mailbox", mailbox.address, "--workspace", slug, "--daily", "5").status == 0
        assert deliver() == 2
