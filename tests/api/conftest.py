"""A workspace with one login and token per role, at the fixed time `NOW`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

import pytest
import time_machine
from django.contrib.auth.models import AbstractBaseUser
from knox.models import get_token_model
from rest_framework.test import APIClient

from emails.choices import SuppressionReason
from emails.facts.suppression_importer import store_suppression_import
from emails.mailbox.records import DnsError
from emails.models import SuppressionChange
from execution.models import ApiKey, WebhookSubscription
from sequences.choices import Role
from sequences.models import Enrollment, EnrollRule, SecurityEvent, Sequence, Workspace
from tests.factories import (
    NOW,
    AccountFactory,
    AlertFactory,
    DeadLetterFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    OperatorFactory,
    ReplyFactory,
    SendLimitFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    TaskFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.support.absences import make_time_off
from tests.support.imports import make_csv, store_file
from tests.support.invited import InvitationFactory
from tests.support.pools import make_pool
from tests.support.snippets import make_snippet


class Traveller(Protocol):
    def move_to(self, destination: datetime, /) -> None: ...


@pytest.fixture(autouse=True)
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of examples and of chance are looked up nowhere."""

    def refuse() -> None:
        raise DnsError("these tests have no name server")

    monkeypatch.setattr("emails.mailbox.discovery.Dns", refuse)


def log_in(user: AbstractBaseUser) -> APIClient:
    client = APIClient()
    token = get_token_model().objects.create(user=user)[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def join(workspace: Workspace, role: Role = Role.SDR, *, is_operator: bool = False, **values: Any) -> Any:
    user = (OperatorFactory if is_operator else UserFactory)(**values)
    MembershipFactory(workspace=workspace, user=user, role=role.value)
    return user


@pytest.fixture
def workspace(db: None) -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def sdr(workspace: Workspace) -> Any:
    return join(workspace)


@pytest.fixture
def api(sdr: Any) -> APIClient:
    return log_in(sdr)


@pytest.fixture
def manager_api(workspace: Workspace) -> APIClient:
    return log_in(join(workspace, Role.MANAGER))


@pytest.fixture
def admin_api(workspace: Workspace) -> APIClient:
    return log_in(join(workspace, Role.ADMIN))


@pytest.fixture
def operator_api(workspace: Workspace) -> APIClient:
    operator = OperatorFactory()
    MembershipFactory(workspace=workspace, user=operator)
    return log_in(operator)


@pytest.fixture
def stranger_api(db: None) -> APIClient:
    """Admin of another workspace."""
    return log_in(join(WorkspaceFactory(), Role.ADMIN))


@pytest.fixture
def sequence(workspace: Workspace) -> Sequence:
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence, name="Intro")
    StepFactory(sequence=sequence, delay_days=2)
    return sequence


@pytest.fixture
def enrollment(sequence: Sequence, sdr: Any) -> Enrollment:
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=sdr)
    return EnrollmentFactory(sequence=sequence, owner=sdr, mailbox=mailbox)


@pytest.fixture
def ids(enrollment: Enrollment, sdr: Any) -> dict[str, int]:
    """One row of each list, all of one workspace."""
    message = EmailMessageFactory(
        enrollment=enrollment, status="unknown", unknown_at=NOW, handed_over_at=NOW, attempts=1
    )
    rows: dict[str, Any] = {
        "sequence-enrollments": enrollment,
        "sequences": enrollment.sequence,
        "steps": enrollment.current_step,
        "contacts": enrollment.contact,
        "contact-imports": store_file(enrollment.workspace, make_csv(2)),
        "accounts": AccountFactory(workspace=enrollment.workspace),
        "snippets": make_snippet(enrollment.workspace),
        "time-off": make_time_off(workspace=enrollment.workspace, owner=sdr),
        "mailboxes": enrollment.mailbox,
        "mailbox-pools": make_pool(enrollment.workspace, enrollment.mailbox),
        "messages": message,
        "suppression-imports": store_suppression_import(
            enrollment.workspace,
            "list.csv",
            io.BytesIO(b"a@x.example\n"),
            reason=SuppressionReason.MANUAL,
            is_dry_run=False,
            actor="sam",
            now=NOW,
        ),
        "suppressions": SuppressionFactory(workspace=enrollment.workspace),
        "suppression-changes": SuppressionChange.objects.create(
            workspace=enrollment.workspace, email="jo@x.example", action="added", reason="manual", actor="sam", at=NOW
        ),
        "tasks": TaskFactory(enrollment=enrollment),
        "replies": ReplyFactory(message=message),
        "webhooks": WebhookSubscription.objects.create(
            workspace=enrollment.workspace, url="http://127.0.0.1:9/", events=["*"], created_at=NOW, scanned_at=NOW
        ),
        "workspaces": enrollment.workspace,
        "enroll-rules": EnrollRule.objects.create(
            workspace=enrollment.workspace,
            name="New",
            filter={"domain": "x.example"},
            sequence=enrollment.sequence,
            mailbox=enrollment.mailbox,
            daily_maximum=5,
        ),
        "send-limits": SendLimitFactory(mailbox=enrollment.mailbox, maximum=1_000),
        "invitations": InvitationFactory(workspace=enrollment.workspace),
        "users": enrollment.owner,
        "api-keys": ApiKey.objects.create(user=sdr, name="import")[0],
        "security-events": SecurityEvent.objects.create(user=sdr, kind="login", at=NOW),
        "alerts": AlertFactory(workspace=enrollment.workspace),
        "dead-letters": DeadLetterFactory(enrollment__sequence=enrollment.sequence, enrollment__owner=enrollment.owner),
    }
    return {name: row.pk for name, row in rows.items()}
