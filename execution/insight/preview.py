"""A contact's future in a sequence, with dates: the same planning as the engine's, and nothing sent.

Emails leave and tasks are created when they are due; a split is shown with both of its branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.db import fetch_all
from emails.facts.addresses import address_hold
from emails.models import Mailbox
from emails.sending.test_send import find_assigned
from execution.engine.calendar import calendar_for
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.authoring.step_config import Broken, EmailConfig, SplitConfig
from sequences.choices import LIVE_STATUSES, ConditionType, OnReply
from sequences.content.variants import choose_variant
from sequences.models import Contact, Enrollment, Sequence, Workspace
from sequences.models.time_off import list_time_off
from sequences.time.contact_calendar import ContactCalendar, read_absences
from sequences.time.countries import holiday_countries
from sequences.time.timing import Planned, TimingError, Zone, plan, resolve_zone

_ADDRESS = f"""
SELECT {address_hold("w.verify_addresses", "c.id", "c.email")} AS hold
FROM sequences_contact c JOIN sequences_workspace w ON w.id = c.workspace_id WHERE c.id = %(contact)s
"""
_TIME_OFF = f"SELECT {list_time_off('%(owner)s::int', '%(workspace)s')} AS time_off"


@dataclass(frozen=True, slots=True)
class PreviewStep:
    """`branch` says on which answers of splits the step is reached: empty before the first branch.

    `asks`: the condition of a split in words, which counts as No from `false_at` on. `variant`: of an email that has
    some, the one that this contact gets or has got.
    """

    number: int
    type: str
    name: str
    earliest_at: datetime | None
    note: str
    branch: str
    asks: str = ""
    false_at: datetime | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """`goal`: what ends the sequence before any of its steps, in words; empty for none."""

    zone: Zone
    steps: tuple[PreviewStep, ...]
    goal: str


def preview_sequence(
    sequence: Sequence, contact: Contact, start_at: datetime, mailbox: Mailbox | None = None, owner: Any = None
) -> Preview:
    """Plan every step from `start_at` (aware) as if the contact were enrolled then, with that mailbox.

    Without one it is that of the contact's latest enrollment in the sequence, else the only one of `owner`, a user.
    """
    if mailbox is None:
        last = sequence.enrollments.filter(contact=contact).select_related("mailbox").order_by("-pk").first()
        mailbox = last.mailbox if last else _only_mailbox(sequence.workspace_id, owner)
    facts = load_sequences([sequence.pk])[sequence.pk]
    calendar = _calendar_of(contact, sequence.workspace, facts, mailbox)
    rules = _Rules(facts, calendar, _choose_variants(contact.pk, facts), _find_address_hold(contact.pk, start_at))
    first = facts.steps[0] if facts.steps else None
    return Preview(rules.calendar.zone, tuple(_walk(rules, first, start_at, "", frozenset())), _goal_of(facts))


def _only_mailbox(workspace_id: int, owner: Any) -> Mailbox | None:
    own = list(Mailbox.objects.filter(workspace=workspace_id, owner=owner).order_by("pk")[:2]) if owner else []
    return own[0] if len(own) == 1 else None


def preview_rest(enrollment: Enrollment, now: datetime) -> Preview | None:
    """The remaining steps of an enrollment, from its current one. None when there are none."""
    facts = load_sequences([enrollment.sequence_id])[enrollment.sequence_id]
    step = facts.step(enrollment.current_step_id)
    if step is None or enrollment.status not in LIVE_STATUSES:
        return None
    calendar = _calendar_of(enrollment.contact, enrollment.workspace, facts, enrollment.mailbox)
    held = "" if enrollment.emails_sent else _find_address_hold(enrollment.contact_id, now)
    rules = _Rules(facts, calendar, _choose_variants(enrollment.contact_id, facts), held)
    due_at = max(enrollment.next_step_at or now, enrollment.resume_at or now, now)
    steps = tuple(_walk(rules, step, enrollment.previous_ended_at, "", frozenset(), due_at))
    return Preview(rules.calendar.zone, steps, _goal_of(facts))


def _goal_of(facts: SequenceFacts) -> str:
    return str(facts.goal) if facts.goal else ""


@dataclass(frozen=True, slots=True)
class _Rules:
    """`held`: what is wrong with the address, so that no email leaves; empty for nothing."""

    sequence: SequenceFacts
    calendar: ContactCalendar
    variants: Mapping[int, str]
    held: str


def _find_address_hold(contact_id: int, now: datetime) -> str:
    """What is known to be wrong with the contact's address; empty for nothing, or where it is not asked."""
    return fetch_all(_ADDRESS, {"contact": contact_id, "now": now})[0]["hold"] or ""


def _choose_variants(contact_id: int, facts: SequenceFacts) -> dict[int, str]:
    """By step, the variant that the contact gets; without those of steps that have none."""
    offered = {
        step.id: step.config.variants
        for step in facts.steps
        if isinstance(step.config, EmailConfig) and step.config.variants
    }
    assigned = find_assigned(contact_id, list(offered)) if offered else {}
    chosen = {each: choose_variant(contact_id, each, offered[each], assigned.get(each)) for each in offered}
    return {step_id: variant.key for step_id, variant in chosen.items() if variant}


def _calendar_of(
    contact: Contact, workspace: Workspace, facts: SequenceFacts, mailbox: Mailbox | None
) -> ContactCalendar:
    zone = resolve_zone(
        facts.window,
        contact=contact.timezone,
        account=contact.account.timezone if contact.account else "",
        mailbox=mailbox.timezone if mailbox else "",
        workspace=workspace.timezone,
    )
    country = contact.fields.get("country") if isinstance(contact.fields, dict) else None
    named = holiday_countries(workspace.holidays_of, workspace.holiday_country, str(country or ""))
    holidays = named, frozenset(workspace.extra_holidays)
    owner_id = mailbox.owner_id if mailbox else None
    time_off = fetch_all(_TIME_OFF, {"owner": owner_id, "workspace": workspace.pk})[0]["time_off"]
    return ContactCalendar(zone, *holidays, read_absences(time_off, workspace.timezone))


def _walk(
    rules: _Rules,
    step: StepFacts | None,
    previous_ended_at: datetime,
    branch: str,
    seen: frozenset[int],
    due_at: datetime | None = None,
) -> Iterator[PreviewStep]:
    """`due_at`: when the first step may run, where that is known already."""
    while step is not None:
        if step.id in seen:
            yield PreviewStep(step.number, step.type, step.name, None, "comes again from here", branch)
            return
        seen |= {step.id}
        calendar = calendar_for(step.type, rules.sequence.window, rules.calendar)
        try:
            planned = plan(previous_ended_at, step.timing, calendar) if due_at is None else Planned(due_at)
        except TimingError as error:
            yield PreviewStep(step.number, step.type, step.name, None, str(error), branch)
            return
        note = "; ".join(dict.fromkeys(move.detail for move in planned.moves))
        if isinstance(step.config, Broken):
            yield PreviewStep(step.number, step.type, step.name, None, step.config.error, branch)
            return
        if isinstance(step.config, SplitConfig):
            yield from _branches(rules, step, step.config, previous_ended_at, planned.at, branch, seen)
            return
        variant = rules.variants.get(step.id)
        if variant:
            note = "; ".join(filter(None, (note, f"variant {variant}")))
        if isinstance(step.config, EmailConfig) and rules.sequence.requires_approval:
            note = "; ".join(filter(None, (note, "waits for approval")))
        if isinstance(step.config, EmailConfig) and rules.held:
            note = "; ".join(filter(None, (note, f"held: {rules.held}")))
        yield PreviewStep(step.number, step.type, step.name, planned.at, note, branch, variant=variant)
        previous_ended_at, due_at = planned.at, None
        step = rules.sequence.step_after(step)


def _branches(
    rules: _Rules,
    step: StepFacts,
    config: SplitConfig,
    previous_ended_at: datetime,
    due_at: datetime,
    branch: str,
    seen: frozenset[int],
) -> Iterator[PreviewStep]:
    """True at the earliest; false when the wait, which counts from the last email or task, is over."""
    false_at = max(due_at, previous_ended_at + config.wait)
    zone = rules.calendar.zone
    over_at = f"{false_at.astimezone(zone.zone):%Y-%m-%d %H:%M} {zone.name}"
    note = f"{config.condition.label}: at once if yes, otherwise at {over_at}"
    if config.condition is ConditionType.EMAIL_REPLIED and rules.sequence.on_reply == OnReply.STOP:
        note = f"{config.condition.label}: always No, at {over_at}, since a reply stops this sequence"
    yield PreviewStep(step.number, step.type, step.name, due_at, note, branch, config.condition.label, false_at)
    for answer, goto, ended_at in ((True, config.if_true, due_at), (False, config.if_false, false_at)):
        label = f"{branch} and " if branch else ""
        label += f"step {step.number} is {'yes' if answer else 'no'}"
        if goto is not None:
            yield from _walk(rules, rules.sequence.step(goto), ended_at, label, seen)
