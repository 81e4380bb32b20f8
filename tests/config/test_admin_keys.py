"""API keys in the admin: named, shown once, expired, revoked; users make them for themselves only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from execution.models import ApiKey
from tests import factories
from tests.support.admin_pages import ROOT_EMAIL, log_in_root, log_in_staff

pytestmark = pytest.mark.django_db

KEYS, ADD = "admin:execution_apikey_changelist", "admin:execution_apikey_add"
ENDLESS = {"expiry_0": "", "expiry_1": ""}


def call_api(key: str) -> int:
    status: int = APIClient().get("/api/contacts", headers={"Authorization": f"Token {key}"}).status_code
    return status


def test_keys_are_listed_by_name_and_how_they_begin() -> None:
    key, secret = ApiKey.objects.create(user=factories.UserFactory(), name="nightly import")
    html = log_in_root().get(reverse(KEYS)).content.decode()
    assert "nightly import" in html
    assert f">{key.prefix}…<" in html
    assert secret not in html
    assert key.token_key not in html


def test_a_new_key_is_shown_once_opens_the_api_and_is_revoked_by_deleting_it() -> None:
    client = log_in_root()
    user: Any = factories.UserFactory()
    response = client.post(reverse(ADD), {"name": "crm", "user": user.pk, **ENDLESS})
    key, secret = ApiKey.objects.get(user=user), response.context["token"]
    assert (key.name, key.expiry) == ("crm", None)
    assert secret in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert secret not in client.get(reverse(KEYS)).content.decode()
    assert call_api(secret) == 200
    client.post(reverse("admin:execution_apikey_delete", args=[key.pk]), {"post": "yes"})
    assert call_api(secret) == 401


def test_the_form_proposes_name_and_user_and_refuses_a_past_expiry() -> None:
    client = log_in_root()
    form = client.get(reverse(ADD)).context["adminform"].form
    assert form["name"].value().startswith("key of 20")
    user = form.fields["user"].queryset.get(pk=form["user"].value())
    assert user.email == ROOT_EMAIL
    data = {"name": "", "user": user.pk, "expiry_0": "2020-01-01", "expiry_1": "10:00"}
    assert set(client.post(reverse(ADD), data).context["adminform"].form.errors) == {"name", "expiry"}
    assert not ApiKey.objects.exists()


def test_expired_keys_are_marked_and_open_nothing() -> None:
    user: Any = factories.UserFactory()
    secrets = {}
    for name, hours in (("old", -1), ("current", 1)):
        secrets[name] = ApiKey.objects.create(user=user, name=name, expiry=timedelta(hours=hours))[1]
    listed = log_in_root().get(reverse(KEYS)).context["cl"]
    states = {row.name: listed.model_admin.show_state(row) for row in listed.result_list}
    assert states == {"old": "expired", "current": "valid"}
    assert {name: call_api(secret) for name, secret in secrets.items()} == {"old": 401, "current": 200}


def test_staff_make_keys_for_themselves_only() -> None:
    workspace = factories.WorkspaceFactory()
    client = log_in_staff(workspace)
    colleague: Any = factories.UserFactory()
    factories.MembershipFactory(workspace=workspace, user=colleague)
    refused = client.post(reverse(ADD), {"name": "x", "user": colleague.pk, **ENDLESS})
    assert set(refused.context["adminform"].form.errors) == {"user"}
    assert not ApiKey.objects.exists()
