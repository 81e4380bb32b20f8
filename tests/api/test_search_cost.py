"""What a search or a filter may cost: words are bounded, and patterns are no filter of the desk."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from sequences.interface.limits import MOST_SEARCH_WORDS
from sequences.models import Workspace
from tests.api.conftest import join
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
FITS, TOO_MANY = (
    " ".join("bob" for _ in range(MOST_SEARCH_WORDS)),
    " ".join("bob" for _ in range(MOST_SEARCH_WORDS + 1)),
)


@pytest.fixture
def client(workspace: Workspace) -> Client:
    ContactFactory(workspace=workspace, email="bob@prospect.example")
    browser = Client()
    browser.force_login(join(workspace, is_staff=True))
    return browser


def test_the_api_searches_for_some_words_and_refuses_more(api: APIClient, client: Client) -> None:
    assert len(api.get("/api/contacts", {"search": FITS}).json()["results"]) == 1
    for path in ("contacts", "accounts", "snippets"):
        answer = api.get(f"/api/{path}", {"search": TOO_MANY})
        assert (answer.status_code, "At most 10 words" in answer.json()["detail"]) == (400, True)
    assert api.get("/api/contacts", {"search": ",".join(["bob"] * 11)}).status_code == 400


def test_the_desk_searches_for_some_words(client: Client) -> None:
    url = reverse("admin:sequences_contact_changelist")
    assert client.get(url, {"q": FITS}).context["cl"].result_count == 1
    page = client.get(url, {"q": TOO_MANY})
    assert (page.context["cl"].result_count, "at most 10 words" in page.content.decode()) == (0, True)
    desk: dict[str, str | int] = {"s": FITS, "extended": 1}
    assert b"bob@prospect.example" in client.get(reverse("admin:search"), desk).content
    assert b"bob@prospect.example" not in client.get(reverse("admin:search"), {**desk, "s": TOO_MANY}).content


@pytest.mark.parametrize("lookup", ["regex", "iregex"])
def test_no_list_of_the_desk_is_filtered_by_a_pattern(client: Client, lookup: str) -> None:
    for name in ("contact", "account", "sequence"):
        field = "email" if name == "contact" else "name"
        url = reverse(f"admin:sequences_{name}_changelist")
        assert client.get(url, {f"{field}__{lookup}": r"^(.*)(.*)(.*)\1\2\3$"}).status_code == 400
        assert client.get(url, {f"{field}__icontains": "bob"}).status_code == 200
