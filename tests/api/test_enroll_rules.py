"""`/api/enroll-rules` and its page: managers write, every member reads, nothing impossible is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from execution.control.auto_enroll import run_rule
from execution.models import ControlLog
from sequences.choices import Role
from sequences.models import Enrollment, EnrollRule, Sequence, Workspace
from tests.api.conftest import join
from tests.factories import NOW, ContactFactory, ExecutorStateFactory, MailboxFactory, SequenceFactory

URL = "/api/enroll-rules"


@pytest.fixture
def body(workspace: Workspace, sequence: Sequence) -> dict[str, Any]:
    ContactFactory.create_batch(3, workspace=workspace)
    mailbox = MailboxFactory(workspace=workspace)
    return {
        "name": "New", "filter": {"domain": "prospect.example"}, "sequence": sequence.name,
        "mailbox": mailbox.address, "daily_maximum": 2,
    }  # fmt: skip


def test_a_manager_makes_a_rule_that_enrollments_name(
    api: APIClient, manager_api: APIClient, body: dict[str, Any]
) -> None:
    assert api.post(URL, body, format="json").status_code == 403
    rehearsed = manager_api.post(f"{URL}?dry_run=1", body, format="json")
    assert (rehearsed.status_code, EnrollRule.objects.count()) == (200, 0)
    made = manager_api.post(URL, body, format="json")
    assert made.status_code == 201, made.json()
    rule = EnrollRule.objects.get()
    assert made.json()["sequence"] == rule.sequence_id and made.json()["is_active"] is True
    assert api.get(f"{URL}/{rule.pk}").json() == made.json()
    preview = api.get(f"{URL}/{rule.pk}/preview").json()
    assert (preview["matching"], preview["would_enroll_today"]) == (3, 2)
    assert [day["count"] for day in preview["days"]][:3] == [2, 1, 0]
    ExecutorStateFactory()
    assert run_rule(rule, NOW) == 2
    shown = api.get("/api/sequence-enrollments").json()["results"]
    assert {row["rule"] for row in shown} == {rule.pk}
    assert api.patch(f"{URL}/{rule.pk}", {"is_active": False}, format="json").status_code == 403
    assert manager_api.patch(f"{URL}/{rule.pk}", {"is_active": False}, format="json").json()["is_active"] is False
    assert manager_api.delete(f"{URL}/{rule.pk}").status_code == 204
    assert Enrollment.objects.filter(rule=None).count() == 2
    actions = list(ControlLog.objects.filter(target="enroll_rule").order_by("pk").values_list("action", flat=True))
    assert actions == ["created", "edited", "deleted"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"filter": {}}, "filter"),
        ({"filter": {"domian": "x"}}, "filter"),
        ({"daily_maximum": 0}, "daily_maximum"),
        ({"mailbox": None}, "mailbox"),
        ({"mailbox": "no@sender.example"}, "mailbox"),
        ({"owner": 999_999}, "owner"),
        ({"sequence": "Other"}, "sequence"),
        ({"sequence": "Draft"}, "sequence"),
        ({"daily_max": 5}, "daily_max"),
    ],
)
def test_an_impossible_rule_is_refused_in_one_line(
    manager_api: APIClient, workspace: Workspace, body: dict[str, Any], wrong: dict[str, Any], named: str
) -> None:
    SequenceFactory(workspace=workspace, name="Draft", status="draft")
    SequenceFactory(name="Other")
    refused = manager_api.post(URL, {**body, **wrong}, format="json")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [named])
    assert not EnrollRule.objects.exists()


def test_names_are_taken_once_and_rules_belong_to_their_workspace(
    manager_api: APIClient, stranger_api: APIClient, body: dict[str, Any]
) -> None:
    pk = manager_api.post(URL, body, format="json").json()["id"]
    assert list(manager_api.post(URL, {**body, "name": "NEW"}, format="json").json()["errors"]) == ["name"]
    for path in (f"{URL}/{pk}", f"{URL}/{pk}/preview"):
        assert stranger_api.get(path).status_code == 404
    assert stranger_api.post(URL, body, format="json").status_code == 400


def test_the_desk_makes_and_previews_a_rule(workspace: Workspace, sequence: Sequence, body: dict[str, Any]) -> None:
    desk = Client()
    desk.force_login(join(workspace, Role.MANAGER))
    mailbox = MailboxFactory(workspace=workspace)
    add = reverse("admin:sequences_enrollrule_add")
    form = {
        "workspace": workspace.pk, "name": "New", "is_active": "on", "sequence": sequence.pk, "mailbox": mailbox.pk,
        "daily_maximum": 2,
    }  # fmt: skip
    refused = desk.post(add, form)
    assert "would match every contact" in refused.content.decode() and not EnrollRule.objects.exists()
    assert desk.post(add, {**form, "filter_domain": "prospect.example"}).status_code == 302
    rule = EnrollRule.objects.get()
    assert (rule.filter, rule.made_by != "") == ({"domain": "prospect.example"}, True)
    change = reverse("admin:sequences_enrollrule_change", args=[rule.pk])
    assert desk.post(change, {**form, "filter_domain": "", "filter_score_at_least": 5}).status_code == 302
    rule.refresh_from_db()
    assert rule.filter == {"score_at_least": 5}
    assert ControlLog.objects.filter(target="enroll_rule", action="edited").count() == 1
    EnrollRule.objects.update(filter={"domain": "prospect.example"})
    page = desk.get(f"{change}preview/")
    page = (
        page if page.status_code == 200 else desk.get(reverse("admin:sequences_enrollrule_preview_one", args=[rule.pk]))
    )
    assert "3 contacts match the filter" in page.content.decode()
    desk.force_login(join(workspace))
    assert desk.get(change).status_code == 200 and desk.get(add).status_code == 403
