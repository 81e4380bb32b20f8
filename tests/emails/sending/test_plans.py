"""A large mailing in a new installation: statements are planned when nothing was sent, and must stay quick after it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from emails.rendering import compose
from emails.sending import final_check, recheck
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory

pytestmark = pytest.mark.django_db

PEOPLE = 2_000
BY_STATUS = {
    "message_lane",
    "message_leased",
    "message_unknown",
    "message_mailbox_window",
    "message_user_window",
    "message_workspace_window",
    "message_domain_window",
}
_COPY = """
INSERT INTO {table} SELECT (jsonb_populate_record(o, jsonb_build_object('id', o.id + n) || {changed})).*
FROM {table} o, generate_series(1, %(people)s) n
"""


def copy(table: str, changed: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(table=table, changed=changed), {"people": PEOPLE})
        cursor.execute(f"ANALYZE {table}")


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


@pytest.mark.parametrize("is_lane", [True, False])
@pytest.mark.parametrize("sql", [final_check._DETAILS, compose._CONTENT, recheck._UNCHANGED])
def test_messages_are_found_by_their_ids_and_contacts_however_few_were_sent(sql: str, is_lane: bool) -> None:
    message = EmailMessageFactory(enrollment=EnrollmentFactory(at=NOW), at=NOW)
    copy("sequences_contact", "jsonb_build_object('email', 'person' || n || '@firm.example')")
    copy("sequences_enrollment", "jsonb_build_object('contact_id', o.contact_id + n)")
    copy(
        "emails_emailmessage",
        "jsonb_build_object('contact_id', o.contact_id + n, 'enrollment_id', o.enrollment_id + n,"
        " 'message_id', '<' || n || '@sender.example>')",
    )
    with connection.cursor() as cursor:
        if is_lane:
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL join_collapse_limit = 1")
        values: dict[str, Any] = {"messages": [message.pk + 1, message.pk + 2], "now": NOW, "token": uuid.uuid4()}
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
        plan = cursor.fetchone()[0][0]["Plan"]
    nodes = [node for node in walk(plan) if node.get("Relation Name") == "emails_emailmessage"]
    assert nodes
    assert not {node.get("Index Name") for node in nodes} & BY_STATUS
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
