"""Marked messages are checked again before each SMTP transaction."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from emails.sending.recheck import recheck
from sequences.models import Enrollment
from tests.factories import EnrollmentFactory, SendingMessageFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_message_marked_by_another_worker_is_not_sent() -> None:
    """A worker that stood still for long comes back while the email is sent again, by hand, under another lease."""
    message = SendingMessageFactory(enrollment=EnrollmentFactory(at=NOW), at=NOW)
    Enrollment.objects.update(wake_at=None)
    assert message.lease_token is not None
    assert recheck(message.lease_token, [message.pk], NOW) == {message.pk}
    assert recheck(uuid.uuid4(), [message.pk], NOW) == set()
