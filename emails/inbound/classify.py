"""What an incoming mail means: the one function for polling, provider webhooks and `read_mail`. Pure.

Reports first, automatic mail next: what is left was written by a person and is an answer. Must not know our messages;
`match` says whether the mail concerns any of them, `storing` what has a permanent effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from emails.inbound.authentication import read_authentication
from emails.inbound.automatic import (
    find_automatic_mark,
    is_aggregate_report,
    is_challenge,
    is_generated,
    is_list_mail,
    is_program_opt_out,
    is_read_receipt,
    is_receipt,
)
from emails.inbound.calendar_answers import read_calendar_answer
from emails.inbound.complaints import read_complaint
from emails.inbound.cpu_budget import CpuBudget
from emails.inbound.findings import Finding, MailKind, MailReading
from emails.inbound.parse import InboundMail
from emails.inbound.reports import is_from_machine, read_bounce
from emails.inbound.text.absence import Absence, find_absence
from emails.inbound.text.departure import Departure, find_departure
from emails.inbound.text.intent import IntentKind, find_intent

ASSUMED_ABSENCE_DAYS = 14


def classify_mail(
    mail: InboundMail,
    received_on: date,
    *,
    own: frozenset[str] = frozenset(),
    authserv_id: str = "",
    budget: CpuBudget | None = None,
) -> MailReading:
    """Everything that a mail says; at least one finding, with its reason.

    `received_on`: the day in the mailbox's zone. `own`: the mailbox's addresses in lower case, which no report is
    about. `authserv_id`: see `read_authentication`. Raises `TooExpensiveError` when `budget` is used up.
    """
    stages = _find(mail, received_on, own)
    for found in stages:
        if budget is not None:
            budget.check()
        if found:
            return MailReading(found, read_authentication(mail, authserv_id))
    raise AssertionError("mail of no other kind is a reply")


def _find(mail: InboundMail, received_on: date, own: frozenset[str]) -> Iterator[tuple[Finding, ...] | None]:
    """What each stage finds, in order; the first that finds anything decides."""
    yield (Finding(MailKind.OTHER, mail.error),) if mail.error else None
    yield read_complaint(mail)
    yield read_bounce(mail, own)
    for find in (read_calendar_answer, _find_robot):
        found = find(mail)
        yield (found,) if found else None
    absence = _find_absence(mail, received_on)
    yield (absence,) if absence else None
    yield (_find_person(mail, received_on),)


def _find_robot(mail: InboundMail) -> Finding | None:
    """Mail that no contact has written: log only, except for a mail program's own opt-out."""
    if is_read_receipt(mail):
        return Finding(MailKind.OTHER, "a read receipt")
    if is_aggregate_report(mail):
        return Finding(MailKind.OTHER, "a receiver's report on the domain (DMARC or TLS)")
    if is_program_opt_out(mail):
        return Finding(MailKind.OPT_OUT, "a mail program's unsubscribe mail", intent=IntentKind.OPT_OUT.value)
    if mail.message.get_content_type() == "multipart/report":
        return Finding(MailKind.OTHER, "a report of another kind")
    if is_from_machine(mail) and not mail.named_ids:
        return Finding(MailKind.OTHER, "a mail server's mail that reports no failure")
    return None


def _find_absence(mail: InboundMail, received_on: date) -> Finding | None:
    """An automatic answer, or one that says so by its words alone; None for all others."""
    mark = find_automatic_mark(mail)
    if is_challenge(mail, is_automatic=bool(mark)):
        return Finding(MailKind.CHALLENGE, "a filter asks for a proof that a person wrote")
    if mark:
        return _find_automatic(mail, mark, received_on)
    if is_list_mail(mail):
        return Finding(MailKind.LIST, "a newsletter or list mail that answers nothing")
    absence = find_absence(mail.subject, mail.new_text, received_on, is_automatic=False)
    return _absence(absence, "", received_on) if absence else None


def _find_automatic(mail: InboundMail, mark: str, received_on: date) -> Finding:
    if departure := find_departure(mail.subject, mail.new_text, is_automatic=True):
        return _departure(departure, mark)
    absence = find_absence(mail.subject, mail.new_text, received_on, is_automatic=True)
    if absence is None:
        return Finding(MailKind.OTHER, f"automatic mail that states no absence ({mark})")
    # an automatic answer without a word of absence may be one; a ticket system's receipt is none
    has_words = find_absence(mail.subject, mail.new_text, received_on, is_automatic=False) is not None
    is_note = is_generated(mark) or is_receipt(mail)
    if not has_words and is_note and (absence.until is None or is_generated(mark)):
        return Finding(MailKind.OTHER, f"an automatic note ({mark})")
    return _absence(absence, mark, received_on)


def _absence(absence: Absence, mark: str, received_on: date) -> Finding:
    reason = f"{absence.reason} ({mark})" if mark else absence.reason
    until = absence.until or received_on + timedelta(days=ASSUMED_ABSENCE_DAYS)
    return Finding(MailKind.OUT_OF_OFFICE, reason, until=until, until_is_assumed=absence.until is None)


def _departure(departure: Departure, mark: str) -> Finding:
    reason = f"{departure.reason} ({mark})" if mark else departure.reason
    return Finding(MailKind.LEFT_COMPANY, reason, successor=departure.successor or "")


def _find_person(mail: InboundMail, received_on: date) -> Finding:
    """What a person wants. A departure counts when the writer has left, or where the mail is a company's notice."""
    intent = find_intent(mail.subject, mail.new_text, received_on)
    kind = {
        IntentKind.OPT_OUT: MailKind.OPT_OUT,
        IntentKind.POSSIBLE_OPT_OUT: MailKind.POSSIBLE_OPT_OUT,
    }.get(intent.kind, MailKind.REPLY)
    is_open = intent.kind in {IntentKind.UNCLEAR, IntentKind.REFERRAL}
    departure = find_departure(mail.subject, mail.new_text) if is_open else None
    if departure is not None and not departure.is_by_another:
        return _departure(departure, "")
    return Finding(kind, intent.reason, intent=intent.kind.value, until=intent.until, referral=intent.referral or "")
