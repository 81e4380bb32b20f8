"""The rules of who may be enrolled, as codes and as sentences. No database.

`enroll_statement` evaluates them in the database, `enroll_preflight` the templates; this module says what each one
means to the user and what would allow the contact. Must not read or write anything.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from common.db import Row
from sequences.choices import Choice, label_of


class SkipCode(Choice):
    """Why a contact is skipped. The codes are part of the API."""

    UNKNOWN_CONTACT = "unknown_contact"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    OPTED_OUT = "opted_out"
    POSSIBLE_OPT_OUT = "possible_opt_out"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    ALREADY_IN_SEQUENCE = "already_in_sequence"
    HAD_SEQUENCE = "had_sequence"
    ANSWERED = "answered"
    IN_OTHER_SEQUENCE = "in_other_sequence"
    COOL_DOWN = "cool_down"
    NO_MAILBOX = "no_mailbox"
    MAILBOX_UNUSABLE = "mailbox_unusable"
    NO_OWNER = "no_owner"
    OWNER_UNUSABLE = "owner_unusable"
    ADDRESS_REFUSED = "address_refused"
    INCOMPLETE = "incomplete"

    @property
    def override(self) -> str | None:
        """The option of enrolling that allows the contact; None when no option does."""
        if self in OVERRIDABLE:
            return "again"
        return "allow_incomplete" if self is SkipCode.INCOMPLETE else None

    @property
    def heading(self) -> str:
        """The rule without the facts of one contact, to head a group of skipped contacts."""
        return _HEADINGS[self]


# What `again` with a reason overrides.
OVERRIDABLE = (SkipCode.HAD_SEQUENCE, SkipCode.ANSWERED, SkipCode.IN_OTHER_SEQUENCE, SkipCode.COOL_DOWN)
EXAMPLES = 5
_OVERRIDES = {
    "again": "A manager can enroll them again with a reason.",
    "allow_incomplete": "Fill in the fields, or allow incomplete contacts: each is held at that step.",
}
_AGAIN = "a manager can enroll it with again and a reason"
_HEADINGS = {
    SkipCode.UNKNOWN_CONTACT: "Not a contact of this workspace",
    SkipCode.ERASED: "Erased",
    SkipCode.SUPPRESSED: "Suppressed",
    SkipCode.OPTED_OUT: "Opted out",
    SkipCode.POSSIBLE_OPT_OUT: "May have opted out",
    SkipCode.COMPLAINED: "Reported an email as spam",
    SkipCode.BOUNCED: "The address does not exist",
    SkipCode.ALREADY_IN_SEQUENCE: "Already in this sequence",
    SkipCode.HAD_SEQUENCE: "Had this sequence before",
    SkipCode.ANSWERED: "Answered recently",
    SkipCode.IN_OTHER_SEQUENCE: "In another sequence",
    SkipCode.COOL_DOWN: "Got an email recently",
    SkipCode.NO_MAILBOX: "No mailbox to send from",
    SkipCode.MAILBOX_UNUSABLE: "The mailbox cannot send",
    SkipCode.NO_OWNER: "No owner for the tasks",
    SkipCode.OWNER_UNUSABLE: "The owner cannot work here",
    SkipCode.ADDRESS_REFUSED: "The address takes no email",
    SkipCode.INCOMPLETE: "A merge field is missing",
}
_ENDS = {"completed": "completed this sequence", "replied": "replied in this sequence"}


ERASED_REASON = "belongs to a person whose data was erased: it is not stored or mailed again"


@dataclass(frozen=True, slots=True)
class MissingField:
    """A merge field without a fallback that a step needs and a contact lacks. `part` is `subject` or `body`.

    `variant`: of an email that has some.
    """

    step: int
    part: str
    field: str
    variant: str = ""

    @property
    def where(self) -> str:
        return f"{self.part} of variant {self.variant}" if self.variant else self.part

    def present(self) -> dict[str, object]:
        shown: dict[str, object] = {"step": self.step, "part": self.part, "field": self.field}
        return shown | ({"variant": self.variant} if self.variant else {})


@dataclass(frozen=True, slots=True)
class Skipped:
    """A contact that was left out. `email` is empty when the contact is not of this workspace.

    `reason` is one line that ends with what would allow the contact. `missing` has entries for `incomplete` only.
    """

    contact_id: int
    email: str
    code: SkipCode
    reason: str
    missing: tuple[MissingField, ...] = ()

    def present(self) -> dict[str, object]:
        """As the API and the commands show it."""
        shown: dict[str, object] = {
            "contact": self.email or self.contact_id,
            "code": self.code.value,
            "reason": self.reason,
            "override": self.code.override,
        }
        if self.missing:
            shown["missing"] = [each.present() for each in self.missing]
        return shown


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """All contacts that one rule kept out; `examples` are the first of them."""

    code: SkipCode
    count: int
    examples: tuple[Skipped, ...]

    @property
    def remedy(self) -> str:
        """What would allow them, in words for the form that enrolls; empty when no option does."""
        return _OVERRIDES.get(self.code.override or "", "")

    def __str__(self) -> str:
        return f"{self.count:,} {self.code.heading[0].lower()}{self.code.heading[1:]}"


def group_skipped(skipped: Rows[Skipped]) -> tuple[SkippedGroup, ...]:
    """By rule, the largest group first."""
    groups: dict[SkipCode, list[Skipped]] = {}
    for one in skipped:
        groups.setdefault(one.code, []).append(one)
    return tuple(
        SkippedGroup(code, len(members), tuple(members[:EXAMPLES]))
        for code, members in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    )


def skip_unknown(contact_id: int, email: str = "") -> Skipped:
    """For an id or address that no contact of the workspace has."""
    reason = "is not a contact of this workspace: add or import it first"
    return Skipped(contact_id, email, SkipCode.UNKNOWN_CONTACT, reason)


def skip_missing(email: str, *, is_erased: bool) -> Skipped:
    """For an address that no contact of the workspace has, or has any more."""
    return Skipped(0, email, SkipCode.ERASED, ERASED_REASON) if is_erased else skip_unknown(0, email)


def skip_by_rule(contact_id: int, email: str, facts: Row, zone: ZoneInfo, days: tuple[int, int]) -> Skipped:
    """For a row of the statement with a `code`. `days`: the workspace's rules for answers and for the cool-down."""
    code = SkipCode(facts["code"])
    return Skipped(contact_id, email, code, _describe(code, facts, zone, days))


def skip_incomplete(contact_id: int, email: str, missing: Rows[MissingField]) -> Skipped:
    named = "; ".join(f"no {field.field} for step {field.step} ({field.where})" for field in missing)
    remedy = "fill it in, give the template a default, or enroll with allow_incomplete to hold it at that step"
    return Skipped(contact_id, email, SkipCode.INCOMPLETE, f"{named}: {remedy}", tuple(missing))


def skip_refused(contact_id: int, email: str, found: str) -> Skipped:
    """For an address that DNS or a verification provider found to take no email."""
    remedy = "correct the address, or report that it is good (POST /api/address-verdicts)"
    return Skipped(contact_id, email, SkipCode.ADDRESS_REFUSED, f"{found}: {remedy}")


def _describe(code: SkipCode, facts: Row, zone: ZoneInfo, days: tuple[int, int]) -> str:
    answered_days, cool_down_days = days
    match code:
        case SkipCode.ERASED:
            return ERASED_REASON
        case SkipCode.SUPPRESSED:
            return _describe_suppression(facts["suppressed_for"], facts["suppressed_domain"])
        case SkipCode.OPTED_OUT:
            return f"opted out on {_day(facts['never_at'], zone)}: it cannot be enrolled again"
        case SkipCode.POSSIBLE_OPT_OUT:
            return (
                f"may have opted out in the reply of {_day(facts['never_at'], zone)}: classify that reply in Replies, "
                "as an opt-out or as what else it is"
            )
        case SkipCode.COMPLAINED:
            return f"reported an email as spam on {_day(facts['never_at'], zone)}: it cannot be enrolled again"
        case SkipCode.BOUNCED:
            return f"its address bounced on {_day(facts['never_at'], zone)}: correct the address first"
        case SkipCode.ALREADY_IN_SEQUENCE:
            return "already in this sequence: wait until it ends or exit it"
        case SkipCode.HAD_SEQUENCE:
            end = _ENDS.get(facts["ended_status"]) or f"left this sequence ({label_of(facts['ended_reason']).lower()})"
            return f"{end} on {_day(facts['ended_at'], zone)}: {_AGAIN}"
        case SkipCode.ANSWERED:
            when = _day(facts["answered_at"], zone)
            return f"answered on {when}, less than {answered_days} days ago: {_AGAIN}"
        case SkipCode.IN_OTHER_SEQUENCE:
            return (
                f"is in the sequence {facts['other_sequence']!r}: wait until it ends, or {_AGAIN}, or an admin can "
                "allow parallel sequences for the workspace"
            )
        case SkipCode.COOL_DOWN:
            when = _day(facts["last_email_at"], zone)
            return f"got an email on {when}, less than {cool_down_days} days ago: {_AGAIN}"
        case _:
            raise ValueError(f"{code} is not a rule of the statement")


def _describe_suppression(reason: str, domain: str) -> str:
    whole = f" (the whole domain {domain})" if domain else ""
    if reason == "manual":
        return f"suppressed: {reason}{whole}: remove the suppression first"
    return f"suppressed: {reason}{whole}: no option allows it"


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"
