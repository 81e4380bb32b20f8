"""Every error is RFC 9457 problem+json with a detail of one line and without a traceback."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.test import Client, RequestFactory, override_settings
from knox.models import get_token_model
from rest_framework.test import APIClient
from rest_framework.throttling import UserRateThrottle

from config.api import errors
from sequences.models import Enrollment
from tests.api.conftest import log_in

STATUS = "/api/sequence-executor/status"


def assert_problem(answer: Any, status: int, title: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    assert problem["detail"]
    assert "\n" not in problem["detail"]
    return problem


def test_400_names_the_fields(api: APIClient) -> None:
    problem = assert_problem(api.get("/api/sequence-executor/queue?limit=0"), 400, "Bad Request")
    assert problem["detail"].startswith("limit: ")
    assert list(problem["errors"]) == ["limit"]


@pytest.mark.parametrize("body", ["{", "[1, 2]", '"text"', "nothing", '{"reason": "\\u0000"}'])
def test_400_for_a_body_that_is_no_object(api: APIClient, enrollment: Enrollment, body: str) -> None:
    url = f"/api/sequence-enrollments/{enrollment.pk}/pause"
    assert_problem(api.generic("POST", url, body, content_type="application/json"), 400, "Bad Request")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udc00 x"])
def test_400_for_what_cannot_be_stored_however_deep(manager_api: APIClient, enrollment: Enrollment, text: str) -> None:
    for body in (f'{{"transport_options": [{{"a": "{text}"}}]}}', f'{{"transport_options": {{"{text}": 1}}}}'):
        url = f"/api/mailboxes/{enrollment.mailbox_id}"
        answer = manager_api.generic("PATCH", url, body, content_type="application/json")
        assert "NUL character" in assert_problem(answer, 400, "Bad Request")["detail"]


def test_401_without_and_with_bad_credentials(db: None, sdr: Any) -> None:
    answer = APIClient().get(STATUS)
    assert_problem(answer, 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Token"
    _, key = get_token_model().objects.create(user=sdr)
    for header in ("Token", "Token x", "Token \xfc", f"Bearer {key}", f"Token {key} {key}", f"Token {key}x"):
        assert_problem(APIClient().get(STATUS, headers={"Authorization": header}), 401, "Unauthorized")
    sdr.is_active = False
    sdr.save()
    assert_problem(APIClient().get(STATUS, headers={"Authorization": f"Token {key}"}), 401, "Unauthorized")


def test_a_revoked_token_is_401(api: APIClient, sdr: Any) -> None:
    assert api.get(STATUS).status_code == 200
    sdr.auth_token_set.all().delete()
    assert_problem(api.get(STATUS), 401, "Unauthorized")


def test_a_session_works_and_its_posts_need_the_csrf_token(enrollment: Enrollment, sdr: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(sdr)
    assert client.get(STATUS).status_code == 200
    url = f"/api/sequence-enrollments/{enrollment.pk}/pause"
    assert_problem(client.post(url), 403, "Forbidden")
    assert_problem(client.post(url, headers={"Idempotency-Key": "a"}), 403, "Forbidden")


def test_a_body_that_is_nested_beyond_reason_is_bad_input(api: APIClient) -> None:
    for body in ("[" * 100_000, '{"fields":' * 100_000):
        answer = api.generic("POST", "/api/contacts", body, content_type="application/json")
        assert "nested too deeply" in assert_problem(answer, 400, "Bad Request")["detail"]


def test_403_when_the_role_does_not_allow_it(api: APIClient) -> None:
    assert_problem(api.post("/api/sequence-executor/pause"), 403, "Forbidden")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/mailboxes/abc", "/api/mailboxes/9/nothing", "/api/mailboxes/9%0A"]
)
def test_404_for_unknown_addresses(db: None, path: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert_problem(Client().get(path), 404, "Not Found")
        assert_problem(Client().post(path), 404, "Not Found")


def test_404_for_unknown_rows(api: APIClient) -> None:
    assert_problem(api.get("/api/contacts/123456789012345678"), 404, "Not Found")


def test_405_for_an_unsupported_method(api: APIClient, operator_api: APIClient) -> None:
    answer = api.post(STATUS)
    assert_problem(answer, 405, "Method Not Allowed")
    assert "GET" in answer.headers["Allow"]
    assert_problem(operator_api.get("/api/sequence-executor/pause"), 405, "Method Not Allowed")
    assert_problem(api.delete("/api/contacts"), 405, "Method Not Allowed")


def test_406_and_415(api: APIClient, enrollment: Enrollment) -> None:
    assert_problem(api.get(STATUS, headers={"Accept": "text/html"}), 406, "Not Acceptable")
    url = f"/api/sequence-enrollments/{enrollment.pk}/pause"
    assert_problem(api.generic("POST", url, "a=b", content_type="text/plain"), 415, "Unsupported Media Type")


def test_csv_requests_get_csv_and_problems_in_json(api: APIClient) -> None:
    csv = {"Accept": "text/csv"}
    for name in ("contacts", "suppressions"):
        answer = api.get(f"/api/{name}/export", headers=csv)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert_problem(api.get(f"/api/{name}/export?workspace=x", headers=csv), 400, "Bad Request")
    assert_problem(api.get("/api/sequences", headers=csv), 406, "Not Acceptable")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_413_for_a_body_that_is_too_large(api: APIClient) -> None:
    for key in ({}, {"Idempotency-Key": "a"}):
        answer = api.post("/api/contacts", {"email": "jo@prospect.example", "title": "x" * 100}, headers=key)
        assert "100 bytes" in assert_problem(answer, 413, "Request Entity Too Large")["detail"]


@override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=3)
def test_a_form_with_too_many_fields_is_bad_input(api: APIClient) -> None:
    fields = {f"field{number}": "x" for number in range(5)}
    for key in ({}, {"Idempotency-Key": "a"}):
        answer = api.post("/api/contacts/import", fields, format="multipart", headers=key)
        assert "too many fields" in assert_problem(answer, 400, "Bad Request")["detail"]


def test_the_detail_is_one_line_with_any_quoted_text(api: APIClient, enrollment: Enrollment) -> None:
    asked = {"action": "exit\r\nSet-Cookie: a=b", "ids": [enrollment.pk]}
    problem = assert_problem(api.post("/api/sequence-enrollments/bulk", asked), 400, "Bad Request")
    assert "exit Set-Cookie" in problem["detail"]


@pytest.mark.parametrize(
    ("ordering", "position"),
    [
        ("created_at", "9999-12-31T23:59:59-23:00"),
        ("created_at", "abc"),
        ("email", "\x00"),
        ("engagement_score", "x"),
    ],
)
def test_a_forged_cursor_is_bad_input(api: APIClient, ordering: str, position: str) -> None:
    cursor = b64encode(urlencode({"p": position}).encode()).decode()
    answer = api.get("/api/contacts", {"ordering": ordering, "cursor": cursor})
    assert "follow the links" in assert_problem(answer, 400, "Bad Request")["detail"]


def test_429_when_the_rate_limit_is_exceeded(api: APIClient) -> None:
    with mock.patch.object(UserRateThrottle, "get_rate", lambda self: "1/min"):
        api.get(STATUS)
        answer = api.get(STATUS)
    assert_problem(answer, 429, "Too Many Requests")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("debug", [True, False])
def test_500_shows_no_trace(sdr: Any, debug: bool, caplog: pytest.LogCaptureFixture) -> None:
    client = log_in(sdr)
    client.raise_request_exception = False
    failing = mock.patch("execution.api.executor.read_status", side_effect=RuntimeError("password=hunter2"))
    with failing, override_settings(DEBUG=debug):
        answer = client.get(STATUS)
    assert_problem(answer, 500, "Internal Server Error")
    assert "hunter2" not in answer.content.decode()
    assert any(record.exc_info for record in caplog.records)


def test_what_fails_outside_of_a_view_is_a_problem_under_api_only() -> None:
    request = RequestFactory().get("/api/mailboxes")
    error = Exception("hunter2")
    for answer, status in (
        (errors.handle_400(request, error), 400),
        (errors.handle_403(request, error), 403),
        (errors.handle_404(request, error), 404),
        (errors.handle_500(request), 500),
    ):
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert b"hunter2" not in answer.content  # type: ignore[attr-defined]
    assert errors.handle_500(RequestFactory().get("/apis")).headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["sequence-executor/status", "sequence-executor/queue", "contacts", "mailboxes"])
def test_a_trailing_slash_is_accepted(api: APIClient, path: str) -> None:
    for slash in ("", "/"):
        assert api.get(f"/api/{path}{slash}").status_code == 200
