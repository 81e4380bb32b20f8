"""Every call that changes data has a dry run, by query and by body, that changes nothing."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from emails.models import Mailbox, Suppression
from sequences.choices import Role
from sequences.interface.api.examples import BODIES
from sequences.models import Contact, Enrollment, Sequence, Step, Workspace
from tests.api.conftest import join, log_in
from tests.factories import ContactFactory

CHANGING = {"post", "put", "patch", "delete"}
REFUSING = {f"/api/mailboxes/{{id}}/{name}" for name in ("test", "check", "read-back")} | {"/api/mailboxes/discover"}
APPS = ("sequences", "emails", "tasks_app", "execution")
# what a login or a kept answer writes, whatever is asked
OTHERS = {"ApiKey", "IdempotencyKey"}


@pytest.fixture
def admin_api(workspace: Workspace) -> APIClient:
    return log_in(join(workspace, role=Role.ADMIN, is_operator=True, email="ada@home.example"))


def _state() -> dict[str, list[Any]]:
    models = [model for app in APPS for model in apps.get_app_config(app).get_models() if model.__name__ not in OTHERS]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def _body(verb: str, path: str, ids: dict[str, int]) -> dict[str, Any]:
    """The example of the reference, with the ids of this test's rows."""
    body = dict(BODIES.get((verb, path), {}))
    named = {"sequence": ids["sequences"], "mailbox": ids["mailboxes"], "step": ids["steps"]}
    body |= {name: pk for name, pk in named.items() if name in body}
    contact = Contact.objects.latest("pk")
    if "emails" in body:
        body["emails"] = [contact.email]
    if path.endswith(("preview", "render", "test-send")):
        body["email"] = contact.email
    if body.get("filter"):
        body["filter"] = {"sequence": ids["sequences"]}
    if "similar_to" in body:
        body["similar_to"] = ids["dead-letters"]
    if "assignee" in body:
        body["assignee"] = Enrollment.objects.get(pk=ids["sequence-enrollments"]).owner_id
    if path == "/api/mailboxes/{id}" and verb == "put":
        body["address"] = Mailbox.objects.get(pk=ids["mailboxes"]).address
    body.pop("account", None)
    for name in ("until", "resume_at"):
        if name in body:
            body[name] = "2031-05-01T08:00:00Z"
    return body


@pytest.mark.parametrize("place", ["query", "body"])
def test_no_call_changes_anything_in_a_dry_run(ids: dict[str, int], admin_api: APIClient, place: str) -> None:
    ContactFactory(workspace_id=Sequence.objects.get().workspace_id)
    document = Client().get("/api/schema").json()
    before, done = _state(), 0
    for path, verbs in document["paths"].items():
        for verb in CHANGING & set(verbs):
            if "multipart/form-data" in verbs[verb].get("requestBody", {}).get("content", {}):
                continue
            body = {name: value for name, value in _body(verb, path, ids).items() if name != "dry_run"}
            address = path.replace("{id}", str(ids.get(path.split("/")[2], 1))).replace("{delivery}", "1")
            if place == "query":
                address += "?dry_run=1"
            else:
                body["dry_run"] = True
            answer = admin_api.generic(verb.upper(), address, json.dumps(body), content_type="application/json")
            if path in REFUSING:
                assert (answer.status_code, list(answer.json()["errors"])) == (400, ["dry_run"]), path
            elif answer.status_code == 200:
                assert answer.json()["is_dry_run"] is True, (verb, path)
                done += 1
            else:
                # not possible in the state of this test's rows
                assert answer.status_code in {400, 404, 409}, (verb, path, answer.content)
                assert "dry_run" not in answer.json().get("errors", {}), (verb, path, answer.content)
            assert _state() == before, (verb, path)
    assert done > 35


def test_a_dry_run_answers_no_ids_of_rows_that_do_not_exist(
    admin_api: APIClient, ids: dict[str, int], sequence: Sequence
) -> None:
    dry = {"dry_run": True}
    contact = admin_api.post("/api/contacts", {"email": "new@x.example", **dry})
    assert (contact.status_code, contact.json()["id"]) == (200, None)
    made = admin_api.post("/api/sequences", {**BODIES["post", "/api/sequences"], **dry}).json()
    assert made["id"] is None
    assert [(step["id"], step["if_true_goto"]) for step in made["steps"]] == [(None, None)] * 3
    body = {"url": "http://127.0.0.1:9/hook", "events": ["*"], **dry}
    webhook = admin_api.post("/api/webhooks", body).json()
    assert (webhook["id"], webhook["secret"]) == (None, None)
    new = ContactFactory(workspace=sequence.workspace)
    body = {"sequence": sequence.pk, "contacts": [new.pk], "mailbox": ids["mailboxes"], **dry}
    enrolled = admin_api.post("/api/sequence-enrollments", body).json()
    assert (enrolled["is_dry_run"], enrolled["enrolled"], enrolled["would_enroll"]) == (True, [], [new.pk])


def test_a_dry_run_of_an_import_names_existing_steps_only(manager_api: APIClient, sequence: Sequence) -> None:
    text = f"name: {sequence.name}\nsteps:\n  - delay: {{days: 1}}\n  - task: {{type: call}}\n"
    answer = manager_api.post("/api/sequences/import", {"yaml": text, "dry_run": True}).json()
    stored = set(Step.objects.values_list("pk", flat=True))
    assert answer["is_dry_run"] is True
    assert {step["id"] for step in answer["steps"]} - {None} <= stored


@pytest.mark.parametrize("fields", [{"dry_run": "true"}, {}])
def test_a_form_accepts_dry_run_as_a_field(api: APIClient, fields: dict[str, str]) -> None:
    for path, text, model in (
        ("/api/contacts/import", b"email\njo@x.example\n", Contact),
        ("/api/suppressions/import", b"email\njo@x.example\n", Suppression),
    ):
        answer = api.post(path, {"file": SimpleUploadedFile("c.csv", text), **fields}, format="multipart")
        assert answer.status_code == 200
        assert answer.json().get("is_dry_run", False) is bool(fields)
        assert model._default_manager.exists() is not bool(fields)


@pytest.mark.parametrize("value", ["maybe", "", None, 2, [], {"a": 1}])
def test_a_dry_run_value_that_is_not_boolean_changes_nothing(
    api: APIClient, enrollment: Enrollment, value: object
) -> None:
    answer = api.post(f"/api/sequence-enrollments/{enrollment.pk}/exit", {"dry_run": value})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["dry_run"])
    assert Enrollment.objects.get(pk=enrollment.pk).status == "active"


def test_contradicting_query_and_body_change_nothing(api: APIClient, enrollment: Enrollment) -> None:
    path = f"/api/sequence-enrollments/{enrollment.pk}/exit"
    answer = api.post(f"{path}?dry_run=0", {"dry_run": True})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["dry_run"])
    assert api.post(f"{path}?dry_run=1", {"dry_run": True}).json()["is_dry_run"] is True


def test_a_dry_run_notifies_no_engine_and_sends_nothing(api: APIClient, enrollment: Enrollment) -> None:
    path = f"/api/steps/{enrollment.current_step_id}/test-send"
    body = {"contact": enrollment.contact_id, "mailbox": enrollment.mailbox_id, "dry_run": True}
    with mock.patch("execution.api.steps.send_test", side_effect=AssertionError("sent")):
        answer = api.post(path, body)
    assert (answer.status_code, answer.json()["is_dry_run"]) == (200, True)


def test_a_delete_can_be_tried(manager_api: APIClient, enrollment: Enrollment) -> None:
    contact = ContactFactory(workspace=enrollment.workspace)
    for body in (None, {"dry_run": True}):
        path = f"/api/contacts/{contact.pk}" + ("" if body else "?dry_run=1")
        answer = manager_api.delete(path, body)
        assert (answer.status_code, answer.json()) == (200, {"is_dry_run": True})
    refused = manager_api.delete(f"/api/contacts/{enrollment.contact_id}?dry_run=1")
    assert refused.status_code == 409
    assert Contact.objects.filter(pk=contact.pk).exists()
