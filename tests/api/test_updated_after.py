"""`?updated_after=` and `?ordering=updated_at` of the lists of what changes: what an integration reads again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from sequences.models import Enrollment
from tests.api.conftest import Traveller
from tests.factories import NOW

CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sequences": ("patch", "/api/steps/{steps}", {"name": "Hello"}),
    "contacts": ("patch", "/api/contacts/{contacts}", {"title": "CTO"}),
    "accounts": ("patch", "/api/accounts/{accounts}", {"name": "Acme"}),
    "sequence-enrollments": ("post", "/api/sequence-enrollments/{sequence-enrollments}/pause", {}),
    "mailboxes": ("post", "/api/mailboxes/{mailboxes}/pause", {}),
    "messages": ("post", "/api/messages/{messages}/resolve", {"as": "sent"}),
    "tasks": ("post", "/api/tasks/{tasks}/complete", {}),
    "suppressions": ("post", "/api/suppressions", {"domain": "new.example"}),
    "replies": ("post", "/api/replies/{replies}/handled", {}),
    "dead-letters": ("post", "/api/dead-letters/{dead-letters}/discard", {}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_since_is_read_alone(
    manager_api: APIClient, enrollment: Enrollment, ids: dict[str, int], clock: Traveller, name: str
) -> None:
    url = f"/api/{name}"
    newest = manager_api.get(url, {"ordering": "-updated_at"}).json()["results"][0]["updated_at"]
    assert manager_api.get(url, {"updated_after": newest}).json()["results"] == []
    clock.move_to(NOW + timedelta(hours=1))
    verb, path, body = CHANGES[name]
    changed = getattr(manager_api, verb)(path.format(**ids), body)
    assert changed.status_code in {200, 201}, changed.json()
    found = manager_api.get(url, {"updated_after": newest, "ordering": "updated_at"}).json()["results"]
    assert [row["id"] for row in found] == [changed.json()["id"] if name == "suppressions" else ids[name]]
    refused = manager_api.get(url, {"updated_after": "yesterday"})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["updated_after"])
    assert "\n" not in refused.json()["detail"]
