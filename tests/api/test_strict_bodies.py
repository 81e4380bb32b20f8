"""Unknown input is refused by name, at every depth of every call, and nothing is changed."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.test import APIClient

from sequences.choices import Role
from sequences.interface.api.schema import takes_json
from sequences.interface.api.strict import MOST_NAMED, RefusesUnknownKeys, find_nearest
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.api.conftest import join, log_in

ROOT = Path(__file__).parents[2]
_FORM = '--edge\r\nContent-Disposition: form-data; name="unheard"\r\n\r\nx\r\n--edge--\r\n'
CHANGING = {"post", "put", "patch", "delete"}
APPS = ("sequences", "emails", "tasks_app", "execution", "config")


@pytest.fixture
def admin_api(workspace: Workspace) -> APIClient:
    """An admin who is an operator too, so that no call is refused for lack of a right."""
    return log_in(join(workspace, role=Role.ADMIN, is_operator=True))


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    document = Client().get("/api/schema").json()
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if verb in CHANGING:
                yield verb, path, operation


def _fill(path: str, ids: dict[str, int]) -> str:
    return path.replace("{id}", str(ids.get(path.split("/")[2], 1))).replace("{delivery}", "1")


def test_every_call_refuses_an_unknown_key_and_names_it(db: None, ids: dict[str, int], admin_api: APIClient) -> None:
    tried = 0
    for verb, path, operation in _operations():
        address = _fill(path, ids)
        if not takes_json(operation) and "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
            answer = admin_api.generic(verb.upper(), address, _FORM, content_type="multipart/form-data; boundary=edge")
        else:
            answer = admin_api.generic(verb.upper(), address, '{"unheard": "x"}', content_type="application/json")
        assert answer.status_code == 400, (verb, path, answer.content)
        assert answer.json()["code"] == "unknown_key", (verb, path, answer.content)
        assert "unheard" in answer.json()["errors"], (verb, path)
        assert answer.json()["detail"].startswith("unheard: "), (verb, path)
        tried += 1
    assert tried > 50


def test_every_nested_object_refuses_an_unknown_key_and_names_its_path(
    db: None, ids: dict[str, int], admin_api: APIClient
) -> None:
    document = Client().get("/api/schema").json()
    tried = []
    for verb, path, operation in _operations():
        if not takes_json(operation):
            continue
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for key, schema in document["components"]["schemas"][name]["properties"].items():
            nested = schema.get("items", {}).get("$ref", "").rpartition("/")[2]
            if "properties" not in document["components"]["schemas"].get(nested, {}):
                continue
            body = {key: [{"unheard": 1}]}
            answer = admin_api.generic(
                verb.upper(), _fill(path, ids), json.dumps(body), content_type="application/json"
            )
            assert answer.status_code == 400, (verb, path)
            assert "unheard" in answer.json()["errors"][key]["0"], (verb, path, answer.content)
            tried.append((verb, path, key))
    assert ("post", "/api/sequences", "steps") in tried


def test_every_serializer_of_the_product_is_strict() -> None:
    for app in APPS:
        for module in pkgutil.walk_packages([str(ROOT / app)], f"{app}."):
            if ".api" in module.name:
                importlib.import_module(module.name)
    lax = [each for each in _subclasses(serializers.Serializer) if not issubclass(each, RefusesUnknownKeys)]
    assert [each for each in lax if each.__module__.startswith(tuple(f"{app}." for app in APPS))] == []


def _subclasses(of: type) -> Iterator[type]:
    for each in of.__subclasses__():
        yield each
        yield from _subclasses(each)


def _send(api: APIClient, verb: str, path: str, body: dict[str, Any]) -> Any:
    return api.generic(verb, path, json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_misspelt_key_is_refused_with_the_right_name(
    ids: dict[str, int], admin_api: APIClient, sequence: Sequence, dry_run: bool
) -> None:
    enrollment, mailbox = ids["sequence-enrollments"], ids["mailboxes"]
    step = {"type": "email", "subject": "s", "body": "b"}
    contacts, before = Contact.objects.count(), Enrollment.objects.values().get(pk=enrollment)
    slips: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", "/api/contacts", {"email": "zed@slip.example", "lastName": "Z"}, "last_name"),
        ("POST", "/api/contacts", {"email": "zed@slip.example", "time-zone": "UTC"}, "timezone"),
        ("POST", "/api/sequences", {"name": "S", "steps": [{**step, "skip_weekend": True}]}, "skip_weekends"),
        ("POST", "/api/sequences", {"name": "S", "steps": [{**step, "delay": {"days": 3}}]}, "delay_days"),
        ("POST", f"/api/sequences/{sequence.pk}/steps", {**step, "sendToPast": True}, "send_to_past"),
        ("POST", "/api/sequence-enrollments", {"sequence": 1, "contact": [1], "mailbox": 1}, "contacts"),
        ("POST", "/api/sequence-enrollments", {"sequence": 1, "contacts": [1], "dryRun": True}, "dry_run"),
        ("POST", f"/api/sequence-enrollments/{enrollment}/snooze", {"untill": "2031-05-01T08:00:00Z"}, "until"),
        ("POST", f"/api/sequence-enrollments/{enrollment}/pause", {"resumeAt": "2031-05-01T08:00:00Z"}, "resume_at"),
        ("POST", "/api/suppressions", {"email": "zed@slip.example", "expires": None}, "expires_at"),
        ("PATCH", f"/api/mailboxes/{mailbox}", {"dailyLimit": 20}, "daily_limit"),
        ("POST", "/api/sequence-enrollments/bulk", {"action": "exit", "filter": {"sequence_id": 1}}, "sequence"),
        ("POST", "/api/sequence-enrollments/bulk", {"action": "exit", "ids": [1], "dryrun": True}, "dry_run"),
        ("POST", f"/api/tasks/{ids['tasks']}/complete", {"outcom": "done"}, "outcome"),
        ("POST", "/api/sequence-executor/pause", {"Reason": "x"}, "reason"),
    ]
    for verb, path, body, right in slips:
        answer = _send(admin_api, verb, path, {**body, "dry_run": dry_run})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "unknown_key"), (path, problem)
        assert right in problem["detail"].partition(": ")[2], problem["detail"]
    assert Contact.objects.count() == contacts
    assert Enrollment.objects.values().get(pk=enrollment) == before


def test_a_nested_key_is_named_with_its_path(manager_api: APIClient) -> None:
    steps = [{"type": "delay", "delay_days": 1}, {"type": "email", "subject": "s", "body": "b", "sendTime": "09:00"}]
    problem = manager_api.post("/api/sequences", {"name": "S", "steps": steps}).json()
    assert problem["detail"].startswith('steps[1].sendTime: Unknown key. Did you mean "send_time"?')


def test_read_only_values_are_accepted_only_unchanged(ids: dict[str, int], manager_api: APIClient) -> None:
    for name in ("contacts", "accounts", "mailboxes", "sequences"):
        path = f"/api/{name}/{ids[name]}"
        stored = manager_api.get(path).json()
        answer = manager_api.put(path, stored)
        assert answer.status_code == 200, (name, answer.json())
        refused = manager_api.patch(path, {"created_at": "2020-01-01T00:00:00Z"}).json()
        assert (refused["code"], list(refused["errors"])) == ("read_only_key", ["created_at"]), name


@pytest.mark.parametrize(
    "body",
    [
        '{"email": "a@x.example", "email": "b@x.example"}',
        '{"email": "a@x.example", "fields": {"plan": "pro", "plan": "max"}}',
    ],
)
def test_a_key_that_is_given_twice_is_refused(api: APIClient, body: str) -> None:
    answer = api.generic("POST", "/api/contacts", body, content_type="application/json")
    assert answer.status_code == 400
    assert "more than once" in answer.json()["detail"]
    assert not Contact.objects.exists()


def test_a_form_field_or_parameter_that_is_given_twice_is_refused(api: APIClient) -> None:
    files = [SimpleUploadedFile(name, b"email\njo@x.example\n") for name in ("a.csv", "b.csv")]
    for fields in ({"file": files}, {"file": files[0], "mapping": ["{}", "{}"]}):
        answer = api.post("/api/contacts/import", fields, format="multipart")
        assert (answer.status_code, "more than once" in answer.json()["detail"]) == (400, True)
    answer = api.get("/api/contacts?timezone=UTC&timezone=Europe/Berlin")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["timezone"])


def test_a_form_refuses_an_unknown_field_and_an_unknown_file(api: APIClient) -> None:
    file = SimpleUploadedFile("c.csv", b"email\njo@x.example\n")
    answer = api.post("/api/contacts/import", {"file": file, "dryRun": "true"}, format="multipart")
    assert 'Did you mean "dry_run"?' in answer.json()["errors"]["dryRun"][0]
    answer = api.post("/api/contacts/import", {"datei": file}, format="multipart")
    assert set(answer.json()["errors"]) == {"datei", "file"}
    assert not Contact.objects.exists()


def test_json_beyond_1_mb_and_forms_beyond_50_mb_are_413(api: APIClient, settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    # beyond what Django would take of a form by itself, and what it keeps in memory
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
    text = "x" * (1024 * 1024)
    for key in ({}, {"Idempotency-Key": "a"}):
        assert api.post("/api/contacts", {"email": "a@x.example", "title": text}, headers=key).status_code == 413
        rows = b"email\n" + b"\n" * (3 * 1024 * 1024)
        fits = api.post(
            "/api/contacts/import", {"file": SimpleUploadedFile("c.csv", rows)}, headers=key, format="multipart"
        )
        assert fits.status_code != 413
        with override_settings(FORM_MOST_BYTES=2 * 1024 * 1024):
            answer = api.post(
                "/api/contacts/import", {"file": SimpleUploadedFile("c.csv", rows)}, headers=key, format="multipart"
            )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_big")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/contacts", {f"key_{n}": 1 for n in range(500)}),
        ("/api/sequence-enrollments/bulk", {"action": "pause", "filter": {f"key_{n}": 1 for n in range(500)}}),
    ],
)
def test_of_many_unknown_keys_some_are_named(api: APIClient, path: str, body: dict[str, Any]) -> None:
    answer = api.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_key")
    assert answer.content.count(b"Unknown key") in {MOST_NAMED, MOST_NAMED + 1}


@given(
    st.lists(st.from_regex(r"[a-z]{3,8}(_[a-z]{2,6})?", fullmatch=True), min_size=1, max_size=8, unique=True), st.data()
)
def test_a_camel_case_key_suggests_the_known_name(known: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(known))
    first, *rest = name.split("_")
    assert find_nearest(first + "".join(part.title() for part in rest), known) == name
