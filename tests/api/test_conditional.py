"""`ETag` with `If-Match`: the second of two concurrent edits of a row is refused."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import Mailbox
from sequences.models import Contact

EDITS: dict[str, dict[str, Any]] = {
    "contacts": {"title": "CTO"},
    "accounts": {"name": "Prospect Ltd"},
    "mailboxes": {"gap_seconds": 90},
    "sequences": {"description": "Spring"},
    "steps": {"name": "Hello"},
}


@pytest.mark.parametrize("name", EDITS)
def test_the_second_of_two_edits_is_refused(manager_api: APIClient, ids: dict[str, int], name: str) -> None:
    path, body = f"/api/{name}/{ids[name]}", EDITS[name]
    etag = manager_api.get(path).headers["ETag"]
    tried = manager_api.patch(path, {**body, "dry_run": True}, headers={"If-Match": etag})
    assert tried.status_code == 200
    first = manager_api.patch(path, body, headers={"If-Match": etag})
    assert first.status_code == 200, first.json()
    (field, value) = next(iter(body.items()))
    second = manager_api.patch(path, {field: value}, headers={"If-Match": etag})
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")
    assert "read it again" in second.json()["detail"]
    assert first.headers["ETag"] == manager_api.get(path).headers["ETag"] != etag
    assert manager_api.patch(path, body, headers={"If-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("name", EDITS)
def test_a_stale_delete_is_refused(manager_api: APIClient, ids: dict[str, int], name: str) -> None:
    path = f"/api/{name}/{ids[name]}"
    assert manager_api.delete(path, headers={"If-Match": '"stale"'}).status_code == 412
    assert manager_api.get(path).status_code == 200


def test_lists_of_etags_wildcards_and_weak_etags_are_accepted(manager_api: APIClient, ids: dict[str, int]) -> None:
    path = f"/api/contacts/{ids['contacts']}"
    for title, header in (("a", '"old", {}'), ("b", "*"), ("c", "W/{}")):
        etag = manager_api.get(path).headers["ETag"]
        answer = manager_api.patch(path, {"title": title}, headers={"If-Match": header.format(etag)})
        assert answer.status_code == 200, header
    answer = manager_api.patch(path, {"title": "d"}, headers={"If-Match": etag.strip('"')})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["If-Match"])
    assert Contact.objects.get(pk=ids["contacts"]).title == "c"


def test_writes_of_the_engine_do_not_change_the_etag(manager_api: APIClient, ids: dict[str, int]) -> None:
    etags = [manager_api.get(f"/api/{name}/{ids[name]}").headers["ETag"] for name in ("contacts", "mailboxes")]
    Contact.objects.update(engagement_score=70)
    Mailbox.objects.update(status="paused", status_reason="full", breaker_error="later")
    assert [manager_api.get(f"/api/{name}/{ids[name]}").headers["ETag"] for name in ("contacts", "mailboxes")] == etags


def test_a_new_password_changes_the_etag(manager_api: APIClient, ids: dict[str, int], clock: Any) -> None:
    path = f"/api/mailboxes/{ids['mailboxes']}"
    manager_api.patch(path, {"credentials": {"password": "one"}})
    etag = manager_api.get(path).headers["ETag"]
    clock.shift(1)
    manager_api.patch(path, {"credentials": {"password": "two"}})
    assert manager_api.patch(path, {"gap_seconds": 70}, headers={"If-Match": etag}).status_code == 412


def test_a_step_is_stale_after_its_sequence_was_edited(manager_api: APIClient, ids: dict[str, int]) -> None:
    path = f"/api/steps/{ids['steps']}"
    etag = manager_api.get(path).headers["ETag"]
    steps = manager_api.get(f"/api/sequences/{ids['sequences']}").json()["steps"]
    manager_api.patch(f"/api/sequences/{ids['sequences']}", {"steps": [{**steps[0], "name": "Other"}, *steps[1:]]})
    assert manager_api.post(f"{path}/move", {"position": 2}, headers={"If-Match": etag}).status_code == 412


def test_an_unchanged_row_is_304(manager_api: APIClient, ids: dict[str, int]) -> None:
    path = f"/api/sequences/{ids['sequences']}"
    etag = manager_api.get(path).headers["ETag"]
    answer = manager_api.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert manager_api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_if_match_is_refused_where_there_is_no_etag(manager_api: APIClient, ids: dict[str, int]) -> None:
    for path in (f"/api/sequence-enrollments/{ids['sequence-enrollments']}/pause", "/api/contacts"):
        answer = manager_api.post(path, {}, headers={"If-Match": '"x"'})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["If-Match"])
