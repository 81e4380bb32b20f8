"""A message is composed from its step and contact as they are now."""

from __future__ import annotations

from typing import Any

import pytest

from emails.rendering.compose import Composed, compose
from tests.factories import NOW, ContactFactory, EmailMessageFactory, EnrollmentFactory, StepFactory

pytestmark = pytest.mark.django_db


def composed(timezone: str = "", **step_fields: Any) -> Composed:
    step = StepFactory(**step_fields)
    contact = ContactFactory(workspace=step.sequence.workspace, timezone=timezone)
    enrollment = EnrollmentFactory(sequence=step.sequence, current_step=step, contact=contact)
    (found,) = compose([EmailMessageFactory(enrollment=enrollment).pk], NOW)
    assert isinstance(found, Composed), found
    return found


def test_now_is_the_contacts_local_time() -> None:
    body = "It is {{ 'now' | date: '%A %H:%M' }}, {{ now | date: '%F' }}."
    assert NOW.isoformat() == "2026-03-02T10:00:00+00:00"
    found = composed("Pacific/Chatham", subject="{{ 'now' | date: '%H' }}", body=body)
    assert found.rendered.subject == "23"
    assert "It is Monday 23:45, 2026-03-02." in found.rendered.text
    assert "It is Monday 05:00" in composed("America/New_York", body=body).rendered.text


def test_the_step_says_how_its_body_is_written() -> None:
    assert "Hi *you*" in composed(body="Hi *you*", format="html").rendered.html
    assert "<em>you</em>" in composed(body="Hi *you*").rendered.html
    assert "&lt;p&gt;" not in composed(body="{% if contact.email %}<p>x</p>{% endif %}").rendered.html
