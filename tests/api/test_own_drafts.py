"""Members who are no managers write sequences as drafts of their own, in the API and in the desk."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from sequences.choices import Role
from sequences.models import Sequence, Step, Workspace
from tests.api.conftest import join, log_in
from tests.factories import SequenceFactory, StepFactory

STEP = {"type": "email", "name": "Intro", "subject": "Hello", "body": "Hi there"}
YAML = "name: Imported\nsteps:\n  - email: {subject: Hello, body: Hi there}\n"


def draft(api: APIClient, **body: Any) -> dict[str, Any]:
    answer = api.post("/api/sequences", {"name": "Mine", "steps": [STEP], **body})
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def test_an_sdr_drafts_edits_validates_and_deletes_an_own_sequence(
    api: APIClient, manager_api: APIClient, sdr: Any
) -> None:
    made = draft(api)
    path = f"/api/sequences/{made['id']}"
    assert (made["status"], made["owner"]) == ("draft", sdr.pk)
    assert api.patch(path, {"priority": 10}).json()["priority"] == 10
    inserted = api.post(f"{path}/steps", {"type": "delay", "delay_days": 1})
    assert inserted.status_code == 201
    step = f"/api/steps/{inserted.json()['step']['id']}"
    assert api.patch(step, {"delay_days": 2}).status_code == 200
    assert api.post(f"{step}/move", {"position": 1}).status_code == 200
    assert api.delete(step).status_code == 200
    assert api.post(f"{path}/validate").json()["valid"] is True
    assert [row["id"] for row in manager_api.get("/api/sequences", {"owner": sdr.pk}).json()["results"]] == [made["id"]]
    assert api.delete(path).status_code == 204


def test_running_it_is_for_managers_and_ends_the_right_of_its_owner(api: APIClient, manager_api: APIClient) -> None:
    path = f"/api/sequences/{draft(api)['id']}"
    for verb in ("activate", "pause", "resume", "archive"):
        assert api.post(f"{path}/{verb}").status_code == 403
    assert Sequence.objects.get().status == "draft"
    assert manager_api.post(f"{path}/activate").status_code == 200
    step = f"/api/steps/{Step.objects.get().pk}"
    refused = [
        api.patch(path, {"priority": 10}), api.delete(path), api.post(f"{path}/steps", {"type": "delay"}),
        api.patch(step, {"subject": "Other"}), api.delete(step), api.post(f"{step}/move", {"position": 1}),
    ]  # fmt: skip
    assert [answer.status_code for answer in refused] == [403] * 6
    assert Step.objects.get().subject == "Hello"


def test_drafts_of_others_are_not_changed_but_duplicated(api: APIClient, workspace: Workspace, sdr: Any) -> None:
    theirs = draft(log_in(join(workspace)), name="Theirs")
    path = f"/api/sequences/{theirs['id']}"
    assert api.patch(path, {"priority": 10}).status_code == 403
    assert api.delete(path).status_code == 403
    copied = api.post(f"{path}/duplicate", {"name": "My copy"})
    assert (copied.status_code, copied.json()["owner"], copied.json()["status"]) == (201, sdr.pk, "draft")


def test_a_draft_without_an_owner_is_for_managers(api: APIClient, manager_api: APIClient, workspace: Workspace) -> None:
    sequence = SequenceFactory(workspace=workspace, status="draft")
    assert api.patch(f"/api/sequences/{sequence.pk}", {"priority": 10}).status_code == 403
    assert manager_api.patch(f"/api/sequences/{sequence.pk}", {"priority": 10}).status_code == 200


def test_yaml_is_imported_as_an_own_draft(api: APIClient, workspace: Workspace, sdr: Any) -> None:
    assert api.post("/api/sequences/import", {"yaml": YAML, "activate": True}).status_code == 403
    assert not Sequence.objects.exists()
    made = api.post("/api/sequences/import", {"yaml": YAML})
    assert (made.status_code, made.json()["owner"], made.json()["status"]) == (200, sdr.pk, "draft")
    again = api.post("/api/sequences/import", {"yaml": YAML.replace("Hi there", "Good day")})
    assert (again.status_code, Step.objects.get().body) == (200, "Good day")
    other = log_in(join(workspace))
    assert other.post("/api/sequences/import", {"yaml": YAML}).status_code == 403
    assert Step.objects.get().body == "Good day"


def test_sequences_of_another_workspace_stay_hidden(stranger_api: APIClient, api: APIClient) -> None:
    path = f"/api/sequences/{draft(api)['id']}"
    assert [stranger_api.patch(path, {}).status_code, stranger_api.post(f"{path}/duplicate").status_code] == [404, 404]


@pytest.fixture
def desk(sdr: Any) -> Client:
    client = Client()
    client.force_login(sdr)
    return client


def form_of(client: Client, path: str, **changed: Any) -> dict[str, Any]:
    """What a browser would post from the page of a sequence."""
    page = client.get(path).context
    data: dict[str, Any] = {}
    forms = [page["adminform"].form]
    for inline in page["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form.add_prefix(name)] = value
    return {**data, **changed}


def test_the_desk_lets_an_sdr_draft_and_edit_own_sequences_only(
    desk: Client, sdr: Any, workspace: Workspace, sequence: Sequence
) -> None:
    add = reverse("admin:sequences_sequence_add")
    made = desk.post(add, form_of(desk, add, workspace=workspace.pk, name="Mine"))
    assert made.status_code == 302, made.context["errors"]
    own = Sequence.objects.get(name="Mine")
    assert (own.owner_id, own.status) == (sdr.pk, "draft")
    change = reverse("admin:sequences_sequence_change", args=[own.pk])
    assert desk.post(change, form_of(desk, change, description="for spring")).status_code == 302
    own.refresh_from_db()
    assert own.description == "for spring"
    for verb in ("activate", "archive"):
        assert desk.post(reverse(f"admin:sequences_sequence_{verb}_one", args=[own.pk])).status_code == 403
    theirs = reverse("admin:sequences_sequence_change", args=[sequence.pk])
    assert desk.get(theirs).status_code == 200
    assert desk.post(theirs, {"name": "Changed"}).status_code == 403
    StepFactory(sequence=own)
    Sequence.objects.filter(pk=own.pk).update(status="active")
    assert desk.post(change, {"name": "Changed"}).status_code == 403
    assert not Sequence.objects.filter(name="Changed").exists()


def test_the_desk_imports_and_duplicates_as_own_drafts(
    desk: Client, sdr: Any, workspace: Workspace, sequence: Sequence
) -> None:
    path = reverse("admin:sequences_sequence_import_file")

    def load(**values: Any) -> Any:
        file = BytesIO(YAML.encode())
        file.name = "imported.yaml"
        return desk.post(path, {"workspace": workspace.pk, "file": file, **values})

    assert "Only a manager" in load(activate="on").content.decode()
    assert load().status_code == 302
    assert Sequence.objects.get(name="Imported").owner_id == sdr.pk
    Sequence.objects.filter(name="Imported").update(owner=None)
    assert "drafts of your own" in load().content.decode()
    assert desk.post(reverse("admin:sequences_sequence_duplicate_one", args=[sequence.pk])).status_code == 302
    assert Sequence.objects.filter(owner=sdr, status="draft").count() == 1


def test_managers_see_who_drafted_a_sequence(api: APIClient, workspace: Workspace, sdr: Any) -> None:
    draft(api)
    manager = Client()
    manager.force_login(join(workspace, Role.MANAGER))
    assert sdr.username in manager.get(reverse("admin:sequences_sequence_changelist")).content.decode()
