"""`/healthz` and `/readyz`."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config.api import health
from tests.factories import NOW, WorkerFactory


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


def test_ready_with_a_fresh_worker(db: None) -> None:
    WorkerFactory(heartbeat_at=NOW - timedelta(seconds=30))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert Client().get("/readyz/").status_code == 200


@pytest.mark.parametrize("age_seconds", [61, None])
def test_not_ready_without_a_fresh_worker(db: None, age_seconds: int | None) -> None:
    if age_seconds is not None:
        WorkerFactory(heartbeat_at=NOW - timedelta(seconds=age_seconds))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, "worker")
    assert b"\n" not in answer.content


def test_not_ready_before_the_migrations(db: None) -> None:
    WorkerFactory()
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
