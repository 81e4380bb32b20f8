"""How log lines look."""

from __future__ import annotations

import logging

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
