"""How log lines look."""

from __future__ import annotations

import logging

import pytest
from django.db.utils import OperationalError
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
