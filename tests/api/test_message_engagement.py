"""What became of a message stands in its row, and messages are found by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from sequences.models import Enrollment
from tests.factories import NOW, EmailEventFactory, SentMessageFactory
from tests.support.counting import count_statements

FACTS = {
    "delivered": {},
    "opened": {"verdict": "machine"},
    "clicked": {},
    "replied": {},
    "bounced": {"bounce_type": "soft"},
}


def test_a_message_says_what_became_of_it(api: APIClient, enrollment: Enrollment) -> None:
    engaged, quiet = (SentMessageFactory(enrollment=enrollment, visit=visit) for visit in (1, 2))
    for hours, (kind, values) in enumerate(FACTS.items()):
        EmailEventFactory(message=engaged, type=kind, occurred_at=NOW + timedelta(hours=hours), **values)
    EmailEventFactory(message=engaged, type="clicked", occurred_at=NOW + timedelta(days=1))
    row = api.get(f"/api/messages/{engaged.pk}").json()
    assert (row["delivered_at"], row["first_opened_at"], row["opens"]) == ("2026-03-02T10:00:00Z", None, 0)
    assert (row["first_clicked_at"], row["clicks"], row["replied_at"]) == (
        "2026-03-02T12:00:00Z", 2, "2026-03-02T13:00:00Z",
    )  # fmt: skip
    assert (row["bounced_at"], row["bounce_type"], row["complained_at"]) == ("2026-03-02T14:00:00Z", "soft", None)
    with count_statements() as statements:
        listed = {each["id"]: each for each in api.get("/api/messages").json()["results"]}
    assert (listed[engaged.pk], listed[quiet.pk]["clicks"]) == (row, 0)
    assert statements.count < 12


@pytest.mark.parametrize("name", ["delivered", "opened", "clicked", "replied", "bounced", "complained", "unsubscribed"])
def test_messages_are_found_by_what_became_of_them(api: APIClient, enrollment: Enrollment, name: str) -> None:
    engaged, quiet = (SentMessageFactory(enrollment=enrollment, visit=visit) for visit in (1, 2))
    EmailEventFactory(message=engaged, type=name, bounce_type="hard" if name == "bounced" else "")
    for verdict in ("machine",) if name in {"opened", "clicked"} else ():
        EmailEventFactory(message=quiet, type=name, verdict=verdict)
    for word, expected in (("true", engaged), ("false", quiet)):
        found = api.get("/api/messages", {name: word, "sequence": enrollment.sequence.name}).json()["results"]
        assert [row["id"] for row in found] == [expected.pk]
    assert api.get("/api/messages", {name: "perhaps"}).status_code == 400
