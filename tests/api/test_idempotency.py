"""`Idempotency-Key`: a repeated or concurrent request is executed once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from rest_framework.test import APIClient

from execution.api import idempotency
from execution.models import ExecutionLog, IdempotencyKey
from sequences.models import Enrollment
from tests.api.conftest import Traveller, join, log_in
from tests.factories import NOW, ContactFactory, MailboxFactory

URL = "/api/sequence-enrollments"


def skip(api: APIClient, enrollment: Enrollment, key: str, **body: Any) -> Any:
    return api.post(f"{URL}/{enrollment.pk}/skip-step", body, headers={"Idempotency-Key": key})


def test_the_first_response_is_repeated(api: APIClient, enrollment: Enrollment) -> None:
    first = skip(api, enrollment, "a")
    again = skip(api, enrollment, "a")
    assert (again.status_code, again.json()) == (200, first.json())
    assert ExecutionLog.objects.count() == 1
    assert skip(api, enrollment, "b").json()["enrollment"]["status"] == "completed"


def test_a_slash_at_the_end_is_the_same_request(api: APIClient, enrollment: Enrollment) -> None:
    skip(api, enrollment, "a")
    again = api.post(f"{URL}/{enrollment.pk}/skip-step/", {}, headers={"Idempotency-Key": "a"})
    assert again.status_code == 200
    assert ExecutionLog.objects.count() == 1


def test_another_body_or_address_with_the_key_is_a_conflict(api: APIClient, enrollment: Enrollment) -> None:
    skip(api, enrollment, "a")
    for answer in (
        skip(api, enrollment, "a", reason="other"),
        api.post(f"{URL}/{enrollment.pk}/pause", {}, headers={"Idempotency-Key": "a"}),
    ):
        assert answer.status_code == 409
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Idempotency-Key" in answer.json()["detail"]
    assert ExecutionLog.objects.count() == 1


def test_keys_are_per_user(api: APIClient, enrollment: Enrollment, manager_api: APIClient) -> None:
    skip(api, enrollment, "a")
    assert skip(manager_api, enrollment, "a").json()["enrollment"]["status"] == "completed"


def test_a_key_is_forgotten_after_24_hours(api: APIClient, enrollment: Enrollment, clock: Traveller) -> None:
    skip(api, enrollment, "a")
    clock.move_to(NOW + timedelta(hours=23, minutes=59))
    assert skip(api, enrollment, "a").json()["enrollment"]["current_step_number"] == 2
    clock.move_to(NOW + timedelta(hours=24))
    assert skip(api, enrollment, "a").json()["enrollment"]["status"] == "completed"
    assert IdempotencyKey.objects.count() == 1


def test_refusals_are_repeated_too_with_their_type(api: APIClient, enrollment: Enrollment) -> None:
    body = {"reason": "x" * 501}
    first = skip(api, enrollment, "a", **body)
    again = skip(api, enrollment, "a", **body)
    assert (first.status_code, again.status_code) == (400, 400)
    assert again.json() == first.json()
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_request_refused_before_the_view_may_be_repeated(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    colleague = join(enrollment.workspace)
    Enrollment.objects.update(owner=colleague)
    assert skip(api, enrollment, "a").status_code == 403
    Enrollment.objects.update(owner=sdr)
    assert skip(api, enrollment, "a").status_code == 200
    assert skip(APIClient(), enrollment, "a").status_code == 401


def test_a_fault_leaves_neither_key_nor_change(enrollment: Enrollment, sdr: Any) -> None:
    api = log_in(sdr)
    api.raise_request_exception = False
    with mock.patch.object(idempotency, "_is_kept", side_effect=RuntimeError("power cut")):
        assert skip(api, enrollment, "a").status_code == 500
    assert not IdempotencyKey.objects.exists()
    assert not ExecutionLog.objects.exists()
    assert skip(api, enrollment, "a").status_code == 200


@pytest.mark.parametrize("key", ["", "  ", "x" * 256])
def test_keys_have_1_to_255_characters(api: APIClient, enrollment: Enrollment, key: str) -> None:
    answer = skip(api, enrollment, key)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert not ExecutionLog.objects.exists()


def test_a_created_answer_is_repeated_as_created(api: APIClient, enrollment: Enrollment) -> None:
    contact = ContactFactory(workspace=enrollment.workspace)
    body = {"sequence": enrollment.sequence_id, "contacts": [contact.pk]}
    answers = [api.post(URL, body, headers={"Idempotency-Key": "e"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(answers[0].json()["enrolled"]) == 1


def test_the_login_test_is_repeated_without_asking_the_server(api: APIClient, enrollment: Enrollment) -> None:
    mailbox = MailboxFactory(workspace=enrollment.workspace, owner=enrollment.owner, smtp_port=1)
    url = f"/api/mailboxes/{mailbox.pk}/test"
    first = api.post(url, headers={"Idempotency-Key": "t"}).json()
    with mock.patch("emails.api.views.check_mailbox", side_effect=AssertionError("asked twice")):
        assert api.post(url, headers={"Idempotency-Key": "t"}).json() == first


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_requests_execute_once(sdr: Any, enrollment: Enrollment) -> None:
    """The second arrives while the first has done its work and not committed yet."""
    clients = [log_in(sdr), log_in(sdr)]
    answers: list[Any] = []
    worked, waits = threading.Event(), threading.Event()
    keep = idempotency._keep

    def keep_late(*args: Any) -> None:
        worked.set()
        assert waits.wait(20)
        keep(*args)

    def in_thread(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with mock.patch.object(idempotency, "_keep", keep_late):
        first = in_thread(lambda: answers.append(skip(clients[0], enrollment, "a")))
        assert worked.wait(20)
        second = in_thread(lambda: answers.append(skip(clients[1], enrollment, "a")))
        with connection.cursor() as cursor:
            for _ in range(100_000):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
        waits.set()
        first.join(20)
        second.join(20)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert ExecutionLog.objects.count() == 1
    step: Any = Enrollment.objects.get().current_step
    assert step.number == 2


def test_a_file_with_another_multipart_boundary_is_the_same_request(api: APIClient) -> None:
    def send(boundary: str, email: str) -> Any:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\nemail\n{email}\n\r\n--{boundary}--\r\n"
        )
        kind = f"multipart/form-data; boundary={boundary}"
        return api.generic(
            "POST", "/api/contacts/import", body, content_type=kind, headers={"Idempotency-Key": "import-7"}
        )

    first, again = send("aaaa", "jo@x.example"), send("bbbb", "jo@x.example")
    assert (first.status_code, first.json()["created"]) == (200, 1)
    assert (again.status_code, again.json()) == (200, first.json())
    assert send("cccc", "eve@x.example").status_code == 409


def test_a_long_query_is_compared_too(api: APIClient, enrollment: Enrollment) -> None:
    """The parameters differ behind the 500th character only."""
    key = {"Idempotency-Key": "q"}
    paths = [f"/api/contacts?{'x' * 600}{end}=1" for end in ("a", "a", "b")]
    answers = [api.post(path, {"email": "a@x.example"}, headers=key).status_code for path in paths]
    assert answers == [400, 400, 409]
