"""`/api/snippets`: every member writes templates and snippets of the workspace; managers delete them."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from sequences.models import Snippet, Workspace
from tests.support.snippets import make_snippet

pytestmark = pytest.mark.django_db
URL = "/api/snippets"


def test_a_member_writes_and_a_manager_deletes(api: APIClient, manager_api: APIClient, workspace: Workspace) -> None:
    made = api.post(
        URL, {"kind": "template", "name": "First touch", "subject": "Hi {{ contact.first_name }}", "body": "x"}
    )
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["workspace"], row["kind"], row["subject"]) == (workspace.pk, "template", "Hi {{ contact.first_name }}")
    assert api.patch(f"{URL}/{row['id']}", {"name": "Opener"}).json()["name"] == "Opener"
    make_snippet(workspace)
    assert [each["name"] for each in api.get(URL, {"kind": "template"}).json()["results"]] == ["Opener"]
    assert api.delete(f"{URL}/{row['id']}").status_code == 403
    assert manager_api.delete(f"{URL}/{row['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "body": "Hi {{ contact.first_name"}, "body"),
        ({"name": "x", "subject": "Hi", "body": "x"}, "subject"),
        ({"name": "meeting LINK", "body": "x"}, "name"),
        ({"name": "x"}, "body"),
        ({"name": "x", "body": "x", "kind": "letter"}, "kind"),
    ],
)
def test_a_bad_text_is_refused_at_its_field(
    api: APIClient, workspace: Workspace, body: dict[str, Any], field: str
) -> None:
    make_snippet(workspace, name="Meeting link")
    answer = api.post(URL, body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert Snippet.objects.count() == 1


def test_a_dry_run_stores_nothing(api: APIClient, workspace: Workspace) -> None:
    assert api.post(f"{URL}?dry_run=1", {"name": "x", "body": "x"}).json()["is_dry_run"] is True
    assert not Snippet.objects.exists()
