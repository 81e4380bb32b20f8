"""The desk by role: what users without a membership and of other workspaces reach, and which actions a role has."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from execution.models import ApiKey
from sequences.models import Workspace
from tests import factories
from tests.support.admin_pages import make_one_of_each
from tests.support.tables import read_tables

pytestmark = pytest.mark.django_db

admin.autodiscover()
TENANTS = [
    model
    for model in admin.site._registry
    if any(field.name == "workspace" for field in model._meta.fields) or model in {Workspace, ApiKey}
]


def url(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def actions_of(model: type[Model]) -> list[str]:
    """The names of the actions on the page of a row."""
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    names = [pattern.name or "" for pattern in admin.site._registry[model].get_urls()]
    return sorted(name.removeprefix(prefix) for name in names if name.endswith("_one"))


def log_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def visitor(who: str) -> Client:
    if who == "operator":
        user: Any = factories.OperatorFactory(is_staff=True)
    else:
        user = factories.MembershipFactory(role=who).user
    return log_in(user)


@pytest.mark.parametrize("who", ["sdr", "manager", "admin", "operator"])
def test_rows_of_another_workspace_are_neither_shown_nor_changed(who: str) -> None:
    workspace = factories.WorkspaceFactory()
    make_one_of_each(workspace)
    client = visitor(who)
    found = {}
    before = read_tables()
    for model in TENANTS:
        rows = model._default_manager.all()
        row = rows.filter(pk=workspace.pk) if model is Workspace else rows.filter(**_of(model, workspace))
        pk = row.values_list("pk", flat=True)[0]
        calls = [("get", url(model, "change", pk)), ("post", url(model, "change", pk))]
        calls += [("post", url(model, "delete", pk)), ("get", url(model, "history", pk))]
        calls += [("post", url(model, name, pk)) for name in actions_of(model)]
        for verb, path in calls:
            answer = getattr(client, verb)(path, {"post": "yes", "reason": "x"} if verb == "post" else None)
            # Django's pages of one row go to the overview when there is none
            if answer.status_code not in {403, 404} and answer.headers.get("Location") != reverse("admin:index"):
                found[verb, path] = answer.status_code
    assert found == {}
    changed = {name for name, digest in read_tables().items() if before[name] != digest}
    assert changed <= {"django_session"}


def _of(model: type[Model], workspace: Workspace) -> dict[str, Any]:
    return {"user__memberships__workspace": workspace} if model is ApiKey else {"workspace": workspace}


# The actions on rows of colleagues, and on the failed enrollment, which has no owner. What an SDR does with rows of
# their own is in test_rights. Erasing is refused to managers when it is confirmed.
ALL = {"deadletter": "discard replay", "enrollrule": "preview", "sequence": "preview export duplicate"}
MANAGED = {
    **ALL,
    "account": "release", "contact": "erase", "emailmessage": "mark_sent send_again", "mailbox": "pause resume test",
    "mailboxpool": "rehome",
    "enrollment": "exit pause resume retry skip snooze", "suppression": "remove", "workspace": "pause resume",
    "sequence": "preview export duplicate activate archive pause resume", "task": "complete reassign snooze",
}  # fmt: skip
EXPECTED = {
    "sdr": ALL,
    "manager": MANAGED,
    "admin": {
        **MANAGED,
        "invitation": "resend withdraw",
        "membership": "reset_second_factor",
        "webhooksubscription": "ping replay rotate_secret",
        "webhookdelivery": "redeliver",
    },
    "operator": {**ALL, "executorstate": "pause resume"},
}
# talks to servers at once
NOT_TRIED = {("mailbox", "check_one")}


@pytest.mark.parametrize("who", EXPECTED)
def test_each_role_has_its_actions(who: str) -> None:
    workspace = factories.WorkspaceFactory()
    make_one_of_each(workspace)
    role = "sdr" if who == "operator" else who
    user: Any = (factories.OperatorFactory if who == "operator" else factories.UserFactory)()
    factories.MembershipFactory(workspace=workspace, user=user, role=role)
    client = log_in(user)
    allowed = set()
    for model in admin.site._registry:
        for name in actions_of(model):
            key = (str(model._meta.model_name), name)
            if key in NOT_TRIED:
                continue
            row = model._default_manager.earliest("pk")
            if client.get(url(model, name, row.pk)).status_code in {200, 302}:
                allowed.add(key)
    assert allowed == {(name, f"{verb}_one") for name, verbs in EXPECTED[who].items() for verb in verbs.split()}
