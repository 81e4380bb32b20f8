"""Erase one person's data, and hand it out.

What is left is a row without personal data, with the history that caps and reports count, and a keyed hash of each
address the person was known by. The order in the one transaction: lock the workspace's contacts, end live enrollments,
refuse while a message is being sent, blank every table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from common.addresses import AddressError, normalize_for_search, repair_address
from common.db import execute, fetch_all
from emails.choices import MessageStatus
from emails.models import EmailMessage, Reply
from execution.choices import ControlAction, ControlTarget
from execution.control.enrollments import exit_enrollments
from execution.engine.logs import log_control
from execution.maintenance.personal_data import SearchedTable, list_personal_tables, list_searched_tables
from sequences.choices import LIVE_STATUSES
from sequences.contacts.erased import lock_contacts, remember_erased
from sequences.models import Contact, Enrollment
from tasks_app.models import Task

_MARK = "[erased]"
# Shorter names are words that stand in other people's texts too.
_SHORTEST_NAME = 5
_SHORTEST_PHONE = 7
_OF_MEMBERS = "u.workspace_id = %(workspace)s AND u.user_id = o.user_id"
# Rows that go altogether, or that no workspace owns.
_FURTHER = {
    "execution_idempotencykey": f"""
DELETE FROM execution_idempotencykey o USING sequences_membership u
WHERE {_OF_MEMBERS} AND (o.response::text ~* %(pattern)s OR o.path ~ %(path)s)
""",
    # a first name or a title alone is found by no pattern
    "execution_controllog": """
UPDATE execution_controllog o SET reason = '', changes = (
    SELECT coalesce(jsonb_agg(c.value || jsonb_build_object('before', %(mark)s::text, 'after', %(mark)s::text)), '[]')
    FROM jsonb_array_elements(o.changes) c)
WHERE o.workspace_id = %(workspace)s AND o.target = 'contact' AND o.target_id = %(contact)s
""",
    "sequences_contactimportbatch": """
UPDATE sequences_contactimportbatch o SET rejects = (
    SELECT jsonb_agg(CASE WHEN r.value::text ~* %(pattern)s
                          THEN r.value || jsonb_build_object('reason', %(mark)s::text, 'cells', '[]'::jsonb)
                          ELSE r.value END ORDER BY r.ordinality)
    FROM jsonb_array_elements(o.rejects) WITH ORDINALITY r
)
WHERE o.workspace_id = %(workspace)s AND o.rejects::text ~* %(pattern)s
""",
    "django_admin_log": f"""
UPDATE django_admin_log o SET object_repr = regexp_replace(o.object_repr, %(pattern)s, %(mark)s, 'gi'),
    change_message = regexp_replace(o.change_message, %(pattern)s, %(mark)s, 'gi')
FROM sequences_membership u
WHERE {_OF_MEMBERS} AND (o.object_repr ~* %(pattern)s OR o.change_message ~* %(pattern)s)
""",
    "emails_suppression": """
DELETE FROM emails_suppression o WHERE o.workspace_id = %(workspace)s AND o.email = ANY(%(addresses)s::text[])
""",
    "execution_webhookdelivery": """
DELETE FROM execution_webhookdelivery o
WHERE o.workspace_id = %(workspace)s
  AND %(contact)s::bigint::text IN (o.payload ->> 'contact', o.payload -> 'contact' ->> 'id')
""",
}
_REJECTED_ROWS = """
SELECT r.value FROM sequences_contactimportbatch o CROSS JOIN jsonb_array_elements(o.rejects) r
WHERE o.workspace_id = %(workspace)s AND r.value::text ~* %(pattern)s
ORDER BY o.id
"""
# Enrolling and the final check before sending ask this list.
_SUPPRESS = """
INSERT INTO emails_suppression (workspace_id, email, domain, reason, note, actor, created_at)
VALUES (%(workspace)s, %(email)s, '', 'manual', 'the data of this contact was erased', %(actor)s, %(now)s)
ON CONFLICT DO NOTHING
"""
_INTERNAL = frozenset({"lease_token", "leased_until", "leased_by"})


class InFlightError(RuntimeError):
    """An email to the contact is being sent at this moment; its enrollments have ended."""

    def __init__(self) -> None:
        super().__init__(
            "an email to this contact is being sent at this moment; its enrollments have ended: try again in a minute"
        )


@dataclass(frozen=True, slots=True)
class Erased:
    """`enrollments` ended because of it; `rows` were blanked or removed, by table."""

    contact_id: int
    enrollments: int
    rows: dict[str, int]

    def present(self) -> dict[str, Any]:
        return {"contact": self.contact_id, "enrollments_ended": self.enrollments, "rows": self.rows}


def erase_contact(contact: Contact, *, actor: str, reason: str, now: datetime, dry_run: bool = False) -> Erased:
    """Erase everything that names the person; erasing again changes nothing.

    Raises `InFlightError` while a message is being sent; the enrollments have ended then, and nothing else is changed.
    """
    ended = 0
    if not dry_run:
        ended = _end_enrollments(contact, actor, now)
    with transaction.atomic():
        lock_contacts(contact.workspace_id)
        ended += _end_enrollments(contact, actor, now)
        contact.refresh_from_db(from_queryset=Contact.objects.select_for_update(no_key=True))
        if EmailMessage.objects.filter(contact=contact, status=MessageStatus.SENDING.value).exists():
            raise InFlightError
        rows = {} if contact.erased_at else _erase(contact, actor, reason, now)
        transaction.set_rollback(dry_run)
    return Erased(contact.pk, ended, rows)


def export_contact(contact: Contact, now: datetime) -> dict[str, Any]:
    """Everything that is stored about the person, by kind, as JSON can hold it."""
    found: dict[str, Any] = {"exported_at": now, "email": contact.email}
    asked = _ids(contact)
    for table in reversed(list_personal_tables()):
        found[table.label] = _read(table.name, table.where, asked, table.key)
    found["accounts"] = _read("sequences_account", "o.id = %(id)s", {"id": contact.account_id})
    listed = {"workspace": contact.workspace_id, "emails": _addresses(contact)}
    where = "o.workspace_id = %(workspace)s AND o.email = ANY(%(emails)s::text[])"
    found["suppressions"] = _read("emails_suppression", where, listed)
    named = {"workspace": contact.workspace_id, "pattern": _pattern(_addresses(contact))}
    found["rejected_import_rows"] = [row["value"] for row in fetch_all(_REJECTED_ROWS, named)]
    found["suppression_changes"] = _read("emails_suppressionchange", where, listed)
    return found


def _read(table: str, where: str, asked: Mapping[str, Any], key: str = "id") -> list[dict[str, Any]]:
    rows = fetch_all(f"SELECT to_jsonb(o) AS row FROM {table} o WHERE {where} ORDER BY o.{key}", asked)
    return [{name: value for name, value in row["row"].items() if name not in _INTERNAL} for row in rows]


def find_contact(workspace_id: int, address: str) -> Contact | None:
    """By address, however it is written."""
    rows = Contact.objects.filter(workspace=workspace_id, email__iexact=normalize_for_search(address))
    return rows.first()


def _end_enrollments(contact: Contact, actor: str, now: datetime) -> int:
    live = Enrollment.objects.filter(contact=contact, status__in=[status.value for status in LIVE_STATUSES])
    ids = list(live.order_by("pk").values_list("pk", flat=True))
    return len(exit_enrollments(ids, actor=actor, now=now, reason="the contact is erased").changed) if ids else 0


def _erase(contact: Contact, actor: str, reason: str, now: datetime) -> dict[str, int]:
    addresses = _addresses(contact)
    by_address = _pattern(addresses)
    pattern = _pattern(addresses, _names(contact))
    remember_erased(contact.workspace_id, addresses, now)
    asked = {**_ids(contact), "now": now}
    counts: dict[str, int] = {}
    for table in list_personal_tables():
        if table.blank:
            counts[table.name] = execute(f"UPDATE {table.name} o SET {table.blank} WHERE {table.where}", asked)
    asked = {
        "workspace": contact.workspace_id, "contact": contact.pk, "addresses": addresses, "pattern": pattern,
        "mark": _MARK, "path": _paths_of(contact),
    }  # fmt: skip
    for name, statement in _FURTHER.items():
        counts[name] = counts.get(name, 0) + execute(statement, asked)
    for searched in list_searched_tables():
        # another contact may have the same name or the phone number of the same office
        words = by_address if searched.name == "sequences_contact" else pattern
        counts[searched.name] = counts.get(searched.name, 0) + _search(searched, contact.workspace_id, words)
    placeholder = f"erased-{contact.pk}@erased.invalid"
    execute(_SUPPRESS, {"workspace": contact.workspace_id, "email": placeholder, "actor": actor, "now": now})
    contact.refresh_from_db()
    log_control(ControlTarget.CONTACT, contact, ControlAction.ERASED, actor, _without(pattern, reason), now)
    return {name: number for name, number in counts.items() if number}


def _search(table: SearchedTable, workspace_id: int, pattern: str) -> int:
    """Replace what names the person in rows of others. Server-side functions, so that no row travels."""
    found = [f"o.{name} ~* %(pattern)s" for name in table.texts]
    found += [f"o.{name}::text ~* %(pattern)s" for name in table.documents]
    # what must be unique stays so
    marks = {"provider_event_id": "%(mark)s || o.id", "event_key": "%(mark)s || o.id"}
    sets = [
        f"{name} = regexp_replace(o.{name}, %(pattern)s, {marks.get(name, '%(mark)s')}, 'gi')" for name in table.texts
    ]
    sets += [f"{name} = regexp_replace(o.{name}::text, %(pattern)s, %(mark)s, 'gi')::jsonb" for name in table.documents]
    where = f"o.workspace_id = %(workspace)s AND ({' OR '.join(found)})"
    with connection.cursor() as cursor:
        statement = f"UPDATE {table.name} o SET {', '.join(sets)} WHERE {where}"
        cursor.execute(statement, {"workspace": workspace_id, "pattern": pattern, "mark": _MARK})
        return int(cursor.rowcount)


def _ids(contact: Contact) -> dict[str, Any]:
    return {
        "contact": contact.pk,
        "enrollments": list(Enrollment.objects.filter(contact=contact).values_list("pk", flat=True)),
        "messages": list(EmailMessage.objects.filter(contact=contact).values_list("pk", flat=True)),
    }


def _paths_of(contact: Contact) -> str:
    """A regular expression for the addresses of the API that name the contact's rows."""
    ids = _ids(contact)
    rows = {
        "contacts": [contact.pk],
        "sequence-enrollments": ids["enrollments"],
        "messages": ids["messages"],
        "replies": list(Reply.objects.filter(contact=contact).values_list("pk", flat=True)),
        "tasks": list(Task.objects.filter(enrollment__in=ids["enrollments"]).values_list("pk", flat=True)),
    }
    named = (rf"{name}/({'|'.join(map(str, keys))})" for name, keys in rows.items() if keys)
    return rf"/({'|'.join(named)})(/|\?|$)"


def _addresses(contact: Contact) -> list[str]:
    """All that the person was written to by, in lower case."""
    texts = {contact.email, *EmailMessage.objects.filter(contact=contact).values_list("recipient", flat=True)}
    texts.add(str(contact.fields.get("stored_address", "")))
    found = set()
    for text in texts:
        try:
            found.add(repair_address(text).lower())
        except AddressError:
            continue
    return sorted(address for address in found if not address.endswith("@erased.invalid"))


def _names(contact: Contact) -> list[str]:
    """Full name and phone number, unless they are short or another contact's too."""
    others = Contact.objects.filter(workspace=contact.workspace_id).exclude(pk=contact.pk)
    words = []
    if contact.first_name and contact.last_name and len(contact.full_name) >= _SHORTEST_NAME:
        namesakes = others.filter(first_name__iexact=contact.first_name, last_name__iexact=contact.last_name)
        words += [] if namesakes.exists() else [contact.full_name]
    if len(contact.phone) >= _SHORTEST_PHONE and not others.filter(phone=contact.phone).exists():
        words.append(contact.phone)
    return words


def _pattern(addresses: Sequence[str], names: Sequence[str] = ()) -> str:
    """A regular expression of PostgreSQL for these addresses, also as URLs hold them, and names, as whole words."""
    words = [rf"(?<![\w.+-]){_escape(address)}(?![\w-])(?!\.\w)" for address in addresses]
    words += [_escape(address.replace("@", "%40")) for address in addresses]
    words += [rf"(?<!\w){_escape(name)}(?!\w)" for name in names]
    return "|".join(words) or r"(?!x)x"


def _escape(text: str) -> str:
    return re.sub(r"([^\w\s@])", r"\\\1", text)


def _without(pattern: str, text: str) -> str:
    row = fetch_all("SELECT regexp_replace(%(text)s::text, %(pattern)s, %(mark)s, 'gi') AS text", {
        "text": text, "pattern": pattern, "mark": _MARK,
    })[0]  # fmt: skip
    return str(row["text"])
