"""Send limits: read by every member, written by admins, with targets of the own workspace only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import Mailbox, SendLimit
from execution.models import ControlLog
from sequences.choices import Role
from sequences.models import Workspace
from tests.api.conftest import join
from tests.factories import NOW, MailboxFactory, SendLimitFactory, UserFactory, WorkspaceFactory

PATH = "/api/send-limits"


@pytest.fixture
def mailbox(workspace: Workspace, sdr: Any) -> Mailbox:
    return MailboxFactory(workspace=workspace, owner=sdr)


def test_an_admin_creates_changes_and_deletes_limits(admin_api: APIClient, api: APIClient, mailbox: Mailbox) -> None:
    body = {"scope": "mailbox", "key": mailbox.address.upper(), "window": "day", "maximum": 50}
    answer = admin_api.post(PATH, body)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["scope"], made["key"], made["window"], made["maximum"], made["first_touch_only"]) == (
        "mailbox", mailbox.pk, "day", 50, False,
    )  # fmt: skip
    assert api.get(f"{PATH}/{made['id']}").json() == made
    assert [row["id"] for row in api.get(PATH, {"scope": "mailbox"}).json()["results"]] == [made["id"]]
    changed = admin_api.patch(f"{PATH}/{made['id']}", {"maximum": 80}).json()
    assert (changed["maximum"], changed["key"]) == (80, mailbox.pk)
    moved = admin_api.put(f"{PATH}/{made['id']}", {**body, "scope": "recipient_domain", "key": "ACME.com"}).json()
    assert (moved["scope"], moved["key"]) == ("recipient_domain", "acme.com")
    assert SendLimit.objects.get().mailbox is None
    assert admin_api.delete(f"{PATH}/{made['id']}").status_code == 204
    lines = ControlLog.objects.filter(target="send_limit").order_by("pk")
    assert [line.action for line in lines] == ["created", "edited", "edited", "deleted"]
    assert {"what": "row", "field": "maximum", "before": 50, "after": 80} in lines[1].changes


def test_a_key_names_what_the_scope_says(
    admin_api: APIClient, workspace: Workspace, sdr: Any, mailbox: Mailbox
) -> None:
    colleague = join(workspace)
    for scope, key, stored in (
        ("mailbox", mailbox.pk, mailbox.pk),
        ("user", sdr.email, sdr.pk),
        ("user", str(colleague.pk), colleague.pk),
        ("workspace", None, None),
        ("recipient_domain", "bücher.example", "xn--bcher-kva.example"),
        ("recipient_domain", "", None),
    ):
        body = {"scope": scope, "key": key, "window": "hour", "maximum": 0}
        answer = admin_api.post(PATH, body)
        assert answer.status_code == 201, answer.json()
        assert answer.json()["key"] == stored
    assert admin_api.post(PATH, {"scope": "workspace", "window": "day", "maximum": 9}).status_code == 201


def test_foreign_and_missing_targets_are_refused(admin_api: APIClient, workspace: Workspace, mailbox: Mailbox) -> None:
    foreign, stranger = MailboxFactory(), UserFactory()
    for scope, key in (
        ("mailbox", foreign.pk), ("mailbox", foreign.address), ("mailbox", None), ("user", stranger.pk),
        ("user", stranger.email), ("user", ""), ("workspace", foreign.workspace_id), ("recipient_domain", "no domain"),
        ("mailbox", True), ("mailbox", ["x"]), ("mailbox", "9" * 400),
    ):  # fmt: skip
        answer = admin_api.post(PATH, {"scope": scope, "key": key, "window": "day", "maximum": 1})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["key"]), (scope, key)
    limit = SendLimitFactory(mailbox=mailbox, maximum=5)
    # another scope needs a key of its own
    assert admin_api.patch(f"{PATH}/{limit.pk}", {"scope": "user"}).status_code == 400
    other = WorkspaceFactory()
    body = {"scope": "workspace", "window": "day", "maximum": 1, "workspace": other.pk}
    assert admin_api.post(PATH, body).status_code in {400, 404}
    assert list(SendLimit.objects.values_list("scope", "maximum")) == [("mailbox", 5)]


@pytest.mark.parametrize(
    "change",
    [{"scope": "team"}, {"window": "week"}, {"maximum": -1}, {"maximum": 2**40}, {"maximums": 3}, {"maximum": None}],
)
def test_invalid_limits_are_refused(admin_api: APIClient, workspace: Workspace, change: dict[str, Any]) -> None:
    answer = admin_api.post(PATH, {"scope": "workspace", "window": "day", "maximum": 5, **change})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(change))
    assert not SendLimit.objects.exists()


def test_the_same_limit_twice_is_refused(admin_api: APIClient, mailbox: Mailbox) -> None:
    body = {"scope": "mailbox", "key": mailbox.pk, "window": "day", "maximum": 50}
    assert admin_api.post(PATH, body).status_code == 201
    again = admin_api.post(PATH, {**body, "maximum": 60})
    assert (again.status_code, list(again.json()["errors"])) == (400, ["key"])


def test_a_dry_run_stores_nothing(admin_api: APIClient, workspace: Workspace) -> None:
    body = {"scope": "workspace", "window": "day", "maximum": 5, "dry_run": True}
    answer = admin_api.post(PATH, body).json()
    assert (answer["is_dry_run"], answer["id"], SendLimit.objects.exists()) == (True, None, False)


def test_only_admins_write(api: APIClient, manager_api: APIClient, stranger_api: APIClient, mailbox: Mailbox) -> None:
    limit = SendLimitFactory(mailbox=mailbox, maximum=5)
    row = f"{PATH}/{limit.pk}"
    for client, expected in ((api, 403), (manager_api, 403), (stranger_api, 404)):
        assert client.patch(row, {"maximum": 9}).status_code == expected
        assert client.delete(row).status_code == expected
    body = {"scope": "workspace", "window": "day", "maximum": 5}
    assert [client.post(PATH, body).status_code for client in (api, manager_api)] == [403, 403]
    assert stranger_api.get(PATH).json()["results"] == []
    limit.refresh_from_db()
    assert limit.maximum == 5


def test_a_raised_cap_wakes_the_lane_that_waited_for_it(admin_api: APIClient, mailbox: Mailbox) -> None:
    limit = SendLimitFactory(mailbox=mailbox, maximum=5)
    later = NOW.replace(hour=20)
    Mailbox.objects.filter(pk=mailbox.pk).update(lane_at=later, lane_held_by="mailbox_cap: 5/5")
    assert admin_api.patch(f"{PATH}/{limit.pk}", {"maximum": 9}).status_code == 200
    mailbox.refresh_from_db()
    assert mailbox.lane_at == NOW


def test_changes_in_the_desk_are_logged_too(workspace: Workspace) -> None:
    client = Client()
    client.force_login(join(workspace, Role.ADMIN))
    data: dict[str, Any] = {"workspace": workspace.pk, "scope": "workspace", "window": "day", "maximum": 500}
    assert client.post(reverse("admin:emails_sendlimit_add"), data).status_code == 302
    limit = SendLimit.objects.get()
    page = reverse("admin:emails_sendlimit_change", args=[limit.pk])
    assert client.post(page, {**data, "maximum": 600}).status_code == 302
    assert client.post(reverse("admin:emails_sendlimit_delete", args=[limit.pk]), {"post": "yes"}).status_code == 302
    lines = ControlLog.objects.filter(target="send_limit").order_by("pk")
    assert [line.action for line in lines] == ["created", "edited", "deleted"]
    assert lines[1].changes == [{"what": "row", "field": "maximum", "before": 500, "after": 600}]
