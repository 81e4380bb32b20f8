"""/metrics: what a monitor sees, true at the moment of the scrape, open only with its token."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from freezegun import freeze_time

from execution.control.switches import pause_executor
from tests.factories import (
    NOW,
    DeadLetterFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    WorkerFactory,
)

pytestmark = pytest.mark.django_db


def scrape(**headers: str) -> dict[str, float]:
    with freeze_time(NOW):
        answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    found = re.findall(r"^(sequence_executor_\S+(?:\{[^}]*\})?) (\S+)$", answer.content.decode(), re.MULTILINE)
    return {name.removeprefix("sequence_executor_"): float(value) for name, value in found}


def test_an_empty_installation_has_figures_too() -> None:
    figures = scrape()
    assert figures["due_enrollments"] == figures["oldest_due_seconds"] == figures["workers_alive"] == 0


def test_the_figures_are_those_of_this_moment() -> None:
    EnrollmentFactory(wake_at=NOW - timedelta(seconds=90))
    EnrollmentFactory(wake_at=NOW + timedelta(seconds=1))
    EmailMessageFactory(status="unknown", unknown_at=NOW, handed_over_at=NOW)
    MailboxFactory(status="broken", status_reason="login")
    DeadLetterFactory(error_class="template")
    WorkerFactory(name="host:1", heartbeat_at=NOW - timedelta(seconds=4))
    pause_executor(actor="sam", now=NOW)
    figures = scrape()
    assert figures["oldest_due_seconds"] == 90
    assert figures["due_enrollments"] >= 1
    assert figures['messages_in_hand{status="unknown"}'] == 1
    assert figures['lanes{state="broken"}'] == 1
    assert figures['quarantined{error_class="template"}'] == 1
    assert figures['worker_heartbeat_age_seconds{worker="host:1"}'] == 4
    assert figures["executor_paused"] == 1


def test_metrics_need_the_token(settings: Any) -> None:
    settings.METRICS_TOKEN = "open-sesame"
    refused = Client().get("/metrics")
    assert refused.status_code == 401
    assert b"open-sesame" not in refused.content
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert "workers_alive" in scrape(Authorization="Bearer open-sesame")


def test_metrics_are_closed_in_production_without_a_token(settings: Any) -> None:
    settings.METRICS_WITHOUT_TOKEN = False
    refused = Client().get("/metrics", headers={"Authorization": "Bearer "})
    assert refused.status_code == 403
    assert b"METRICS_TOKEN" in refused.content
    settings.METRICS_TOKEN = "open-sesame"
    assert "workers_alive" in scrape(Authorization="Bearer open-sesame")
