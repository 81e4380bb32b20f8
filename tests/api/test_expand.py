"""`?expand=`: related rows beside the rows of an answer, in a bounded number of statements."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage
from sequences.models import Enrollment
from tests.factories import AccountFactory, EmailMessageFactory
from tests.support.counting import count_statements

NAMES = {
    "sequence-enrollments": "contact,account,sequence,step,mailbox,owner",
    "messages": "contact,account,enrollment,sequence,step,mailbox,owner",
    "replies": "contact,account,enrollment,sequence,message,mailbox",
    "tasks": "contact,account,enrollment,sequence,step,assignee",
}


@pytest.mark.parametrize("name", NAMES)
def test_related_rows_stand_beside_those_of_lists_and_reads(
    manager_api: APIClient, enrollment: Enrollment, ids: dict[str, int], name: str
) -> None:
    enrollment.contact.account = AccountFactory(workspace=enrollment.workspace)
    enrollment.contact.fields = {"plan": "pro"}
    enrollment.contact.save()
    row = manager_api.get(f"/api/{name}/{ids[name]}", {"expand": NAMES[name]}).json()
    shown = row["expanded"]
    assert set(shown) == {*NAMES[name].split(",")}
    assert (shown["contact"]["email"], shown["contact"]["fields"]) == (enrollment.contact.email, {"plan": "pro"})
    assert shown["account"]["id"] == enrollment.contact.account_id
    assert shown["sequence"]["name"] == enrollment.sequence.name
    listed = manager_api.get(f"/api/{name}", {"expand": "sequence , contact"}).json()["results"]
    assert shown["contact"] in [each["expanded"]["contact"] for each in listed]
    assert set(listed[0]["expanded"]) == {"sequence", "contact"}
    assert "expanded" not in manager_api.get(f"/api/{name}").json()["results"][0]
    for query in ({"expand": "contact,secrets"}, {"expand": ""}):
        refused = manager_api.get(f"/api/{name}", query)
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["expand"])


def test_more_rows_cost_no_more_statements(manager_api: APIClient, enrollment: Enrollment) -> None:
    counts = []
    for visit in range(1, 4):
        EmailMessageFactory(enrollment=enrollment, visit=visit)
        with count_statements() as statements:
            assert manager_api.get("/api/messages", {"expand": NAMES["messages"]}).status_code == 200
        counts.append(statements.count)
    assert EmailMessage.objects.count() == 3
    assert counts[1] == counts[2]
