"""The generated OpenAPI document, walked by strangers with another workspace's ids: nothing is shown or changed."""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from rest_framework.test import APIClient

from execution.models import WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.choices import Role
from sequences.models import Enrollment
from tests.api.conftest import join, log_in
from tests.factories import NOW, OperatorFactory, WorkspaceFactory
from tests.support.tables import read_tables

# Keys of bodies that name a row, and the list that it is in.
NAMES = {
    "workspace": "workspaces", "sequence": "sequences", "contact": "contacts", "contacts": "contacts",
    "mailbox": "mailboxes", "owner": "users", "assignee": "users", "account": "accounts", "ids": "sequence-enrollments",
    "step": "steps", "similar_to": "dead-letters",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer: dict[str, Any] = Client().get("/api/schema").json()
    return answer


def body_of(document: dict[str, Any], operation: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The example of the document, and the names of all keys."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return copy.deepcopy(content.get("example", {})), set(schema.get("properties", {}))


def send(client: APIClient, verb: str, path: str, body: Any) -> int:
    with mock.patch("emails.api.views.check_mailbox"), mock.patch("emails.api.views.check_setup"):
        status: int = getattr(client, verb)(path, body if verb != "get" else None).status_code
    return status


def strangers() -> dict[str, APIClient]:
    elsewhere = WorkspaceFactory()
    people = {role.value: join(elsewhere, role) for role in Role}
    people["operator"] = OperatorFactory()
    clients = {name: log_in(user) for name, user in people.items()}
    for client in clients.values():
        # the first use of a key is noted with it
        client.get("/api/me")
    return clients


def test_every_path_and_verb_hides_rows_of_another_workspace(document: dict[str, Any], ids: dict[str, int]) -> None:
    delivery = ping(WebhookSubscription.objects.get(), NOW).pk
    clients = strangers()
    before = read_tables()
    found, walked = {}, 0
    for path, verbs in document["paths"].items():
        if "{id}" not in path:
            continue
        address = path.replace("{id}", str(ids[path.split("/")[2]])).replace("{delivery}", str(delivery))
        for verb, operation in verbs.items():
            body, _ = body_of(document, operation)
            for name, client in clients.items():
                status = send(client, verb, address, body)
                walked += 1
                # which rows there are is not told; a role may be refused before
                if status not in {403, 404} or (name == "admin" and status != 404):
                    found[name, verb, path] = status
    assert found == {}
    assert walked > 250
    assert read_tables() == before


def test_bodies_that_name_rows_of_another_workspace_are_refused(
    document: dict[str, Any], ids: dict[str, int], enrollment: Enrollment
) -> None:
    client = strangers()["admin"]
    before = read_tables()
    found, walked = {}, 0
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            body, names = body_of(document, operation)
            if "{id}" in path or verb == "get":
                continue
            for name in sorted(names & set(NAMES)):
                foreign = ids[NAMES[name]]
                value = [foreign] if name in {"contacts", "ids"} else foreign
                others = {key: each for key, each in body.items() if (name, key) != ("contacts", "emails")}
                status = send(client, verb, path, {**others, name: value})
                walked += 1
                if status < 400:
                    found[verb, path, name] = status
    # a bulk call answers which ids it did not find
    assert {key for key in found if not key[1].endswith("/bulk")} == set()
    assert walked > 10
    assert read_tables() == before
