"""Reads the inboxes that are due, each by one process at a time, and stores what concerns us as events.

Where reading stopped is kept per inbox. Reading a mail twice is harmless: its event has the mail's own name.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from django.db import DataError, connection, transaction

from common.addresses import normalize_for_search
from common.db import execute, fetch_all
from common.notify import notify_engine
from common.text import storable_text
from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.inbound.folders import read_other_folders
from emails.inbound.imap import FetchedMail, Imap, ImapError, open_imap
from emails.inbound.match import Received, match_mails
from emails.inbound.parse import parse_headers
from emails.inbound.reading import read_mail
from emails.inbound.storing import build_event
from emails.models import HookRecord, Mailbox
from emails.sending.lanes import wake_lanes
from emails.tracking.links import find_unsubscribed_message

log = logging.getLogger(__name__)

POLL_SECONDS = 60
THREADS = 4
FIRST_LOOK_DAYS = 7
MAILS_PER_POLL = 500
_BATCH = 25
_LEASE_SECONDS = 60
# then the caller reads its clock again
_INBOXES_PER_CALL = 25
_LONGEST_PAUSE_POLLS = 8
_SHOWN_BYTES = 2_000
# larger mails are set aside for a user to look at; what their beginning says counts all the same
LARGEST_BYTES = 25 * 1024 * 1024

# Rows for inboxes that are read for the first time.
_ENSURE = """
INSERT INTO emails_inboxstate (mailbox_id, folder, folders, last_uid, last_error, failures)
SELECT b.id, 'INBOX', '{}', 0, '', 0 FROM emails_mailbox b
WHERE b.inbound = 'imap' AND NOT EXISTS (SELECT 1 FROM emails_inboxstate s WHERE s.mailbox_id = b.id)
ON CONFLICT (mailbox_id) DO NOTHING
"""
_CLAIM = """
UPDATE emails_inboxstate SET lease_token = %(token)s, leased_until = %(until)s, checked_at = %(now)s
WHERE mailbox_id = (
    SELECT s.mailbox_id FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
    WHERE b.inbound = 'imap' AND (s.leased_until IS NULL OR s.leased_until <= %(now)s)
      AND (%(workspace)s::bigint IS NULL OR b.workspace_id = %(workspace)s)
      AND CASE WHEN %(ids)s::bigint[] IS NULL
               THEN s.checked_at IS NULL OR s.checked_at + make_interval(
                   secs => %(seconds)s * least(1 << least(s.failures, 10), %(longest)s)) <= %(now)s
               ELSE s.mailbox_id = ANY(%(ids)s) AND (s.checked_at IS NULL OR s.checked_at <> %(now)s) END
    ORDER BY s.checked_at NULLS FIRST LIMIT 1 FOR UPDATE OF s SKIP LOCKED)
RETURNING mailbox_id, folder, uidvalidity, last_uid
"""
_COUNT_DUE = """
SELECT count(*) AS due FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id
WHERE b.inbound = 'imap' AND (s.leased_until IS NULL OR s.leased_until <= %(now)s)
  AND (%(workspace)s::bigint IS NULL OR b.workspace_id = %(workspace)s)
  AND CASE WHEN %(ids)s::bigint[] IS NULL
           THEN s.checked_at IS NULL OR s.checked_at + make_interval(
               secs => %(seconds)s * least(1 << least(s.failures, 10), %(longest)s)) <= %(now)s
           ELSE s.mailbox_id = ANY(%(ids)s) END
"""
_PROGRESS = """
UPDATE emails_inboxstate SET uidvalidity = %(uidvalidity)s, last_uid = %(uid)s
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_DONE = """
UPDATE emails_inboxstate SET lease_token = NULL, leased_until = NULL, last_error = %(error)s::text,
    failures = CASE WHEN %(error)s::text = '' THEN 0 ELSE failures + 1 END
WHERE mailbox_id = %(mailbox)s AND lease_token = %(token)s
"""
_READ = "UPDATE emails_mailbox SET inbox_read_at = greatest(inbox_read_at, %(now)s) WHERE id = %(mailbox)s"
# Skips locked rows: another process works on them now, and waiting for it could deadlock.
_RELEASE_HELD = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE id IN (
    SELECT id FROM emails_emailmessage
    WHERE mailbox_id = %(mailbox)s AND status = 'queued' AND held_by LIKE 'inbox_stale%%'
    FOR NO KEY UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to read one inbox, and where reading stopped the last time."""

    mailbox_id: int
    folder: str
    uidvalidity: int | None
    last_uid: int
    token: uuid.UUID


def poll_due_inboxes(
    now: datetime,
    mailbox_ids: Sequence[int] | None = None,
    *,
    workspace_id: int | None = None,
    report: Callable[[int], None] = lambda inboxes: None,
) -> int:
    """Read the inboxes that were not looked at for a minute (longer after failures). Returns how many events are new.

    With `mailbox_ids`: read these, whenever they were read. What an inbox answers wrong is kept in its state. `report`
    is called after each inbox that was tried.
    """
    execute(_ENSURE, {})
    asked = _due_params(now, mailbox_ids, workspace_id)
    due: int = fetch_all(_COUNT_DUE, asked)[0]["due"]
    if due <= 1:
        return _poll_due(asked, report) if due else 0
    with ThreadPoolExecutor(min(THREADS, due), "inbox") as pool:
        jobs = [pool.submit(_poll_in_thread, asked, report) for _ in range(min(THREADS, due))]
        return sum(job.result() for job in jobs)


def poll_inbox(mailbox: Mailbox, now: datetime) -> int:
    """Read one inbox now, unless another process is reading it. Returns how many events are new."""
    return poll_due_inboxes(now, [mailbox.pk])


def _due_params(now: datetime, mailbox_ids: Sequence[int] | None, workspace_id: int | None) -> dict[str, Any]:
    return {
        "now": now,
        "ids": None if mailbox_ids is None else list(mailbox_ids),
        "workspace": workspace_id,
        "seconds": POLL_SECONDS,
        "longest": _LONGEST_PAUSE_POLLS,
    }


def _poll_in_thread(asked: dict[str, Any], report: Callable[[int], None]) -> int:
    try:
        return _poll_due(asked, report)
    finally:
        connection.close()


def _poll_due(asked: dict[str, Any], report: Callable[[int], None]) -> int:
    new = 0
    for _ in range(_INBOXES_PER_CALL if asked["ids"] is None else len(asked["ids"])):
        claim = _claim(asked)
        if claim is None:
            break
        new += _poll(claim, asked["now"])
        report(1)
    return new


def _claim(asked: dict[str, Any]) -> _Claim | None:
    token = uuid.uuid4()
    until = asked["now"] + timedelta(seconds=_LEASE_SECONDS)
    rows = fetch_all(_CLAIM, {**asked, "token": token, "until": until})
    if not rows:
        return None
    row = rows[0]
    return _Claim(row["mailbox_id"], row["folder"], row["uidvalidity"], row["last_uid"], token)


def _poll(claim: _Claim, now: datetime) -> int:
    mailbox = Mailbox.objects.select_related("workspace").get(pk=claim.mailbox_id)
    new, is_complete, error = 0, False, ""
    try:
        with open_imap(mailbox) as imap:
            new, is_complete = _read_folder(imap, claim, mailbox, now)
            new += read_other_folders(imap, mailbox, claim.token, now, lambda mails: store_mails(mails, mailbox, now))
    except ImapError as failure:
        error = str(failure)
        log.warning("inbox of mailbox %s was not read: %s", mailbox.pk, error)
    execute(_DONE, {"mailbox": claim.mailbox_id, "token": claim.token, "error": error})
    if is_complete:
        note_read(mailbox.pk, now)
    return new


def _read_folder(imap: Imap, claim: _Claim, mailbox: Mailbox, now: datetime) -> tuple[int, bool]:
    """(new events, whether everything there is was read)."""
    folder = imap.open_folder(claim.folder)
    last_uid = claim.last_uid
    if folder.uidvalidity == claim.uidvalidity:
        uids = imap.list_above(last_uid)
    else:
        # with new UIDs what came since the last reading, however long ago; a day more: SINCE looks at the date alone
        since = now - timedelta(days=FIRST_LOOK_DAYS)
        if claim.uidvalidity is not None and mailbox.inbox_read_at is not None:
            since = min(since, mailbox.inbox_read_at)
        last_uid = 0
        uids = imap.list_since((since - timedelta(days=1)).date())
    taken = uids[:MAILS_PER_POLL]
    new = 0
    for batch in _batches(taken):
        received, last_uid = imap.fetch(batch), batch[-1]
        new += store_mails(received, mailbox, now)
        _keep_progress(claim, folder.uidvalidity, last_uid)
    if not uids:
        newest = max(imap.list_above(0), default=0) if folder.next_uid is None else folder.next_uid - 1
        _keep_progress(claim, folder.uidvalidity, max(last_uid, newest))
    return new, len(taken) == len(uids)


def store_mails(received: Sequence[FetchedMail], mailbox: Mailbox, now: datetime, provider: str = "imap") -> int:
    """How many facts are new. One mail that the database refuses must not keep the others, and all later ones, away.

    Progress is kept afterwards: a mail read twice is the same facts.
    """
    try:
        with transaction.atomic():
            return record_events(_find_events(received, mailbox, provider, now), now)
    except (psycopg.DataError, DataError):
        if len(received) == 1:
            log.exception("what the mail with UID %s of mailbox %s says is refused", received[0].uid, mailbox.pk)
            _set_aside(received[0], mailbox, "the database refuses what it says", provider, now)
            return 0
    return sum(store_mails([each], mailbox, now, provider) for each in received)


def _batches(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), _BATCH):
        yield uids[start : start + _BATCH]


def _keep_progress(claim: _Claim, uidvalidity: int, last_uid: int) -> None:
    place = {"uidvalidity": uidvalidity, "uid": last_uid}
    execute(_PROGRESS, {**place, "mailbox": claim.mailbox_id, "token": claim.token})


def _find_events(fetched: Sequence[FetchedMail], mailbox: Mailbox, provider: str, now: datetime) -> list[NewEvent]:
    own = frozenset(normalize_for_search(address) for address in (mailbox.address, *mailbox.aliases))
    zone = ZoneInfo(mailbox.timezone or mailbox.workspace.timezone)
    reader = _Reader(own, zone, str(mailbox.transport_options.get("authserv_id") or ""), now)
    received, opted_out = [], []
    for each in fetched:
        try:
            if event := _read_opt_out(each, mailbox.pk, provider, now):
                opted_out.append(event)
                continue
            found, trouble = _read_mail(each, reader)
        except Exception as error:
            # one mail that cannot be read must not keep the others from being read
            log.exception("the mail with UID %s of mailbox %s cannot be read", each.uid, mailbox.pk)
            _set_aside(each, mailbox, f"cannot be read: {type(error).__name__}: {error}", provider, now)
            continue
        if trouble:
            _set_aside(each, mailbox, f"is set aside: {trouble}", provider, now)
        if found.findings and not found.mail.error:
            received.append(found)
    concerns = match_mails(received, mailbox.workspace_id, mailbox.pk)
    events = (build_event(concern, mailbox.pk, provider, zone) for concern in concerns)
    return [*opted_out, *(event for event in events if event is not None)]


def _read_opt_out(fetched: FetchedMail, mailbox_id: int, provider: str, now: datetime) -> NewEvent | None:
    """The opt-out in a mail that a mail program sent to our List-Unsubscribe address; None for every other mail."""
    headers = parse_headers(fetched.raw)
    message_pk = find_unsubscribed_message(headers.subject)
    if message_pk is None:
        return None
    return NewEvent(
        type=EventType.UNSUBSCRIBED,
        provider=provider,
        provider_event_id=f"{mailbox_id}:{headers.identity}:unsubscribed"[:255],
        occurred_at=min(fetched.received_at, now),
        message_pk=message_pk,
        mailbox_id=mailbox_id,
        detail="a mail to the unsubscribe address",
        payload={"from": headers.sender, "subject": headers.subject[:500]},
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """What one mailbox's mails are read with: its own addresses, its zone, and its server's authserv-id."""

    own: frozenset[str]
    zone: ZoneInfo
    authserv_id: str
    now: datetime


def _read_mail(fetched: FetchedMail, reader: _Reader) -> tuple[Received, str]:
    """Also why a user has to look at the mail as well, or an empty text."""
    received_at = min(fetched.received_at, reader.now)
    day = received_at.astimezone(reader.zone).date()
    read = read_mail(fetched.raw, lambda mail: day, own=reader.own, authserv_id=reader.authserv_id)
    trouble = read.trouble
    if not trouble and fetched.size > LARGEST_BYTES:
        trouble = f"it is larger than {LARGEST_BYTES // 2**20} MB, only its beginning was read"
    # the mailbox's own mail, copied to itself, says nothing about a contact
    findings = () if read.mail.sender in reader.own else read.reading.findings
    return Received(read.mail, findings, received_at, read.reading.authentication), trouble


def _set_aside(fetched: FetchedMail, mailbox: Mailbox, what: str, provider: str, now: datetime) -> None:
    """Kept for a user to look at, by its place and its first lines."""
    first_lines = storable_text(fetched.raw[:_SHOWN_BYTES].decode("utf-8", "replace"))
    HookRecord.objects.create(
        workspace_id=mailbox.workspace_id,
        mailbox=mailbox,
        provider=provider,
        what=f"a mail {what}"[:200],
        payload={"uid": fetched.uid, "received_at": fetched.received_at.isoformat(), "begins": first_lines},
        received_at=now,
    )


def note_read(mailbox_id: int, now: datetime) -> None:
    """The inbox is fresh: follow-ups that waited for it may leave.

    Each statement commits alone: lanes lock the mailbox first and the engine the messages first, so that holding both
    could deadlock with either.
    """
    execute(_READ, {"mailbox": mailbox_id, "now": now})
    if execute(_RELEASE_HELD, {"mailbox": mailbox_id, "now": now}):
        wake_lanes([mailbox_id], now)
        notify_engine()
