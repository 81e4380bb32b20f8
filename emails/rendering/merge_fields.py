"""Turn the columns known about a recipient into what conditions compare and templates merge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from common.db import Row
from emails.rendering.render import MADE_OF_OTHERS, is_known, known_fields, person_fields
from sequences.models.time_off import list_time_off
from sequences.models.workspace import HOLIDAY_COLUMNS
from sequences.time.contact_calendar import read_zone
from sequences.time.timing import Window

# What every query that feeds `merge_fields` selects, and the joins it needs beside an enrollment `e`.
PERSON_COLUMNS = f"""
c.email, c.first_name, c.last_name, c.title, c.phone, c.external_id, c.timezone AS contact_timezone,
nullif(c.fields, '{{}}')::text AS fields, c.engagement_score,
c.account_id, a.name AS account_name, a.domain AS account_domain, a.timezone AS account_timezone,
b.address AS mailbox_address, b.display_name AS mailbox_name, b.timezone AS mailbox_timezone,
w.name AS workspace_name, w.timezone AS workspace_timezone, {HOLIDAY_COLUMNS},
{list_time_off("b.owner_id", "w.id")} AS time_off,
w.account_reply_policy, w.account_reply_delay_days,
u.first_name AS owner_first_name, u.last_name AS owner_last_name
"""
PERSON_JOINS = """
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN emails_mailbox b ON b.id = e.mailbox_id
LEFT JOIN auth_user u ON u.id = e.owner_id
"""


_ANY_WINDOW = Window(None, ())

# The contact's columns by the names that templates use; custom fields never hide one of them.
_COLUMNS = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "title": "title",
    "phone": "phone",
    "external_id": "external_id",
    "company": "account_name",
    "domain": "account_domain",
    "timezone": "contact_timezone",
    "engagement_score": "engagement_score",
}


class Person(Mapping[str, object]):
    """What templates see of a contact. A value is looked up when it is asked for: most templates want but one."""

    __slots__ = ("_custom", "_row", "_whole")

    def __init__(self, row: Row) -> None:
        self._row = row
        self._custom: dict[str, object] | None = None
        self._whole: dict[str, object] | None = None

    def __getitem__(self, name: str) -> object:
        if name in MADE_OF_OTHERS:
            return self._all()[name]
        column = _COLUMNS.get(name)
        value = self._row[column] if column else self._fields()[name]
        if not is_known(value):
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _fields(self) -> dict[str, object]:
        if self._custom is None:
            text = self._row["fields"]
            self._custom = json.loads(text) if text else {}
        return self._custom

    def _all(self) -> dict[str, object]:
        if self._whole is None:
            known = {name: self._row[column] for name, column in _COLUMNS.items()}
            self._whole = person_fields({**self._fields(), **known})
        return self._whole


class MergeFields(Mapping[str, object]):
    """The context that templates are rendered with, the unsubscribe link aside; each part is made when it is asked for:
    whether a field is missing needs the part that it is in."""

    __slots__ = ("_made", "_row")

    def __init__(self, row: Row) -> None:
        self._row = row
        self._made: dict[str, object] = {}

    def __getitem__(self, part: str) -> object:
        if part not in self._made:
            self._made[part] = _PARTS[part](self._row)
        return self._made[part]

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)


def local_time(row: Row, now: datetime) -> datetime:
    """`now` where the contact is: in the zone of the contact, else of the account, the mailbox, the workspace."""
    zone = read_zone(_ANY_WINDOW, row)
    return now.astimezone(zone.zone)


def sender_name(row: Row) -> str:
    owner = f"{row['owner_first_name'] or ''} {row['owner_last_name'] or ''}".strip()
    return row["mailbox_name"] or owner


def _account(row: Row) -> dict[str, object]:
    return known_fields(
        {"name": row["account_name"], "domain": row["account_domain"], "timezone": row["account_timezone"]}
    )


def _sender(row: Row) -> dict[str, object]:
    name = sender_name(row)
    first_name = row["owner_first_name"] or name.partition(" ")[0]
    return known_fields({"name": name, "first_name": first_name, "email": row["mailbox_address"]})


_PARTS: dict[str, Callable[[Row], Mapping[str, object]]] = {
    "contact": Person,
    "account": _account,
    "sender": _sender,
    "workspace": lambda row: known_fields({"name": row["workspace_name"]}),
}
