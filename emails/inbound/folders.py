"""The folders beside the inbox: spam and everything for answers that went astray, Sent for what was written by hand.

Each has its own place where reading stopped, kept with the inbox's. A mail that is in two folders is one fact.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.db import execute, fetch_all
from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.inbound.imap import FetchedMail, Imap
from emails.inbound.parse import parse_headers, read_addresses
from emails.models import Mailbox
from emails.tracking.links import is_ours
from sequences.enrollment_sql import LIVE

# Answers rarely go astray, and each folder costs the server a look.
LOOKED_AT_EVERY = timedelta(minutes=5)
MAILS_PER_LOOK = 200
_BATCH = 25


class Role(StrEnum):
    """What a folder is for, by its special use (RFC 6154), else by its usual name."""

    JUNK = "junk"
    ALL = "all"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stopped: UIDs up to `last_uid` of that `uidvalidity` are known."""

    name: str
    uidvalidity: int
    last_uid: int


_LOAD = """
SELECT folders, folders_checked_at FROM emails_inboxstate WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_KEEP = """
UPDATE emails_inboxstate
SET folders = folders || %(folders)s::jsonb, folders_checked_at = coalesce(%(checked_at)s, folders_checked_at)
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
# The live enrollments of a Sent mail's recipients; our own messages are in that folder too and say nothing new.
_WRITTEN_TO = f"""
SELECT r.n, c.id AS contact_id, e.id AS enrollment_id,
       (SELECT m.id FROM emails_emailmessage m WHERE m.enrollment_id = e.id AND m.status = 'sent'
        ORDER BY m.visit DESC LIMIT 1) AS message_id
FROM unnest(%(numbers)s::int[], %(addresses)s::text[], %(ids)s::text[]) AS r(n, address, message_id)
JOIN sequences_contact c ON c.workspace_id = %(workspace)s AND lower(c.email) = r.address
JOIN sequences_enrollment e ON e.contact_id = c.id AND e.status IN {LIVE}
WHERE NOT EXISTS (SELECT 1 FROM emails_emailmessage m
                  WHERE m.workspace_id = %(workspace)s AND m.message_id = r.message_id)
  AND NOT EXISTS (SELECT 1 FROM emails_emailmessage m
                  WHERE m.mailbox_id = %(mailbox)s AND m.provider_message_id <> ''
                    AND trim(BOTH '<>' FROM m.provider_message_id) = trim(BOTH '<>' FROM r.message_id))
"""

Store = Callable[[Sequence[FetchedMail]], int]


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at a mailbox's folders; `last_at`: when the one before was."""

    mailbox: Mailbox
    token: object
    now: datetime
    last_at: datetime | None
    store: Store


def read_other_folders(imap: Imap, mailbox: Mailbox, token: object, now: datetime, store: Store) -> int:
    """Read what is new in spam, everything and Sent, if that was not done for five minutes. Returns the new facts.

    A folder that is seen for the first time is read from now on; one whose UIDs are new, from the day of the last look.
    `store` takes incoming mail.
    """
    rows = fetch_all(_LOAD, {"mailbox": mailbox.pk, "token": token})
    if not rows or (rows[0]["folders_checked_at"] and rows[0]["folders_checked_at"] + LOOKED_AT_EVERY > now):
        return 0
    known = {role: Place(**place) for role, place in (rows[0]["folders"] or {}).items()}
    new = 0
    for role in Role:
        name = imap.find_folder(role)
        if name is None:
            continue
        look = _Look(mailbox, token, now, rows[0]["folders_checked_at"], store)
        new += _read(imap, role, name, known.get(role), look)
    _keep(mailbox, token, {}, now)
    return new


def _read(imap: Imap, role: Role, name: str, place: Place | None, look: _Look) -> int:
    folder = imap.open_folder(name)
    is_known = place is not None and (place.name, place.uidvalidity) == (name, folder.uidvalidity)
    uids: list[int] = []
    if place is not None and is_known:
        uids = imap.list_above(place.last_uid)[:MAILS_PER_LOOK]
    elif place is not None and look.last_at is not None:
        # a day more: SINCE looks at the date alone, in the server's zone
        uids = imap.list_since((look.last_at - timedelta(days=1)).date())[:MAILS_PER_LOOK]
    if not uids and not is_known:
        newest = max(imap.list_above(0), default=0) if folder.next_uid is None else folder.next_uid - 1
        _keep(look.mailbox, look.token, {role: Place(name, folder.uidvalidity, newest)}, None)
    new = 0
    for start in range(0, len(uids), _BATCH):
        batch = uids[start : start + _BATCH]
        mails = imap.fetch(batch)
        new += _note_hand_written(mails, look.mailbox, look.now) if role is Role.SENT else look.store(mails)
        _keep(look.mailbox, look.token, {role: Place(name, folder.uidvalidity, batch[-1])}, None)
    return new


def _keep(mailbox: Mailbox, token: object, places: dict[Role, Place], checked_at: datetime | None) -> None:
    folders = {
        role.value: {"name": place.name, "uidvalidity": place.uidvalidity, "last_uid": place.last_uid}
        for role, place in places.items()
    }
    params = {"folders": json.dumps(folders), "mailbox": mailbox.pk, "token": token, "checked_at": checked_at}
    execute(_KEEP, params)


def _note_hand_written(mails: Sequence[FetchedMail], mailbox: Mailbox, now: datetime) -> int:
    numbers, addresses, ids, parsed = [], [], [], {}
    for number, fetched in enumerate(mails):
        mail = parse_headers(fetched.raw)
        if is_ours(mail.header("List-Unsubscribe")):
            # some servers keep their copy under a Message-ID of their own
            continue
        parsed[number] = (mail, min(fetched.received_at, now))
        for address in read_addresses(mail):
            numbers.append(number)
            addresses.append(address)
            ids.append(mail.header("Message-ID"))
    if not numbers:
        return 0
    found = fetch_all(
        _WRITTEN_TO,
        {
            "numbers": numbers,
            "addresses": addresses,
            "ids": ids,
            "workspace": mailbox.workspace_id,
            "mailbox": mailbox.pk,
        },
    )
    events = []
    for row in found:
        mail, at = parsed[row["n"]]
        events.append(
            NewEvent(
                type=EventType.HAND_WRITTEN,
                provider="imap",
                provider_event_id=f"{mailbox.pk}:sent:{mail.identity}:{row['enrollment_id']}"[:255],
                occurred_at=at,
                message_pk=row["message_id"],
                contact_id=row["contact_id"],
                mailbox_id=mailbox.pk,
                detail=mail.subject[:500],
                payload={"message_id": mail.header("Message-ID")[:500], "subject": mail.subject[:500]},
            )
        )
    return record_events(events, now)
