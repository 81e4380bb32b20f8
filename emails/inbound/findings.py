"""What an incoming mail says, before it is known which of our messages it concerns. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from emails.inbound.authentication import Authentication


class MailKind(StrEnum):
    """The closed set of kinds; `read_mail` prints them."""

    REPLY = "reply"
    OPT_OUT = "opt_out"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    OUT_OF_OFFICE = "out_of_office"
    LEFT_COMPANY = "left_company"
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    BLOCKED = "blocked"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    CALENDAR = "calendar"
    CHALLENGE = "challenge"
    LIST = "list"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact of a mail.

    `is_report`: a mail server or provider wrote it, about `recipient`. Otherwise the mail comes from the contact, and
    `recipient` is empty. `status` is an enhanced status (RFC 3463) or an SMTP reply code. `reason` names the rule and
    the words that decided. `until` is the first day back, or the day to write again. `is_delivery`: the report says
    that the message arrived.
    """

    kind: MailKind
    reason: str
    recipient: str = ""
    is_report: bool = False
    status: str = ""
    intent: str = ""
    until: date | None = None
    until_is_assumed: bool = False
    successor: str = ""
    referral: str = ""
    is_delivery: bool = False


@dataclass(frozen=True, slots=True)
class MailReading:
    """Everything that is understood of one mail: at least one finding, and what its receiver says of its sender."""

    findings: tuple[Finding, ...]
    authentication: Authentication
