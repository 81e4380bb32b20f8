"""P9: another workspace's rows do not exist, by any address, verb, filter or body; nor anything without a login."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage, Mailbox, Reply, Suppression
from execution.models import ControlLog, DeadLetter, ExecutionLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.models import Account, Contact, Enrollment, Sequence, Step, Workspace
from tasks_app.models import Task
from tests.api.conftest import log_in
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    StepFactory,
    TaskFactory,
    UserFactory,
)

LISTS = [
    "sequence-enrollments", "sequences", "steps", "contacts", "accounts", "snippets", "mailboxes", "mailbox-pools",
    "messages", "suppressions", "suppression-changes", "tasks", "replies", "dead-letters", "webhooks", "time-off",
]  # fmt: skip
ACTIONS = [
    ("get", "sequence-enrollments", "logs", {}),
    ("post", "sequence-enrollments", "pause", {}),
    ("post", "sequence-enrollments", "resume", {}),
    ("post", "sequence-enrollments", "skip-step", {}),
    ("post", "sequence-enrollments", "exit", {}),
    ("post", "sequence-enrollments", "retry", {}),
    ("post", "sequence-enrollments", "snooze", {"until": "2027-01-01T00:00:00Z"}),
    ("post", "sequence-enrollments", "move", {"step": 1}),
    ("get", "sequence-enrollments", "why", {}),
    ("get", "sequence-enrollments", "timeline", {}),
    ("patch", "webhooks", "", {"is_active": False}),
    ("patch", "workspaces", "", {"cool_down_days": 3}),
    ("delete", "webhooks", "", {}),
    ("post", "webhooks", "test", {}),
    ("get", "webhooks", "deliveries", {}),
    ("post", "webhooks", "deliveries/1/redeliver", {}),
    ("post", "dead-letters", "replay", {}),
    ("post", "dead-letters", "discard", {}),
    ("post", "tasks", "snooze", {"until": "2027-01-01T00:00:00Z"}),
    ("post", "tasks", "reassign", {"assignee": 1}),
    ("post", "replies", "classify", {"intent": "opt_out"}),
    ("post", "replies", "answer", {"body": "Hello"}),
    ("post", "replies", "handled", {}),
    ("put", "sequences", "", {"name": "Mine"}),
    ("patch", "sequences", "", {"name": "Mine"}),
    ("delete", "sequences", "", {}),
    ("post", "sequences", "activate", {}),
    ("post", "sequences", "pause", {}),
    ("post", "sequences", "resume", {}),
    ("post", "sequences", "archive", {}),
    ("post", "sequences", "duplicate", {}),
    ("post", "sequences", "validate", {}),
    ("get", "sequences", "validate", {}),
    ("get", "sequences", "preview", {"email": "jo@prospect.example"}),
    ("post", "sequences", "preview", {"email": "jo@prospect.example"}),
    ("get", "sequences", "stats", {}),
    ("get", "sequences", "history", {}),
    ("get", "sequences", "export", {}),
    ("get", "sequences", "steps", {}),
    ("post", "sequences", "steps", {"type": "delay", "delay_days": 1}),
    ("patch", "steps", "", {"name": "Mine"}),
    ("delete", "steps", "", {}),
    ("post", "steps", "move", {"position": 1}),
    ("post", "steps", "render", {"email": "jo@prospect.example"}),
    ("post", "steps", "test-send", {"email": "jo@prospect.example"}),
    ("post", "accounts", "release", {}),
    ("get", "contacts", "engagement", {}),
    ("get", "mailboxes", "lane", {}),
    ("post", "mailboxes", "test", {}),
    ("post", "mailboxes", "check", {}),
    ("post", "mailboxes", "pause", {}),
    ("post", "mailboxes", "resume", {}),
    ("put", "mailboxes", "", {"gap_seconds": 7}),
    ("patch", "mailboxes", "", {"gap_seconds": 7}),
    ("delete", "mailboxes", "", {}),
    ("patch", "mailbox-pools", "", {"name": "Mine"}),
    ("delete", "mailbox-pools", "", {}),
    ("post", "messages", "resolve", {"as": "sent"}),
    ("post", "tasks", "complete", {}),
    ("delete", "suppressions", "", {"reason": "x"}),
]


SPLIT = {
    "type": "conditional_split", "condition_type": "email_opened", "condition_config": {"wait_hours": 1},
    "if_false_goto": None,
}  # fmt: skip


def snapshot() -> list[Any]:
    models = (
        Sequence, Step, Enrollment, EmailMessage, Mailbox, Task, ExecutionLog, ControlLog, DeadLetter, Contact,
        Account, Suppression, WebhookSubscription, WebhookDelivery, Reply,
    )  # fmt: skip
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("name", LISTS)
def test_foreign_rows_are_neither_listed_nor_shown(stranger_api: APIClient, ids: dict[str, int], name: str) -> None:
    assert stranger_api.get(f"/api/{name}").json()["results"] == []
    answer = stranger_api.get(f"/api/{name}/{ids[name]}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", LISTS)
def test_members_see_rows_of_their_workspace(api: APIClient, ids: dict[str, int], name: str) -> None:
    assert ids[name] in [row["id"] for row in api.get(f"/api/{name}").json()["results"]]
    assert api.get(f"/api/{name}/{ids[name]}").json()["id"] == ids[name]


@pytest.mark.parametrize(("method", "name", "verb", "body"), ACTIONS)
def test_foreign_rows_cannot_be_acted_on(
    stranger_api: APIClient, ids: dict[str, int], method: str, name: str, verb: str, body: dict[str, Any]
) -> None:
    before = snapshot()
    path = f"/api/{name}/{ids[name]}" + (f"/{verb}" if verb else "")
    assert getattr(stranger_api, method)(path, body).status_code == 404
    assert snapshot() == before


@pytest.mark.parametrize("name", LISTS)
def test_filters_find_nothing_foreign(
    stranger_api: APIClient, ids: dict[str, int], workspace: Workspace, name: str
) -> None:
    assert stranger_api.get(f"/api/{name}?workspace={workspace.pk}").json()["results"] == []


def test_bodies_name_nothing_foreign(stranger_api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    own = Workspace.objects.exclude(pk=enrollment.workspace_id).get()
    sequence = SequenceFactory(workspace=own)
    StepFactory(sequence=sequence)
    contact, mailbox = ContactFactory(workspace=own), MailboxFactory(workspace=own)
    body = {"sequence": sequence.pk, "contacts": [contact.pk], "mailbox": mailbox.pk}
    url = "/api/sequence-enrollments"
    assert stranger_api.post(url, {**body, "sequence": enrollment.sequence_id}).status_code == 400
    assert stranger_api.post(url, {**body, "mailbox": enrollment.mailbox_id}).status_code == 400
    assert stranger_api.post(url, {**body, "owner": sdr.pk}).status_code == 400
    left = stranger_api.post(url, {**body, "contacts": [enrollment.contact_id]}).json()
    assert left["enrolled"] == []
    assert enrollment.contact.email not in str(left)
    left = stranger_api.post(
        url, {"sequence": sequence.pk, "emails": [enrollment.contact.email], "mailbox": mailbox.pk}
    ).json()
    assert left["skipped"][0]["reason"].startswith("is not a contact of this workspace")
    new = {"address": "new@sender.example", "smtp_host": "smtp.example"}
    assert stranger_api.post("/api/mailboxes", {**new, "workspace": enrollment.workspace_id}).status_code == 400
    assert stranger_api.post("/api/mailboxes", {**new, "owner": sdr.pk}).status_code == 400
    assert Enrollment.objects.count() == 1


# Names in braces become ids: `own_…` of the asker's rows, all others of the other workspace's.
FOREIGN = [
    ("post", "contacts", {"email": "eve@x.example", "account": "{accounts}"}, 400),
    ("post", "contacts", {"email": "eve@x.example", "workspace": "{workspace}"}, 400),
    ("patch", "contacts/{own_contact}", {"account": "{accounts}"}, 400),
    ("post", "accounts", {"name": "Mine", "workspace": "{workspace}"}, 400),
    ("post", "sequences", {"name": "Mine", "workspace": "{workspace}"}, 400),
    ("post", "sequences", {"name": "Mine", "steps": [{"id": "{steps}", "type": "delay", "delay_days": 1}]}, 400),
    ("post", "sequences/import", {"yaml": "name: x\nsteps: []", "workspace": "{workspace}"}, 400),
    ("post", "sequences", {"name": "Mine", "steps": [{**SPLIT, "if_true_goto": "{steps}"}]}, 400),
    ("post", "sequences/{own_sequence}/steps", {**SPLIT, "if_true_goto": "{steps}"}, 400),
    ("patch", "sequences/{own_sequence}", {"steps": [{"id": "{steps}", "type": "delay", "delay_days": 1}]}, 400),
    ("get", "sequences/{own_sequence}/preview?contact={contacts}", {}, 400),
    ("post", "sequences/{own_sequence}/preview", {"contact": "{contacts}"}, 400),
    ("patch", "steps/{own_step}", {"if_true_goto": "{steps}"}, 400),
    ("delete", "steps/{own_step}", {"goes_to": "{steps}"}, 400),
    ("post", "steps/{own_step}/render", {"contact": "{contacts}"}, 400),
    ("post", "steps/{own_step}/render", {"contact": "{own_contact}", "mailbox": "{mailboxes}"}, 400),
    ("post", "steps/{own_step}/test-send", {"contact": "{own_contact}", "mailbox": "{mailboxes}"}, 400),
    ("post", "steps/{own_step}/test-send", {"contact": "{contacts}", "mailbox": "{own_mailbox}"}, 400),
    ("post", "sequence-enrollments/{own_enrollment}/move", {"step": "{steps}"}, 400),
    ("patch", "mailboxes/{own_mailbox}", {"owner": "{owner}"}, 400),
    ("post", "suppressions", {"email": "eve@x.example", "workspace": "{workspace}"}, 400),
    ("post", "tasks/{own_task}/reassign", {"assignee": "{owner}"}, 400),
    ("post", "webhooks", {"url": "http://127.0.0.1:9/", "events": ["*"], "workspace": "{workspace}"}, 400),
    ("post", "webhooks/{own_webhook}/deliveries/{delivery}/redeliver", {}, 404),
    ("post", "dead-letters/bulk", {"action": "discard", "similar_to": "{dead-letters}"}, 400),
]


def fill_in(given: Any, ids: dict[str, int]) -> Any:
    """The same with ids for their names: whole texts become numbers."""
    if isinstance(given, dict):
        return {name: fill_in(value, ids) for name, value in given.items()}
    if isinstance(given, list):
        return [fill_in(value, ids) for value in given]
    if isinstance(given, str) and given.strip("{}") in ids:
        return ids[given.strip("{}")]
    return given.format(**ids) if isinstance(given, str) and "{" in given else given


@pytest.fixture
def all_ids(stranger_api: APIClient, ids: dict[str, int], enrollment: Enrollment, sdr: Any) -> dict[str, int]:
    """Those of the workspace by the names of its lists; those of `stranger_api` as `own_…`."""
    workspace = Workspace.objects.exclude(pk=enrollment.workspace_id).get()
    sequence = SequenceFactory(workspace=workspace)
    own = EnrollmentFactory(sequence=sequence, contact__workspace=workspace)
    foreign_hook = WebhookSubscription.objects.get(pk=ids["webhooks"])
    hook = WebhookSubscription.objects.create(
        workspace=workspace, url="http://127.0.0.1:9/", events=["*"], created_at=NOW, scanned_at=NOW
    )
    return {
        **ids,
        "workspace": enrollment.workspace_id,
        "owner": sdr.pk,
        "delivery": ping(foreign_hook, NOW).pk,
        "own_sequence": sequence.pk,
        "own_step": StepFactory(sequence=sequence).pk,
        "own_contact": own.contact_id,
        "own_enrollment": own.pk,
        "own_mailbox": MailboxFactory(workspace=workspace, owner=workspace.memberships.get().user).pk,
        "own_task": TaskFactory(enrollment=own).pk,
        "own_webhook": hook.pk,
    }


@pytest.mark.parametrize(("verb", "path", "body", "status"), FOREIGN)
def test_a_body_that_names_what_is_foreign_is_refused_and_changes_nothing(
    stranger_api: APIClient, all_ids: dict[str, int], verb: str, path: str, body: dict[str, Any], status: int
) -> None:
    before = snapshot()
    answer = getattr(stranger_api, verb)(f"/api/{path.format(**all_ids)}", fill_in(body, all_ids))
    assert answer.status_code == status, answer.content
    assert "@prospect.example" not in answer.content.decode()
    assert snapshot() == before


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *[("sequence-enrollments", field) for field in ("sequence", "contact", "mailbox", "owner")],
        *[("messages", field) for field in ("enrollment", "contact", "mailbox")],
        *[("tasks", field) for field in ("enrollment", "contact")],
        ("dead-letters", "enrollment"),
        ("dead-letters", "similar_to"),
        ("dead-letters", "sequence"),
        ("contacts", "account"),
        ("steps", "sequence"),
        ("mailboxes", "owner"),
    ],
)
def test_a_filter_by_what_is_foreign_finds_nothing(
    stranger_api: APIClient, all_ids: dict[str, int], name: str, field: str
) -> None:
    lists = {"sequence": "sequences", "contact": "contacts", "mailbox": "mailboxes", "account": "accounts",
             "enrollment": "sequence-enrollments", "similar_to": "dead-letters", "owner": "owner"}  # fmt: skip
    answer = stranger_api.get(f"/api/{name}?{field}={all_ids[lists[field]]}")
    assert answer.json()["results"] == []
    if name == "sequence-enrollments":
        bulk = {"action": "exit", "filter": {field: all_ids[lists[field]]}}
        assert stranger_api.post(f"/api/{name}/bulk", bulk).json()["matched"] == 0


def test_bulks_by_id_find_nothing_foreign(stranger_api: APIClient, ids: dict[str, int]) -> None:
    before = snapshot()
    for name, action in (("sequence-enrollments", "exit"), ("dead-letters", "discard")):
        answer = stranger_api.post(f"/api/{name}/bulk", {"action": action, "ids": [ids[name]]})
        assert answer.json()["matched"] == 0
    assert snapshot() == before


def test_a_login_without_a_workspace_sees_nothing_and_a_superuser_all(ids: dict[str, int]) -> None:
    for name in LISTS:
        assert log_in(UserFactory()).get(f"/api/{name}").json()["results"] == []
    root = log_in(UserFactory(is_superuser=True))
    for name in LISTS:
        assert root.get(f"/api/{name}/{ids[name]}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("get", f"/api/{name}") for name in LISTS],
        *[("get", f"/api/{name}/1") for name in LISTS],
        *[(method, f"/api/{name}/1" + (f"/{verb}" if verb else "")) for method, name, verb, _ in ACTIONS],
        ("post", "/api/sequence-enrollments"),
        ("post", "/api/mailboxes"),
        *[("get", f"/api/sequence-executor/{verb}") for verb in ("status", "queue")],
        *[("post", f"/api/sequence-executor/{verb}") for verb in ("pause", "resume")],
    ],
)
def test_no_rows_without_a_login(db: None, method: str, path: str) -> None:
    for headers in ({}, {"HTTP_AUTHORIZATION": "Token nonsense"}):
        client = APIClient()
        client.credentials(**headers)
        answer = getattr(client, method)(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Token"
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_membership_changes_take_effect_with_the_next_request() -> None:
    user, enrollments = UserFactory(), EnrollmentFactory.create_batch(3)
    client = log_in(user)

    def seen() -> list[int]:
        return [row["id"] for row in client.get("/api/sequence-enrollments?ordering=id").json()["results"]]

    first, second, _ = enrollments
    assert seen() == []
    for count, joined in enumerate((first, second), 1):
        MembershipFactory(user=user, workspace=joined.workspace)
        assert seen() == [row.pk for row in enrollments[:count]]
    user.memberships.get(workspace=first.workspace).delete()
    assert seen() == [second.pk]
    assert client.get(f"/api/sequence-enrollments/{first.pk}").status_code == 404
    # the key of a user without a membership ends
    user.memberships.get(workspace=second.workspace).delete()
    assert client.get(f"/api/sequence-enrollments/{second.pk}").status_code == 401
