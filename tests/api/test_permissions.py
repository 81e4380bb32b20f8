"""The permission matrix of docs/api.md: every address and verb, for each role, and for users of another workspace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from rest_framework.test import APIClient

from emails.transport import LoginReport
from execution.models import WebhookSubscription
from execution.webhooks_out.operations import ping
from sequences.choices import Role
from sequences.models import Enrollment
from tests.api.conftest import join, log_in
from tests.factories import NOW, OperatorFactory

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"
_ROW = re.compile(r"^\| `(\w+)` `(/api/[^`]*)` \| (.+) \|$", re.MULTILINE)
ROLES = ("own sdr", "other sdr", "manager", "operator", "admin")


def read_matrix() -> dict[tuple[str, str], list[str]]:
    """By verb and address, for each of `ROLES`, `yes`, `no`, or `404` where the row does not exist for the role."""
    found = _ROW.findall(DOCS.read_text(encoding="utf-8"))
    return {(verb.lower(), path): [cell.strip() for cell in cells.split("|")] for verb, path, cells in found}


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(verb, path) for path, verbs in document["paths"].items() for verb in verbs]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer: dict[str, Any] = Client().get("/api/schema").json()
    return answer


def fill(path: str, ids: dict[str, int]) -> str:
    name = path.split("/")[2]
    delivery = ping(WebhookSubscription.objects.get(), NOW).pk if "{delivery}" in path else 0
    return path.replace("{id}", str(ids.get(name, 0))).replace("{delivery}", str(delivery))


def call(client: APIClient, verb: str, path: str) -> int:
    login = mock.patch("emails.api.views.check_mailbox", return_value=LoginReport(None, None, imap_checked=False))
    with login, mock.patch("emails.api.views.check_setup", return_value=[]):
        status: int = getattr(client, verb)(path, {} if verb != "get" else None).status_code
    return status


def test_the_matrix_names_every_address_and_verb(document: dict[str, Any]) -> None:
    assert set(read_matrix()) == set(operations(document))


@pytest.mark.parametrize("place", range(len(ROLES)), ids=ROLES)
@pytest.mark.parametrize(("verb", "path"), sorted(read_matrix()))
def test_each_role_has_the_rights_of_the_matrix(
    enrollment: Enrollment, ids: dict[str, int], sdr: Any, place: int, verb: str, path: str
) -> None:
    operator = OperatorFactory()
    manager, admin = join(enrollment.workspace, Role.MANAGER), join(enrollment.workspace, Role.ADMIN)
    people = (sdr, join(enrollment.workspace), manager, operator, admin)
    if place == 3:
        enrollment.workspace.memberships.create(user=operator, role=Role.SDR.value)
    status = call(log_in(people[place]), verb, fill(path, ids))
    expected = read_matrix()[verb, path][place]
    assert (status != 403, status != 404) == (expected != "no", expected != "404"), status


@pytest.mark.parametrize(("verb", "path"), sorted(each for each in read_matrix() if "{id}" in each[1]))
def test_another_workspaces_rows_are_404_for_every_verb(
    stranger_api: APIClient, ids: dict[str, int], verb: str, path: str
) -> None:
    assert call(stranger_api, verb, fill(path, ids)) == 404


@pytest.mark.parametrize(("verb", "path"), sorted(read_matrix()))
def test_every_endpoint_needs_a_login(ids: dict[str, int], verb: str, path: str) -> None:
    assert call(APIClient(), verb, fill(path, ids)) == 401
