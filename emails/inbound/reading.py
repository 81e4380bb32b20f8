"""Reads one mail within its budget, for polling, webhooks and `read_mail`: by its text, else by its headers. Pure.

A contact's answer stops the sequence even with a broken or costly body, and a person is told that it was not read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from emails.inbound.classify import classify_mail
from emails.inbound.cpu_budget import CpuBudget, TooExpensiveError
from emails.inbound.findings import MailReading
from emails.inbound.parse import InboundMail, parse_headers, parse_mail

log = logging.getLogger(__name__)
_NOTHING = b""


@dataclass(frozen=True, slots=True)
class ReadMail:
    """`trouble`: why a user has to look at the mail as well, or an empty text."""

    mail: InboundMail
    reading: MailReading
    trouble: str


def read_mail(
    raw: bytes,
    find_day: Callable[[InboundMail], date],
    *,
    own: frozenset[str] = frozenset(),
    authserv_id: str = "",
) -> ReadMail:
    """`find_day`: the day on which the mail was received, in the mailbox's zone. Never raises."""

    def read(parse: Callable[[bytes], InboundMail], source: bytes, trouble: str) -> ReadMail:
        budget = CpuBudget()
        mail = parse(source)
        budget.check()
        reading = classify_mail(mail, find_day(mail), own=own, authserv_id=authserv_id, budget=budget)
        return ReadMail(mail, reading, trouble or mail.error)

    try:
        return read(parse_mail, raw, "")
    except TooExpensiveError as error:
        trouble = f"{error}, only its headers count"
    except Exception as error:
        log.exception("the body of a mail cannot be read, going by its headers")
        trouble = f"its body cannot be read ({type(error).__name__}), only its headers count"
    try:
        return read(parse_headers, raw, trouble)
    except Exception as error:
        log.exception("the headers of a mail cannot be read")
        return read(parse_headers, _NOTHING, f"it cannot be read: {type(error).__name__}: {error}")
