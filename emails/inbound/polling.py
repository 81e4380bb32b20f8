"""Reads the inboxes that are due, each by one process at a time, and stores what concerns us as events.

Where reading stopped is kept per inbox. Reading a mail twice is harmless: its event has the mail's own name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from django.db import DataError, connection, transaction

from common.addresses import normalize_for_search
from common.db import execute
from common.notify import notify_engine
from common.text import storable_text
from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from emails.inbound.folders import read_other_folders
from emails.inbound.imap import FetchedMail, Imap, ImapError, open_imap
from emails.inbound.inbox_claims import (
    Asked,
    InboxClaim,
    claim_inbox,
    count_due,
    ensure_states,
    finish,
    keep_progress,
)
from emails.inbound.match import Received, match_mails
from emails.inbound.parse import parse_headers
from emails.inbound.reading import read_mail
from emails.inbound.storing import build_event
from emails.models import HookRecord, Mailbox
from emails.sending.lanes import wake_lanes
from emails.tracking.links import find_unsubscribed_message

log = logging.getLogger(__name__)

FIRST_LOOK_DAYS = 7
MAILS_PER_POLL = 500
# Of one poll; then the thread is for another inbox, and the next poll goes on where this one stopped.
READ_SECONDS = 40.0
_THREADS_AT_ONCE = 4
_BATCH = 25
_SHOWN_BYTES = 2_000
# larger mails are set aside for a user to look at; what their beginning says counts all the same
LARGEST_BYTES = 25 * 1024 * 1024

_READ = "UPDATE emails_mailbox SET inbox_read_at = greatest(inbox_read_at, %(now)s) WHERE id = %(mailbox)s"
# Skips locked rows: another process works on them now, and waiting for it could deadlock.
_RELEASE_HELD = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE id IN (
    SELECT id FROM emails_emailmessage
    WHERE mailbox_id = %(mailbox)s AND status = 'queued' AND held_by LIKE 'inbox_stale%%'
    FOR NO KEY UPDATE SKIP LOCKED)
"""


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
    ensure_states()
    asked = Asked(now, mailbox_ids, workspace_id)
    due = count_due(asked)
    if due <= 1:
        return _poll_all(asked, report) if due else 0
    with ThreadPoolExecutor(min(_THREADS_AT_ONCE, due), "inbox") as pool:
        jobs = [pool.submit(_poll_in_thread, asked, report) for _ in range(min(_THREADS_AT_ONCE, due))]
        return sum(job.result() for job in jobs)


def poll_inbox(mailbox: Mailbox, now: datetime) -> int:
    """Read one inbox now, unless another process is reading it. Returns how many events are new."""
    return poll_due_inboxes(now, [mailbox.pk])


def _poll_in_thread(asked: Asked, report: Callable[[int], None]) -> int:
    try:
        return _poll_all(asked, report)
    finally:
        connection.close()


def _poll_all(asked: Asked, report: Callable[[int], None]) -> int:
    new = 0
    while (claim := claim_inbox(asked)) is not None:
        new += read_inbox(claim, asked.now)
        report(1)
    return new


def read_inbox(claim: InboxClaim, now: datetime) -> int:
    """Read what is new in a claimed inbox and release it. Returns how many events are new."""
    mailbox = Mailbox.objects.select_related("workspace").get(pk=claim.mailbox_id)
    new, is_complete, error = 0, False, ""
    ends_at = time.monotonic() + READ_SECONDS
    try:
        with open_imap(mailbox) as imap:
            new, is_complete = _read_folder(imap, claim, mailbox, now, ends_at)
            if time.monotonic() < ends_at:
                new += read_other_folders(
                    imap, mailbox, claim.token, now, lambda mails: store_mails(mails, mailbox, now)
                )
    except ImapError as failure:
        error = str(failure)
        log.warning("inbox of mailbox %s was not read: %s", mailbox.pk, error)
    finish(claim, error)
    if is_complete:
        note_read(mailbox.pk, now)
    return new


def _read_folder(imap: Imap, claim: InboxClaim, mailbox: Mailbox, now: datetime, ends_at: float) -> tuple[int, bool]:
    """(new events, whether everything there is was read). After `ends_at` (monotonic) the next poll goes on."""
    folder = imap.open_folder(claim.folder)
    claim.extend(now)
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
    new = read = 0
    # smaller batches after failures: of a slow line each must be there in time
    for batch in _batches(taken, max(_BATCH >> min(claim.failures, 5), 1)):
        claim.extend(now)
        if read and time.monotonic() > ends_at:
            break
        received, last_uid = imap.fetch(batch), batch[-1]
        new += store_mails(received, mailbox, now)
        keep_progress(claim, folder.uidvalidity, last_uid)
        read += len(batch)
    if not uids:
        newest = max(imap.list_above(0), default=0) if folder.next_uid is None else folder.next_uid - 1
        keep_progress(claim, folder.uidvalidity, max(last_uid, newest))
    return new, read == len(uids)


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


def _batches(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]


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
