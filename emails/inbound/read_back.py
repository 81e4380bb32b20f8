"""Looks for a mailbox test in the inbox that it was sent to, and says what became of it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.user_exchanges import user_exchange
from emails.choices import Inbound
from emails.inbound.authentication import read_authentication
from emails.inbound.folders import Role
from emails.inbound.imap import FetchedMail, ImapError, open_imap
from emails.inbound.parse import parse_mail
from emails.inbound.verdicts import explain_authentication
from emails.mailbox.records import Check, Status, check_signed_headers
from emails.models import Mailbox
from emails.sending.mailbox_test import MailboxTest

#: How long a test may take to arrive.
ARRIVES_WITHIN = timedelta(minutes=3)
# a web worker is held for both at most
_LOGIN_SECONDS = 6.0
_LOOK_SECONDS = 6.0


class ReadState(StrEnum):
    FOUND = "found"
    WAITING = "waiting"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """`checks`: where it arrived, and what the server of the inbox found out; why it is not there; empty: not yet."""

    state: ReadState
    checks: tuple[Check, ...] = ()


def read_back(test: MailboxTest, reader: Mailbox, now: datetime) -> ReadBack:
    """One look at the inbox, then at the spam folder, within twelve seconds. No transaction may be open.

    Raises `BusyError` while this process talks to the servers of others.
    """
    if reader.inbound != Inbound.IMAP:
        detail = f"{reader.address} reads no inbox: look for it in your mail program, or set up IMAP at the mailbox"
        return ReadBack(ReadState.UNREADABLE, (Check("inbox", Status.UNKNOWN, detail),))
    try:
        with user_exchange(reader.workspace_id):
            found = _look(test, reader)
    except ImapError as error:
        return ReadBack(ReadState.UNREADABLE, (Check("inbox", Status.FAILED, str(error)),))
    if found is not None:
        return ReadBack(ReadState.FOUND, _describe(*found, reader))
    if now < test.sent_at + ARRIVES_WITHIN:
        return ReadBack(ReadState.WAITING)
    detail = (
        f"it is neither in the inbox nor in the spam folder of {reader.address} after"
        f" {ARRIVES_WITHIN.seconds // 60} minutes: look for a message of the mail server that returns it"
    )
    return ReadBack(ReadState.MISSING, (Check("received", Status.FAILED, detail),))


def _look(test: MailboxTest, reader: Mailbox) -> tuple[FetchedMail, bool] | None:
    """The mail, and whether it was taken for spam."""
    with open_imap(reader, _LOOK_SECONDS, _LOGIN_SECONDS) as imap:
        for role in (None, Role.JUNK):
            name = "INBOX" if role is None else imap.find_folder(role)
            if name is None:
                continue
            imap.open_folder(name)
            if uids := imap.list_marked(test.message_id, test.code):
                for mail in imap.fetch(uids[-1:]):
                    return mail, role is Role.JUNK
    return None


def _describe(fetched: FetchedMail, is_spam: bool, reader: Mailbox) -> tuple[Check, ...]:
    mail = parse_mail(fetched.raw)
    authentication = read_authentication(mail, str(reader.transport_options.get("authserv_id") or ""))
    received = Check("received", Status.OK, f"it arrived in the inbox of {reader.address}")
    if is_spam:
        detail = f"it was put into the spam folder of {reader.address}: correct what fails below"
        received = Check("received", Status.WARNING, detail)
    return (received, *explain_authentication(authentication), check_signed_headers(fetched.raw))
