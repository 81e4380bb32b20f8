"""`/api/mailboxes`: secrets are write-only; rights; test, pause, resume, lane."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common.user_exchanges import user_exchange
from emails.models import Mailbox, SendLimit
from sequences.choices import Role
from sequences.models import Enrollment, Workspace
from tests.api.conftest import join, log_in
from tests.factories import EmailMessageFactory, MailboxFactory, MembershipFactory, SendLimitFactory, SentMessageFactory

URL = "/api/mailboxes"
SECRET = "correct-horse-battery-staple"


def describe(**changes: Any) -> dict[str, Any]:
    return {
        "address": "ada@sender.example",
        "smtp_host": "smtp.sender.example",
        "smtp_username": "ada",
        "credentials": {"password": SECRET},
        **changes,
    }


@pytest.fixture
def mailbox(workspace: Workspace, sdr: Any) -> Mailbox:
    return MailboxFactory(workspace=workspace, owner=sdr, credentials={"password": SECRET})


def test_an_sdr_creates_an_own_mailbox_with_caps(api: APIClient, sdr: Any, workspace: Workspace) -> None:
    answer = api.post(URL, describe(daily_limit=40, connections=1))
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["workspace"], shown["owner"], shown["status"]) == (workspace.pk, sdr.pk, "active")
    assert shown["credential_names"] == ["password"]
    assert SECRET not in answer.content.decode()
    stored = Mailbox.objects.get(pk=shown["id"])
    assert stored.credentials == {"password": SECRET}
    limits = dict(SendLimit.objects.filter(mailbox=stored).values_list("window", "maximum"))
    assert limits == {"day": 40, "hour": 10}
    assert shown["gap_seconds"] == 120


def test_raising_a_cap_wakes_the_lane_that_waited_for_it(api: APIClient, mailbox: Mailbox) -> None:
    Mailbox.objects.update(lane_at=datetime(9999, 1, 1, tzinfo=UTC), lane_held_by="mailbox_cap: 50/50 per 24 hours")
    assert api.patch(f"{URL}/{mailbox.pk}", {"daily_limit": 100}).status_code == 200
    mailbox.refresh_from_db()
    assert mailbox.lane_at is not None
    assert mailbox.lane_at <= timezone.now()


def test_new_server_settings_are_probed_at_once(api: APIClient, mailbox: Mailbox) -> None:
    later = timezone.now() + timedelta(hours=1)
    rests = dict.fromkeys(("breaker_until", "lane_at", "next_slot_at"), later)
    Mailbox.objects.update(breaker_state="open", breaker_failures=9, breaker_trips=7, gap_seconds=0, **rests)
    assert api.patch(f"{URL}/{mailbox.pk}", {"smtp_port": 2526, "credentials": {"password": "p"}}).status_code == 200
    mailbox.refresh_from_db()
    assert mailbox.breaker_until is not None
    assert mailbox.lane_at is not None
    assert mailbox.next_slot_at is not None
    assert max(mailbox.breaker_until, mailbox.lane_at, mailbox.next_slot_at) <= timezone.now()
    assert (mailbox.breaker_state, mailbox.breaker_trips) == ("open", 7)


def test_responses_never_contain_secrets(api: APIClient, mailbox: Mailbox) -> None:
    for path in (URL, f"{URL}/{mailbox.pk}", f"{URL}/{mailbox.pk}/lane"):
        text = api.get(path).content.decode()
        assert SECRET not in text
        assert '"credentials"' not in text
    refused = api.patch(f"{URL}/{mailbox.pk}", {"credentials": {"password": SECRET}, "smtp_port": 0})
    assert refused.status_code == 400
    assert SECRET not in refused.content.decode()
    for bad in (SECRET, [SECRET], {"password": [SECRET]}, {"password": {SECRET: SECRET}}):
        answer = api.patch(f"{URL}/{mailbox.pk}", {"credentials": bad})
        assert answer.status_code == 400
        assert SECRET not in answer.content.decode()
    assert SECRET not in api.get("/api/schema").content.decode()


def test_credentials_are_merged_and_null_removes(api: APIClient, mailbox: Mailbox) -> None:
    shown = api.patch(f"{URL}/{mailbox.pk}", {"credentials": {"imap_password": "b", "password": None}}).json()
    assert shown["credential_names"] == ["imap_password"]
    api.patch(f"{URL}/{mailbox.pk}", {"display_name": "Ada"})
    mailbox.refresh_from_db()
    assert (mailbox.credentials, mailbox.display_name) == ({"imap_password": "b"}, "Ada")


def test_stored_secrets_never_go_to_another_server(api: APIClient, mailbox: Mailbox) -> None:
    answer = api.patch(f"{URL}/{mailbox.pk}", {"smtp_host": "thief.example"})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["credentials"]
    body = {"smtp_host": "new.example", "credentials": {"imap_password": "new"}}
    assert api.patch(f"{URL}/{mailbox.pk}", body).json()["credential_names"] == ["imap_password"]


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("Ada {{ oops", "expected '}}'"),
        ("{{ contact.nickname }}", "contact.nickname"),
        ("{{ contact.title }}", "contact.title"),
        ("{{ sender.name | louder }}", "louder"),
    ],
)
def test_a_signature_that_would_quarantine_every_enrollment_is_refused(
    api: APIClient, mailbox: Mailbox, signature: str, message: str
) -> None:
    answer = api.patch(f"{URL}/{mailbox.pk}", {"signature": signature})
    assert answer.status_code == 400
    assert message in answer.json()["errors"]["signature"][0]
    good = "{{ sender.name }}, {{ workspace.name }} {{ contact.title | default: '' }} {{ contact.email }}"
    assert api.patch(f"{URL}/{mailbox.pk}", {"signature": good}).status_code == 200


@pytest.mark.parametrize("name", ["api_url", "endpoint_url", "token_url"])
def test_stored_secrets_never_go_to_another_provider_url(api: APIClient, mailbox: Mailbox, name: str) -> None:
    path, elsewhere = f"{URL}/{mailbox.pk}", {"transport_options": {name: "https://thief.example/"}}
    assert list(api.patch(path, elsewhere).json()["errors"]) == ["credentials"]
    body = {**elsewhere, "credentials": {"api_key": "new"}}
    assert api.patch(path, body).json()["credential_names"] == ["api_key"]
    again = {"transport_options": {name: "https://thief.example/", "sender_domain": "mail.example"}}
    assert api.patch(path, again).json()["credential_names"] == ["api_key"]


@pytest.mark.parametrize(
    "change",
    [
        {"smtp_port": 2626}, {"smtp_security": "tls"}, {"imap_host": "imap.thief.example"}, {"imap_port": 144},
        {"imap_security": "none"}, {"auth_method": "google"}, {"transport": "mailgun"},
    ],
)  # fmt: skip
def test_nor_in_another_way(api: APIClient, mailbox: Mailbox, change: dict[str, Any]) -> None:
    refused = api.patch(f"{URL}/{mailbox.pk}", change)
    assert refused.status_code == 400
    assert "Enter the password again" in refused.json()["errors"]["credentials"][0]
    assert api.patch(f"{URL}/{mailbox.pk}", {**change, "credentials": {"password": "again"}}).status_code == 200
    assert dict(Mailbox.objects.get().credentials) == {"password": "again"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ca_file": "/etc/passwd"}, "ca_file is no longer read"),
        ({"ca_pem": "/etc/passwd"}, "not a certificate"),
        ({"ca_pem": ["x"]}, "not a certificate"),
        ({"ca_pem": "-----BEGIN CERTIFICATE-----\nü\n-----END CERTIFICATE-----"}, "not a certificate"),
    ],
)
def test_a_certificate_is_text(api: APIClient, mailbox: Mailbox, options: dict[str, Any], text: str) -> None:
    answer = api.patch(f"{URL}/{mailbox.pk}", {"transport_options": options, "credentials": {"password": "again"}})
    assert answer.status_code == 400
    assert text in answer.json()["errors"]["transport_options"][0]


def test_a_change_keeps_the_state_of_the_lane(api: APIClient, mailbox: Mailbox) -> None:
    Mailbox.objects.update(breaker_failures=3, leased_by="worker")
    refused = {"status": "paused", "leased_by": "me", "breaker_failures": 0, "address": "x@y.example"}
    answer = api.patch(f"{URL}/{mailbox.pk}", {"gap_seconds": 80, **refused})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, set(refused))
    assert api.patch(f"{URL}/{mailbox.pk}", {"gap_seconds": 90}).status_code == 200
    changed = Mailbox.objects.get()
    assert (changed.gap_seconds, changed.breaker_failures, changed.leased_by) == (90, 3, "worker")
    assert (changed.status, changed.address) == ("active", mailbox.address)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "no-address"}, "address"),
        ({"smtp_host": ""}, "smtp_host"),
        ({"smtp_port": 70_000}, "smtp_port"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"connections": 4}, "connections"),
        ({"inbound": "imap"}, "imap_host"),
        ({"transport": "pigeon"}, "transport"),
        ({"owner": 2**31 - 1}, "owner"),
        ({"workspace": 2**31 - 1}, "workspace"),
        ({"daily_limit": -1}, "daily_limit"),
        ({"gap_seconds": 2**40}, "gap_seconds"),
    ],
)
def test_bad_mailboxes_are_refused_by_field(manager_api: APIClient, changes: dict[str, Any], field: str) -> None:
    answer = manager_api.post(URL, describe(**changes))
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not Mailbox.objects.exists()


def test_one_address_per_workspace(manager_api: APIClient, mailbox: Mailbox) -> None:
    answer = manager_api.post(URL, describe(address=mailbox.address.upper()))
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["address"]


def test_an_owner_belongs_to_the_workspace_of_the_mailbox(workspace: Workspace) -> None:
    boss = join(workspace, Role.ADMIN)
    elsewhere = MembershipFactory(user=boss, role=Role.ADMIN.value).workspace
    colleague = join(elsewhere)
    answer = log_in(boss).post(URL, describe(workspace=workspace.pk, owner=colleague.pk))
    assert list(answer.json()["errors"]) == ["owner"]
    assert list(log_in(boss).post(URL, describe()).json()["errors"]) == ["workspace"]


def test_other_members_may_read_but_not_change(workspace: Workspace, mailbox: Mailbox) -> None:
    other = log_in(join(workspace))
    assert other.get(f"{URL}/{mailbox.pk}").status_code == 200
    assert other.get(f"{URL}/{mailbox.pk}/lane").status_code == 200
    assert other.patch(f"{URL}/{mailbox.pk}", {"gap_seconds": 1}).status_code == 403
    assert other.delete(f"{URL}/{mailbox.pk}").status_code == 403
    for verb in ("test", "pause", "resume"):
        assert other.post(f"{URL}/{mailbox.pk}/{verb}").status_code == 403
    assert other.post(URL, describe(owner=mailbox.owner_id)).status_code == 403
    unchanged = Mailbox.objects.get()
    assert (unchanged.gap_seconds, unchanged.status) == (0, "active")


def test_pause_and_resume(manager_api: APIClient, mailbox: Mailbox) -> None:
    paused = manager_api.post(f"{URL}/{mailbox.pk}/pause", {"reason": "new password"}).json()
    assert (paused["status"], paused["status_reason"]) == ("paused", "new password")
    assert manager_api.post(f"{URL}/{mailbox.pk}/pause").json() == paused
    assert manager_api.post(f"{URL}/{mailbox.pk}/resume").json()["status"] == "active"
    assert manager_api.post(f"{URL}/{mailbox.pk}/resume").status_code == 200


def test_the_login_test_reports_the_error(api: APIClient, mailbox: Mailbox) -> None:
    Mailbox.objects.update(smtp_port=1)
    answer = api.post(f"{URL}/{mailbox.pk}/test")
    assert answer.status_code == 200
    report = answer.json()
    assert set(report) == {"ok", "smtp_error", "imap_error", "imap_checked"}
    assert report["ok"] is False
    assert report["smtp_error"]
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("what", ["test", "check"])
@pytest.mark.parametrize("held", [(-1, -2), (None,)], ids=["two others", "one of the same workspace"])
def test_a_test_too_many_at_once_is_answered_429_at_once(
    api: APIClient, mailbox: Mailbox, what: str, held: tuple[int | None, ...]
) -> None:
    with contextlib.ExitStack() as busy:
        for workspace_id in held:
            busy.enter_context(user_exchange(workspace_id or mailbox.workspace_id))
        login = busy.enter_context(mock.patch("emails.mailbox.login_test.test_login"))
        answer = api.post(f"{URL}/{mailbox.pk}/{what}")
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "throttled", "5")
        assert "try again in a few seconds" in answer.json()["detail"]
        login.assert_not_called()
    Mailbox.objects.update(smtp_port=1)
    assert api.post(f"{URL}/{mailbox.pk}/test").status_code == 200


def test_the_lane_shows_queue_usage_and_breaker(api: APIClient, enrollment: Enrollment) -> None:
    SendLimitFactory(mailbox=enrollment.mailbox, maximum=50)
    queued = EmailMessageFactory(enrollment=enrollment)
    lane = api.get(f"{URL}/{enrollment.mailbox_id}/lane").json()
    assert (lane["mailbox"], lane["queue_length"], lane["unknown"]) == (enrollment.mailbox_id, 1, 0)
    assert lane["breaker"] == {"state": "closed", "failures": 0, "until": None, "error": ""}
    assert [item["message"] for item in lane["queue"]] == [queued.pk]
    assert lane["queue"][0]["due_at"] == "2026-03-02T10:00:00Z"
    assert [(use["code"], use["window"], use["used"], use["maximum"]) for use in lane["usage"]] == [
        ("mailbox_cap", "day", 0, 50)
    ]


def test_only_an_unused_mailbox_is_deleted(api: APIClient, mailbox: Mailbox, enrollment: Enrollment) -> None:
    SentMessageFactory(enrollment=enrollment)
    answer = api.delete(f"{URL}/{enrollment.mailbox_id}")
    assert answer.status_code == 409
    assert "pause it instead" in answer.json()["detail"]
    assert api.delete(f"{URL}/{mailbox.pk}").status_code == 204
    assert not Mailbox.objects.filter(pk=mailbox.pk).exists()


def test_put_replaces(api: APIClient, mailbox: Mailbox) -> None:
    body = describe(smtp_host=mailbox.smtp_host, credentials={}, address=mailbox.address)
    answer = api.put(f"{URL}/{mailbox.pk}", body)
    assert answer.status_code == 200
    assert json.loads(answer.content)["smtp_username"] == "ada"
