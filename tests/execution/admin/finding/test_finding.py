"""Finding contacts at the desk: every filter, saved views by role, and the search within the own workspaces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sequences.models import Contact, SavedView
from tests import factories
from tests.execution.admin.test_contact_pages import log_in
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db
LIST = "admin:sequences_contact_changelist"


@pytest.fixture
def workspace() -> Any:
    return factories.WorkspaceFactory()


def listed(client: Client, **query: Any) -> set[str]:
    page = client.get(reverse(LIST), query)
    assert page.status_code == 200, page
    return {row.email for row in page.context["cl"].result_list}


@pytest.fixture
def people(workspace: Any) -> dict[str, Any]:
    """new has nothing; live is in a sequence; done was in one and replied."""
    account = factories.AccountFactory(workspace=workspace, name="Acme")
    owner = factories.UserFactory()
    factories.MembershipFactory(workspace=workspace, user=owner)
    found = {
        "new": factories.ContactFactory(workspace=workspace, email="new@x.example", fields={"plan": "Gold", "n": 5}),
        "live": factories.ContactFactory(workspace=workspace, email="live@x.example", account=account, title="CTO"),
        "done": factories.ContactFactory(workspace=workspace, email="done@x.example", engagement_score=60),
    }
    live = factories.EnrollmentFactory(contact=found["live"], sequence__workspace=workspace, owner=owner)
    done = factories.CompletedEnrollmentFactory(contact=found["done"], sequence__workspace=workspace)
    factories.EmailEventFactory(
        message=factories.SentMessageFactory(enrollment=done), contact=found["done"], type="replied"
    )
    Contact.objects.filter(pk=found["new"].pk).update(created_at=datetime(2026, 2, 3, 23, 30, tzinfo=UTC))
    return {**found, "account": account, "owner": owner, "live_sequence": live.sequence}


def test_each_filter_finds_its_contacts(workspace: Any, people: dict[str, Any]) -> None:
    client, _ = log_in(workspace)
    new, live, done = "new@x.example", "live@x.example", "done@x.example"
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"engagement_score_from": 50}, {done}),
        ({"engagement_score_to": 50}, {new, live}),
        ({"in_sequence": "now"}, {live}),
        ({"in_sequence": "not"}, {new, done}),
        ({"in_sequence": "never"}, {new}),
        ({"replied": "yes"}, {done}),
        ({"replied": "no"}, {new, live}),
        ({"sequence": people["live_sequence"].pk}, {live}),
        ({"owner": people["owner"].pk}, {live}),
        ({"account": "acm"}, {live}),
        ({"account": people["account"].domain}, {live}),
        ({"merge_field_name": "Plan", "merge_field_value": "gol"}, {new}),
        ({"merge_field_name": "contact.n", "merge_field_value": "5"}, {new}),
        ({"merge_field_name": "plan"}, {new}),
        ({"merge_field_name": "title", "merge_field_value": "cto"}, {live}),
        ({"merge_field_name": "company"}, {live}),
        ({"created_at_from": "2026-02-03", "created_at_to": "2026-02-03"}, {new}),
        ({"created_at_from": "2026-02-04"}, {live, done}),
    ]
    for query, expected in cases:
        assert listed(client, **query) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        {"engagement_score_from": "many"},
        {"created_at_from": "2026-02-31"},
        {"merge_field_name": "'; --", "merge_field_value": "%"},
        {"sequence": "²"},
        {"owner": "99999999999999999999"},
    ],
)
def test_a_bad_filter_fails_nothing(workspace: Any, people: dict[str, Any], query: dict[str, str]) -> None:
    assert log_in(workspace)[0].get(reverse(LIST), query).status_code in {200, 302}


def save(client: Client, name: str, query: str, **more: str) -> Any:
    return client.post(reverse("admin:sequences_contact_save_view"), {"name": name, "query": query, **more})


def views(client: Client) -> dict[str, bool]:
    return {view.label: view.may_delete for view in client.get(reverse(LIST)).context["saved_views"]}


def test_a_view_is_saved_for_its_user_and_shared_by_managers(workspace: Any) -> None:
    sdr, manager, stranger = (
        log_in(workspace)[0],
        log_in(workspace, "manager")[0],
        log_in(factories.WorkspaceFactory())[0],
    )
    done = save(sdr, "Hot", "in_sequence=never&p=3&engagement_score_from=50&replied=")
    assert done["Location"].endswith("?engagement_score_from=50&in_sequence=never")
    assert save(sdr, "All of us", "q=x", is_shared="on").status_code == 403
    save(manager, "All of us", "q=x", is_shared="on")
    assert views(sdr) == {"All of us": False, "Hot": True}
    assert views(manager) == {"All of us": True}
    assert views(stranger) == {}
    current = sdr.get(reverse(LIST), {"engagement_score_from": "50", "in_sequence": "never"}).context["saved_views"]
    assert [view.label for view in current if view.is_current] == ["Hot"]
    save(sdr, "Hot", "in_sequence=now")
    assert SavedView.objects.get(name="Hot").query == "in_sequence=now"


def test_a_view_is_deleted_by_its_user_or_when_shared_by_a_manager(workspace: Any) -> None:
    (sdr, user), (manager, _) = log_in(workspace), log_in(workspace, "manager")
    stranger = log_in(factories.WorkspaceFactory(), "manager")[0]
    made = [
        SavedView.objects.create(workspace=workspace, user=user, page="sequences_contact", name=name, is_shared=shared)
        for name, shared in (("own", False), ("shared", True))
    ]
    own, shared = (reverse("admin:sequences_contact_delete_view", args=[view.pk]) for view in made)
    assert manager.post(own).status_code == 404
    assert stranger.post(shared).status_code == 404
    assert sdr.get(own).status_code == 403
    assert manager.post(shared).status_code == 302
    assert sdr.post(own).status_code == 302
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_is_not_saved(workspace: Any) -> None:
    client, _ = log_in(workspace)
    save(client, "", "q=x")
    assert not SavedView.objects.exists()


def search(client: Client, text: str) -> list[str]:
    return [item.title for item in client.get("/admin/search/", {"s": text}).context["results"]]


def test_the_search_finds_contacts_accounts_sequences_and_pages(workspace: Any) -> None:
    client, _ = log_in(workspace)
    account = factories.AccountFactory(workspace=workspace, name="Acme Robotics")
    factories.ContactFactory(workspace=workspace, first_name="Grace", last_name="Hopper", account=account)
    factories.SequenceFactory(workspace=workspace, name="Acme follow-up")
    foreign = factories.ContactFactory(first_name="Grace", last_name="Elsewhere")
    assert search(client, "grace hop") == ["Grace Hopper"]
    assert search(client, "ACME") == ["Grace Hopper", "Acme Robotics", "Acme follow-up"]
    assert search(client, "execution q") == ["Execution queue"]
    assert search(client, foreign.email) == []
    assert client.get("/admin/search/", {"s": "g"}).content == b""
    assert Client().get("/admin/search/", {"s": "grace"}).status_code == 302


def test_the_search_and_the_list_take_as_many_statements_for_many_rows(workspace: Any) -> None:
    client, _ = log_in(workspace)
    counts = []
    for number in (1, 30):
        factories.ContactFactory.create_batch(number, workspace=workspace, first_name="Grace")
        client.get(reverse("admin:index"))
        for path, query in (("/admin/search/", {"s": "grace"}), (reverse(LIST), {"in_sequence": "never"})):
            with count_statements() as counted:
                assert client.get(path, query).status_code == 200
            counts.append(counted.count)
    assert counts[:2] == counts[2:]
