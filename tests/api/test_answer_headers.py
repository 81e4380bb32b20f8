"""Headers of every response: `Request-Id` and the rate limit."""

from __future__ import annotations

import logging
from typing import Any
from unittest import mock

import pytest
import structlog
from django.test import Client
from rest_framework.test import APIClient

from config.request_id import with_request_id

STATUS = "/api/sequence-executor/status"


def test_every_answer_has_a_request_id(api: APIClient) -> None:
    paths = (STATUS, "/api/nothing", "/api/contacts/1", "/healthz", "/admin/login/", "/api/schema")
    ids = [api.get(path).headers["Request-Id"] for path in paths]
    assert len(set(ids)) == len(paths)
    assert Client().get(STATUS).headers["Request-Id"]


def test_an_incoming_request_id_is_kept_unless_it_could_forge_a_log_line(api: APIClient) -> None:
    assert api.get(STATUS, headers={"X-Request-ID": "edge-7f3a:1"}).headers["Request-Id"] == "edge-7f3a:1"
    for forged in ("a b", "x" * 129, "a\r\nSet-Cookie: b=c", "é", ""):
        assert api.get(STATUS, headers={"X-Request-ID": forged}).headers["Request-Id"] != forged


def test_the_id_is_in_the_log_lines_of_its_request_only() -> None:
    seen: list[Any] = []

    def view(request: Any) -> Any:
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return mock.Mock(headers={})

    request = mock.Mock(headers={"X-Request-ID": "edge-1"})
    with_request_id(view)(request)
    assert seen == ["edge-1"]
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_the_response_states_the_rate_limit(api: APIClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    with mock.patch("rest_framework.throttling.UserRateThrottle.get_rate", lambda self: "3/min"):
        answers = [api.get(STATUS) for _ in range(4)]
    assert [answer.headers["RateLimit-Limit"] for answer in answers] == ["3"] * 4
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert (answers[3].status_code, answers[3].json()["code"]) == (429, "throttled")
    assert 0 < int(answers[3].headers["RateLimit-Reset"]) <= 60
