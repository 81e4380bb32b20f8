"""Whether a sequence can be activated: gotos, paths, loops, templates, merge fields, times.

`validate_draft` is pure; `validate_sequence` loads a draft for it. Must not change anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.email_checks import check_emails, list_texts
from sequences.authoring.goals import GoalError, parse_goal
from sequences.authoring.problems import Problem, Severity
from sequences.authoring.queries import load_draft
from sequences.authoring.split_rules import check_splits
from sequences.authoring.step_config import CONDITIONS, StepConfigError, parse_condition
from sequences.authoring.step_fields import MAX_DELAY, STEP_FIELDS, StepDraft
from sequences.authoring.step_graph import (
    build_graph,
    find_ahead,
    find_emails_without_thread,
    find_endless,
    find_instant_loops,
    find_unreached,
)
from sequences.choices import StepType
from sequences.contacts.queries import list_custom_fields
from sequences.content.variants import VariantError, check_variants
from sequences.liquid.templating import MADE_WHEN_RENDERED, Field, TemplateError, list_fields, parse
from sequences.models import Sequence, Workspace
from sequences.time.timing import Calendar, Delay, StepTiming, TimingError, Window, parse_window, plan, resolve_zone

_CONTACT_FIELDS = (
    "email", "first_name", "last_name", "full_name", "title", "phone", "company", "domain", "timezone",
    "external_id", "engagement_score",
)  # fmt: skip
# Made when an email is sent.
_UNSUBSCRIBE = "unsubscribe_url"
_OTHER_FIELDS = frozenset(
    {
        "account.name", "account.domain", "account.timezone",
        "sender.name", "sender.first_name", "sender.email",
        "workspace.name", *MADE_WHEN_RENDERED,
    }
)  # fmt: skip
_MISSPELT = 0.8
KNOWN_FIELDS = _OTHER_FIELDS | {f"contact.{name}" for name in _CONTACT_FIELDS}
# Any Monday: windows repeat weekly, so the answer is the same for all of them.
_SOME_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """What validation must know of the workspace. `custom_fields`: merge fields that contacts have; None: any."""

    custom_fields: frozenset[str] | None = None
    track_opens: bool = True
    track_clicks: bool = True
    has_postal_address: bool = True


def load_workspace_facts(workspace: Workspace) -> WorkspaceFacts:
    """In one query."""
    has_postal_address = bool(workspace.postal_address.strip())
    custom_fields = list_custom_fields(workspace.pk)
    return WorkspaceFacts(custom_fields, workspace.track_opens, workspace.track_clicks, has_postal_address)


def validate_draft(draft: SequenceDraft, facts: WorkspaceFacts) -> list[Problem]:
    """Every problem, in the order of the steps."""
    custom_fields = facts.custom_fields
    problems = list(_check_sequence(draft))
    window = _read_window(draft)
    for number, step in enumerate(draft.steps, start=1):
        problems.extend(_check_step(step, number, window, custom_fields))
        problems.extend(_check_templates(step, number, custom_fields))
    problems.extend(_check_paths(draft))
    problems.extend(_check_same_texts(draft))
    problems.extend(check_emails(draft, has_postal_address=facts.has_postal_address))
    problems.extend(check_splits(draft, track_opens=facts.track_opens, track_clicks=facts.track_clicks))
    return sorted(problems, key=lambda problem: problem.step_number or 0)


def _check_sequence(draft: SequenceDraft) -> Iterator[Problem]:
    if not draft.name.strip():
        yield Problem(None, "name", "the sequence has no name")
    if not draft.steps:
        yield Problem(None, "steps", "the sequence has no steps: add one")
    if not 0 <= draft.priority <= 100:
        yield Problem(None, "priority", f"priority must be from 0 to 100, not {draft.priority}")
    try:
        parse_window(dict(draft.window))
    except TimingError as error:
        yield Problem(None, "window", f"window: {error}")
    try:
        parse_goal(draft.goal)
    except GoalError as error:
        yield Problem(None, "goal", str(error))


def _read_window(draft: SequenceDraft) -> Window | None:
    try:
        return parse_window(dict(draft.window))
    except TimingError:
        return None


def _check_step(
    step: StepDraft, number: int, window: Window | None, custom_fields: frozenset[str] | None
) -> Iterator[Problem]:
    if step.type not in list(StepType):
        yield Problem(number, "type", f"step type {step.type!r} is not known: use one of {', '.join(StepType)}")
        return
    if step.delay > MAX_DELAY:
        yield Problem(number, "delay_days", f"the delay is longer than {MAX_DELAY.days} days: shorten it")
    if step.type == StepType.EMAIL:
        yield from _check_text(step, number)
    if step.type in {StepType.EMAIL, StepType.TASK} and window is not None and not _can_run(step, window):
        at = f" at {step.send_time:%H:%M}" if step.send_time else ""
        weekends = " without weekends" if step.skip_weekends else ""
        yield Problem(
            number, "send_time", f"it can never run{at}{weekends}: the sending window is not open then on any day"
        )
    if step.is_split:
        yield from _check_condition(step, number, custom_fields)


def _check_text(step: StepDraft, number: int) -> Iterator[Problem]:
    if not step.variants and not step.body.strip():
        yield Problem(number, "body", "the email has no body: write one")
    try:
        check_variants(step.variants)
    except VariantError as error:
        yield Problem(number, "variants", str(error))


def _can_run(step: StepDraft, window: Window) -> bool:
    timing = StepTiming(
        delay=Delay(days=0, hours=0, minutes=0), skip_weekends=step.skip_weekends, send_time=step.send_time
    )
    zone = resolve_zone(window, contact="", account="", mailbox="", workspace="UTC")
    calendar = Calendar(zone=zone, window=window, holiday_country=None, extra_holidays=frozenset())
    try:
        return plan(_SOME_MONDAY, timing, calendar).at <= _SOME_MONDAY + timedelta(days=14)
    except TimingError:
        return False


def _check_condition(step: StepDraft, number: int, custom_fields: frozenset[str] | None) -> Iterator[Problem]:
    try:
        asked = parse_condition(step.condition_type, step.condition_config)
    except StepConfigError as error:
        yield Problem(number, "condition_config", str(error))
        return
    if CONDITIONS[asked.condition].names_field and custom_fields is not None:
        names = {*_CONTACT_FIELDS, *custom_fields}
        if asked.field.removeprefix("contact.").removeprefix("fields.") not in names:
            yield Problem(number, "condition_config", f"no contact has the field {asked.field!r}", Severity.WARNING)


def _check_templates(step: StepDraft, number: int, custom_fields: frozenset[str] | None) -> Iterator[Problem]:
    for name, label, source in _list_templates(step):
        try:
            template = parse(source)
            fields = list_fields(source)
        except TemplateError as error:
            yield Problem(number, name, f"{label}: {error}")
            continue
        known_filters = sorted(template.env.filters)
        for unknown in sorted(set(template.analyze().filters) - set(known_filters)):
            remedy = _suggest(unknown, known_filters) or "remove it"
            yield Problem(number, name, f"{label}: the filter {unknown} is not known: {remedy}")
        for field in fields:
            if step.type == StepType.TASK and field.path == _UNSUBSCRIBE:
                yield Problem(
                    number, name, f"{label} line {field.line}: {_UNSUBSCRIBE} is an email's: take it out of the task"
                )
            elif problem := _check_field(field, custom_fields):
                yield Problem(number, name, f"{label} line {field.line}: {problem}")


def _list_templates(step: StepDraft) -> Iterator[tuple[str, str, str]]:
    """As (field, label, source): of an email with variants theirs, which are what is sent."""
    if step.type == StepType.EMAIL:
        yield from ((text.field, text.label, text.source) for text in list_texts(step))
        return
    for field in STEP_FIELDS:
        if step.type == field.template_of:
            yield field.name, field.name, getattr(step, field.name)


def _check_field(field: Field, custom_fields: frozenset[str] | None) -> str | None:
    """What is wrong with a merge field, or None. A custom field that no contact has yet needs a fallback."""
    if field.path in KNOWN_FIELDS:
        return None
    custom = field.path.removeprefix("contact.").removeprefix("fields.")
    if field.path.startswith("contact.") and "." not in custom:
        if field.has_fallback or custom in (custom_fields or ()):
            return None
        if custom_fields is None:
            return _check_misspelling(field.path, custom)
        # A field from a column that no contact has: a typing error, or contacts that are still to come.
        known = [f"contact.{name}" for name in (*_CONTACT_FIELDS, *sorted(custom_fields))]
        remedy = _suggest(field.path, known) or "import contacts with that column"
        return f"no contact has {field.path}: {remedy}, or give a fallback ({{{{ {field.path} | default: '…' }}}})"
    remedy = _suggest(field.path, sorted(KNOWN_FIELDS)) or "use contact.…, account.…, sender.… or workspace.name"
    return f"the merge field {field.path} is not known: {remedy}"


def _check_misspelling(path: str, name: str) -> str | None:
    """Without a contact to ask, any column may still come, but hardly one that is a letter off a known one."""
    close = difflib.get_close_matches(name, _CONTACT_FIELDS, n=1, cutoff=_MISSPELT)
    return f"{path} is not known: did you mean contact.{close[0]}?" if close else None


def _suggest(path: str, known: list[str]) -> str:
    close = difflib.get_close_matches(path, known, n=1)
    return f"did you mean {close[0]}?" if close else ""


def _check_paths(draft: SequenceDraft) -> Iterator[Problem]:
    steps = draft.steps
    numbers = {step.key: number for number, step in enumerate(steps, start=1)}
    for step in steps:
        for field, target in (("if_true_goto", step.if_true), ("if_false_goto", step.if_false)):
            if target is not None and target not in numbers:
                yield Problem(numbers[step.key], field, f"{field} names {target!r}, which is no step of this sequence")
    graph = build_graph(steps)
    if endless := sorted(numbers[key] for key in find_endless(graph)):
        yield Problem(
            endless[0], "if_true_goto", f"no path ends from {_named(endless)}: let a split lead out, or leave one empty"
        )
    for loop in find_instant_loops(steps, graph):
        around = sorted(numbers[key] for key in loop)
        yield Problem(
            around[0], "delay_days", f"the loop over {_named(around)} has no delay: give one of them a delay above zero"
        )
    for key in sorted(find_emails_without_thread(steps, graph), key=numbers.__getitem__):
        yield Problem(
            numbers[key], "subject", "the subject is empty, and on some path no earlier email is there to reply to"
        )
    for key in sorted(find_unreached(steps, graph), key=numbers.__getitem__):
        yield Problem(numbers[key], "number", "nothing leads to this step", Severity.WARNING)


def _check_same_texts(draft: SequenceDraft) -> Iterator[Problem]:
    """Emails that the final check would skip, since the contact has had their text on the way to them."""
    graph = build_graph(draft.steps)
    ahead = find_ahead(draft.steps, graph)
    seen: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for number, step in enumerate(draft.steps, start=1):
        if step.type != StepType.EMAIL or step.repeat or not step.texts[0][2].strip():
            continue
        texts = [tuple(f"{subject} {body}".split()) for _, subject, body in step.texts]
        if any(target and step.key in ahead[target] for target in graph[step.key]):
            message = "a loop leads back to it, and no contact gets the same text twice: set repeat if it is meant"
            yield Problem(number, "repeat", message, Severity.WARNING)
        elif first := next((at for text in texts for at, key in seen.get(text, []) if step.key in ahead[key]), None):
            message = f"it has the text of step {first}, and no contact gets one twice: change it, or set repeat"
            yield Problem(number, "body", message, Severity.WARNING)
        for text in texts:
            seen.setdefault(text, []).append((number, step.key))


def _named(numbers: list[int]) -> str:
    return f"step{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def validate_sequence(sequence_id: int) -> list[Problem]:
    """Validate what is stored, in three queries. Raises `Sequence.DoesNotExist`."""
    sequence = Sequence.objects.select_related("workspace").get(pk=sequence_id)
    return validate_draft(load_draft(sequence), load_workspace_facts(sequence.workspace))
