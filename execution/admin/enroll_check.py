"""The result of *Check* on the page that enrolls: who would be enrolled, who is left out, who lacks what, every email.

Presents what `enroll_contacts` answered in a transaction that was rolled back; changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime

from emails.models import Mailbox
from emails.sending.check_emails import CheckedContact, check_emails
from execution.control.enroll_rules import SkipCode, Skipped, SkippedGroup
from execution.engine.sequence_facts import load_sequences
from execution.insight.forecast import EnrollForecast
from sequences.models import Enrollment, Sequence, Step

#: Rendering is a matter of seconds up to here.
MOST_EMAILS = 20_000
CONTACTS_SHOWN = 20
ERRORS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class MissingValue:
    """A merge field that a step needs and these contacts lack."""

    step: str
    part: str
    field: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An email that cannot be rendered for a contact who would be enrolled: the contact is held there."""

    address: str
    step: str
    error: str


@dataclass(frozen=True, slots=True)
class RenderedEmails:
    """`emails`: how many were rendered for `contacts` of all contacts; `shown` are the first contacts with theirs."""

    emails: int
    contacts: int
    held: tuple[Held, ...]
    shown: tuple[CheckedContact, ...]


@dataclass(frozen=True, slots=True)
class EnrollReport:
    """The result of enrolling or of a check: how many are enrolled, and the skipped contacts by rule.

    `spread`: of a pool, how many contacts each mailbox gets, by address.
    """

    enrolled: int
    skipped: tuple[Skipped, ...]
    groups: tuple[SkippedGroup, ...]
    forecast: EnrollForecast | None
    missing: tuple[MissingValue, ...] = ()
    rendered: RenderedEmails | None = None
    spread: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        text = f"Enrolled {self.enrolled:,} contact{'' if self.enrolled == 1 else 's'}"
        if self.groups:
            text += f"; skipped {len(self.skipped):,}: {', '.join(map(str, self.groups))}"
        return f"{text}."


def group_missing(skipped: Rows[Skipped], sequence: Sequence) -> tuple[MissingValue, ...]:
    """Who lacks what, the field that most contacts lack first."""
    incomplete = [one for one in skipped if one.code is SkipCode.INCOMPLETE]
    if not incomplete:
        return ()
    names = {step.number: str(step) for step in Step.objects.filter(sequence=sequence)}
    found: dict[tuple[int, str, str], list[str]] = {}
    for one in incomplete:
        for missing in one.missing:
            found.setdefault((missing.step, missing.where, missing.field), []).append(one.email)
    return tuple(
        MissingValue(names.get(number, f"Step {number}"), part, field, tuple(addresses))
        for (number, part, field), addresses in sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))
    )


def count_by_mailbox(enrolled: Rows[Enrollment]) -> tuple[tuple[str, int], ...]:
    counts = Counter(row.mailbox_id for row in enrolled)
    addresses = Mailbox.objects.filter(pk__in=[pk for pk in counts if pk]).order_by("address")
    return tuple((address, counts[pk]) for pk, address in addresses.values_list("pk", "address"))


def render_for_check(sequence: Sequence, enrolled: Rows[Enrollment], now: datetime) -> RenderedEmails | None:
    """Every email that these contacts could get, each from its mailbox and its owner; None when there is none."""
    reached = {step.id for step in load_sequences([sequence.pk])[sequence.pk].reachable_steps()}
    steps = list(Step.objects.filter(sequence=sequence, type="email", pk__in=reached).order_by("number"))
    if not steps or not enrolled:
        return None
    chosen = enrolled[: max(MOST_EMAILS // len(steps), 1)]
    by_sender: dict[tuple[int | None, int | None], list[int]] = {}
    for row in chosen:
        by_sender.setdefault((row.mailbox_id, row.owner_id), []).append(row.contact_id)
    held: list[Held] = []
    shown: list[CheckedContact] = []
    for (mailbox_id, owner_id), contact_ids in by_sender.items():
        found = check_emails(
            steps,
            contact_ids,
            workspace_id=sequence.workspace_id,
            mailbox_id=mailbox_id,
            owner_id=owner_id,
            now=now,
        )
        for contact in found:
            if len(shown) < CONTACTS_SHOWN:
                shown.append(contact)
            held += [Held(contact.address, email.step, email.error) for email in contact.emails if email.error]
    return RenderedEmails(len(chosen) * len(steps), len(chosen), tuple(held), tuple(shown))
