"""Sessions of the desk: one of its own for each login, and nothing is posted without the token of a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from sequences.choices import Role
from tests.api.conftest import join
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a-right-Password-7"


def list_addresses() -> Iterator[str]:
    """Of every page and action of the desk, of some row where it is about one."""
    for pattern in admin.site.get_urls():
        for each in getattr(pattern, "url_patterns", None) or [pattern]:
            for arguments in ([], ["1"]):
                try:
                    yield reverse(f"admin:{each.name}", args=arguments)
                except NoReverseMatch:
                    continue


def test_a_login_gets_a_session_of_its_own() -> None:
    user: Any = join(WorkspaceFactory(), Role.SDR, is_staff=True, password=PASSWORD)
    client = Client()
    planted = client.session
    planted["planted"] = "x"
    planted.save()
    client.cookies["sessionid"] = planted.session_key or ""
    form = {"username": user.username, "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    cookie = client.cookies["sessionid"]
    assert cookie.value != planted.session_key or ""
    assert (bool(cookie["httponly"]), cookie["samesite"]) == (True, "Lax")
    stranger = Client()
    stranger.cookies["sessionid"] = planted.session_key or ""
    assert stranger.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "url", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"]
)
def test_a_login_leads_to_no_other_host(url: str) -> None:
    user: Any = join(WorkspaceFactory(), Role.SDR, is_staff=True, password=PASSWORD)
    answer = Client().post("/admin/login/", {"username": user.username, "password": PASSWORD, "next": url})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_nothing_is_posted_without_the_token_of_a_page() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(join(WorkspaceFactory(), Role.ADMIN, is_staff=True, is_operator=True))
    addresses = sorted({*list_addresses(), "/admin/login/code/", "/admin/login/set-up/", "/admin/second-factor/"})
    addresses += ["/api/contacts", "/api/sequence-executor/pause", "/admin/login/", "/join/token"]
    assert len(addresses) > 200
    statuses = {url: client.post(url, {"apply": 1, "store": 1, "reason": "x"}).status_code for url in addresses}
    assert {url: status for url, status in statuses.items() if status not in {403, 404}} == {}
