"""An absence read while its enrollment was resumed still holds: the user who resumed could not know of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.models import Enrollment
from tests.factories import NOW, EnrollmentFactory, SentMessageFactory, StepFactory

pytestmark = pytest.mark.django_db


def test_an_absence_read_during_a_resume_still_pauses() -> None:
    """The reading began before the resume and stored after it."""
    reading_began_at, resumed_at = NOW, NOW + timedelta(seconds=20)
    step = StepFactory()
    enrollment = EnrollmentFactory(sequence=step.sequence, resumed_at=resumed_at, at=NOW - timedelta(days=1))
    message = SentMessageFactory(enrollment=enrollment, at=NOW - timedelta(hours=1))
    back_at = NOW + timedelta(days=5)
    absence = NewEvent(
        EventType.AUTO_REPLIED, "tests", "away", reading_began_at, message_pk=message.pk, until_at=back_at
    )

    record_events([absence], reading_began_at)
    run_tick(resumed_at + timedelta(seconds=1), 10, Policy())

    assert Enrollment.objects.values_list("status", "resume_at").get() == ("paused", back_at)
