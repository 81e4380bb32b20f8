"""`/healthz` and `/readyz`."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config.api import health
from execution.models import Worker


def test_health_does_not_query_the_database() -> None:
    """Without the fixture `db` any statement would fail."""
    for path in ("/healthz", "/healthz/"):
        answer = Client().get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_write_is_a_405_that_lists_the_allowed_methods(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_the_bare_address_leads_to_the_admin() -> None:
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_ready_without_an_executor(db: None) -> None:
    """A load balancer asks whether this process can serve; workers are a metric."""
    assert Worker.objects.count() == 0
    for path in ("/readyz", "/readyz/"):
        answer = Client().get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/metrics/"])
def test_probes_answer_by_ip_and_plain_http(db: None, settings: Any, path: str) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["mail.example.com"], True
    settings.METRICS_TOKEN = "s3cret"
    answer = Client().get(path, headers={"host": "10.2.3.4:8000", "authorization": "Bearer s3cret"})
    assert answer.status_code == 200
    assert answer["Request-Id"]
    assert Client().get("/admin/login/", headers={"host": "10.2.3.4:8000"}).status_code == 400


def test_not_ready_before_the_migrations(db: None) -> None:
    newest = max(name for app, name in health._newest_migrations() if app == "execution")
    MigrationRecorder.Migration.objects.filter(app="execution", name=newest).delete()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, "migrations")
    assert f"execution.{newest}" in answer.json()["detail"]


def test_not_ready_without_the_database() -> None:
    failing = mock.patch.object(MigrationRecorder, "applied_migrations", side_effect=OperationalError("password=x"))
    with failing:
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, "database")
    assert b"password" not in answer.content


def test_only_reading(db: None) -> None:
    assert Client().post("/healthz").status_code == 405
