"""How log lines look."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import pytest
from django.db.utils import OperationalError
from django.test import Client
from structlog.stdlib import ProcessorFormatter


def test_a_line_about_a_request_holds_no_object() -> None:
    (formatter,) = {
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, ProcessorFormatter)
    }
    record = logging.makeLogRecord(
        {"name": "django.request", "levelname": "WARNING", "msg": "Not Found: /x", "status_code": 404}
    )
    record.request, record.server_time = object(), "now"
    line = formatter.format(record)
    assert "Not Found: /x" in line
    assert "status_code=404" in line
    assert "object" not in line
    assert "server_time" not in line


def test_a_request_is_logged_without_what_opens_something(
    db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ACCESS_LOG = True
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each.formatter, ProcessorFormatter))
    written = StringIO()
    monkeypatch.setattr(handler, "stream", written)
    with caplog.at_level("INFO"):
        Client().get("/u/abc123?x=secret")
        Client().get("/hooks/postmark/01234567-89ab-cdef-0123-456789abcdef")
        Client().get("/abc123")
    lines: list[Any] = [record.msg for record in caplog.records if record.name == "access"]
    assert [line["route"] for line in lines] == ["/u/<token>", "/hooks/<provider>/<key>", "other"]
    assert {"method", "status", "milliseconds", "address", "user", "request_id"} <= set(lines[0])
    assert "Not Found: /u/<token>" in written.getvalue()
    for secret in ("secret", "abc123", "01234567"):
        assert secret not in written.getvalue()


def test_a_cluster_logs_an_outage_of_the_database_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise OperationalError("connection refused\nIs the server running?")
    except OperationalError:
        logging.getLogger("django-q").exception("Failed to pull task from broker")
    (record,) = caplog.records
    assert record.getMessage() == "Failed to pull task from broker: connection refused"
    assert record.exc_info is None


def test_a_cluster_keeps_the_traceback_of_a_bug(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("a bug")
    except ValueError:
        logging.getLogger("django-q").exception("Failed to pull task from broker")
    (record,) = caplog.records
    assert record.exc_info
