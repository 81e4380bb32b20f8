"""Creates sequences, edits them without losing an enrollment, activates them.

Editing keeps the identity of steps. Enrollments at a removed step are moved in the same transaction: to the step that
now comes next, or to one that is named. The result lists them, so that the caller can plan, log and wake them
(execution.control.edit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction

from common.db import fetch_all
from sequences.authoring.drafts import SEQUENCE_FIELDS, SequenceDraft
from sequences.authoring.problems import Problem, draft_errors_of, errors_of
from sequences.authoring.queries import build_draft, storable
from sequences.authoring.step_fields import GOTO_FIELDS, STEP_FIELDS, Kind, StepDraft
from sequences.authoring.step_matching import adopt_ids
from sequences.authoring.validation import load_workspace_facts, validate_draft
from sequences.choices import SequenceStatus
from sequences.enrollment_sql import LIVE, lock_where
from sequences.models import Sequence, Step, Workspace


class InvalidSequenceError(ValueError):
    """The sequence may not be stored or activated like this; `problems` say where and what to do."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class SequenceStateError(ValueError):
    """Not possible in the state that the sequence is in; the message names the state and the remedy."""


@dataclass(frozen=True, slots=True)
class MovedEnrollment:
    """An enrollment whose step was removed. `to_step_id` None: nothing comes after it; `status` is the one after it."""

    enrollment_id: int
    status: str
    from_step_id: int
    from_number: int
    from_type: str
    to_step_id: int | None


@dataclass(frozen=True, slots=True)
class SavedSequence:
    """`step_ids`: what the keys of the draft became. `warnings` prevent nothing."""

    sequence: Sequence
    created: bool
    step_ids: Mapping[str, int]
    moved: tuple[MovedEnrollment, ...]
    warnings: tuple[Problem, ...]


@transaction.atomic
def save_sequence(workspace: Workspace, draft: SequenceDraft, now: datetime) -> SavedSequence:
    """Create the sequence of that name, or make the stored one equal to the draft. All or nothing.

    The draft's keys mean nothing outside it: sequences.authoring.step_matching finds which step is which. A draft may
    use merge fields that no contact has yet (a warning); an active sequence may not. Raises `InvalidSequenceError`, and
    `SequenceStateError` when it is archived.
    """
    sequence, created = Sequence.objects.get_or_create(workspace=workspace, name=draft.name)
    return _save(sequence.pk, draft, None, now, created=created, keys_are_ids=False)


@transaction.atomic
def change_sequence(sequence_id: int, draft: SequenceDraft, now: datetime, goes_to: str | None = None) -> SavedSequence:
    """Make the sequence equal to the draft, its name too. A step whose key is a stored step's id is that step.

    Other steps are matched by what they hold (sequences.authoring.step_matching). `goes_to` is the key of the step
    where enrollments go whose step is removed; None: the one that now comes next. Raises like `save_sequence`.
    """
    if goes_to is not None and goes_to not in {step.key for step in draft.steps}:
        raise SequenceStateError("the step to go to is not in this sequence: name one that stays")
    return _save(sequence_id, draft, goes_to, now, created=False, keys_are_ids=True)


def _save(
    sequence_id: int,
    draft: SequenceDraft,
    goes_to: str | None,
    now: datetime,
    *,
    created: bool,
    keys_are_ids: bool,
) -> SavedSequence:
    sequence = Sequence.objects.select_for_update().get(pk=sequence_id)
    if sequence.status == SequenceStatus.ARCHIVED:
        raise SequenceStateError(f"the sequence {draft.name!r} is archived: choose another name")
    facts = load_workspace_facts(sequence.workspace)
    problems = validate_draft(draft, facts)
    is_draft = sequence.status == SequenceStatus.DRAFT
    found = (
        draft_errors_of(validate_draft(draft, replace(facts, custom_fields=None))) if is_draft else errors_of(problems)
    )
    # a draft may still have no step at all
    if refused := [problem for problem in found if not (is_draft and problem.field == "steps")]:
        raise InvalidSequenceError(refused)
    for name in SEQUENCE_FIELDS:
        setattr(sequence, name, storable(getattr(draft, name)))
    sequence.updated_at = now
    try:
        with transaction.atomic():
            sequence.save(update_fields=[*SEQUENCE_FIELDS, "updated_at"])
    except IntegrityError as error:
        if "sequence_name_once" not in str(error):
            raise
        raise SequenceStateError(f"the workspace has a sequence {draft.name!r} already: choose another name") from None
    old = list(Step.objects.filter(sequence=sequence).order_by("number"))
    adopted, became = adopt_ids(build_draft(sequence, old), draft, keys_are_ids=keys_are_ids)
    step_ids, moved = _replace_steps(sequence, old, adopted, became[goes_to] if goes_to else None, now)
    by_key = {key: step_ids[new_key] for key, new_key in became.items()}
    return SavedSequence(sequence, created, by_key, tuple(moved), tuple(problems))


def _replace_steps(
    sequence: Sequence, old: list[Step], draft: SequenceDraft, goes_to: str | None, now: datetime
) -> tuple[dict[str, int], list[MovedEnrollment]]:
    """Write the steps of a draft in which the key of a step that stays is its id."""
    old_by_key = {str(step.pk): step for step in old}
    matches = {step.key: step.key for step in draft.steps if step.key in old_by_key}
    kept = set(matches.values())
    removed = [step for step in old if str(step.pk) not in kept]
    if removed:
        _lock_live(sequence)
    stored: dict[str, Step] = {}
    for number, wanted in enumerate(draft.steps, start=1):
        step = old_by_key[matches[wanted.key]] if wanted.key in matches else Step()
        step.workspace_id, step.sequence_id, step.number = sequence.workspace_id, sequence.pk, number
        step.type = wanted.type
        for field in STEP_FIELDS:
            if field.kind is not Kind.GOTO:
                setattr(step, field.column, storable(getattr(wanted, field.name)))
        step.updated_at = now
        stored[wanted.key] = step
    Step.objects.bulk_create([step for step in stored.values() if step.pk is None])
    for wanted in draft.steps:
        step = stored[wanted.key]
        for field in GOTO_FIELDS:
            target = getattr(wanted, field.name)
            setattr(step, field.column, stored[target] if target else None)
    fields = ["type", *(field.column for field in STEP_FIELDS), "number", "updated_at"]
    Step.objects.bulk_update(stored.values(), fields)
    ids = {key: step.pk for key, step in stored.items()}
    if not removed:
        return ids, []
    successors: dict[int, int | None] = (
        _find_successors(old, removed, draft, matches, stored)
        if goes_to is None
        else {step.pk: stored[goes_to].pk for step in removed}
    )
    moved = _move_enrollments(removed, successors, now)
    Step.objects.filter(pk__in=[step.pk for step in removed]).delete()
    return ids, moved


def _lock_live(sequence: Sequence) -> None:
    # Waits for an engine that is moving an enrollment to a step about to be removed, and keeps it away until commit.
    lock_where(f"e.sequence_id = %(sequence)s AND e.status IN {LIVE}", {"sequence": sequence.pk})


def _find_successors(
    old: list[Step], removed: list[Step], draft: SequenceDraft, matches: dict[str, str], stored: dict[str, Step]
) -> dict[int, int | None]:
    """By removed step: what now comes after the nearest step before it that is still there."""
    places = {int(matches[wanted.key]): place for place, wanted in enumerate(draft.steps) if wanted.key in matches}
    gone = {step.pk for step in removed}
    successors: dict[int, int | None] = {}
    next_place = 0
    for step in old:
        if step.pk in gone:
            follower: StepDraft | None = draft.steps[next_place] if next_place < len(draft.steps) else None
            successors[step.pk] = stored[follower.key].pk if follower else None
        else:
            next_place = places[step.pk] + 1
    return successors


# No enrollment is lost: with a next step it stands there and is woken; without one it has completed, unless it is
# quarantined.
_MOVE = f"""
UPDATE sequences_enrollment e
SET current_step_id = r.target,
    visit = e.visit + 1,
    retry_count = 0, retry_at = NULL, instant_transitions = 0,
    status = CASE WHEN r.ends AND e.status <> 'quarantined' THEN 'completed' ELSE e.status END,
    completed_at = CASE WHEN r.ends AND e.status <> 'quarantined' THEN %(now)s ELSE e.completed_at END,
    next_step_at = CASE WHEN r.ends AND e.status <> 'quarantined' THEN NULL ELSE e.next_step_at END,
    resume_at = CASE WHEN r.ends AND e.status <> 'quarantined' THEN NULL ELSE e.resume_at END,
    wake_at = CASE WHEN r.ends AND e.status <> 'quarantined' THEN NULL
                   WHEN e.status = 'active' THEN %(now)s ELSE e.wake_at END,
    updated_at = %(now)s
FROM (SELECT removed, target, target IS NULL AS ends
      FROM unnest(%(removed)s::bigint[], %(targets)s::bigint[]) AS t(removed, target)) r
WHERE e.current_step_id = r.removed AND e.status IN {LIVE}
RETURNING e.id, e.status, r.removed, r.target
"""


def _move_enrollments(removed: list[Step], successors: dict[int, int | None], now: datetime) -> list[MovedEnrollment]:
    by_id = {step.pk: step for step in removed}
    params = {
        "now": now,
        "removed": [step.pk for step in removed],
        "targets": [successors[step.pk] for step in removed],
    }
    return [
        MovedEnrollment(
            enrollment_id=row["id"],
            status=row["status"],
            from_step_id=row["removed"],
            from_number=by_id[row["removed"]].number,
            from_type=by_id[row["removed"]].type,
            to_step_id=row["target"],
        )
        for row in fetch_all(_MOVE, params)
    ]


@transaction.atomic
def activate_sequence(sequence_id: int, now: datetime) -> list[Problem]:
    """Let a draft run; an active sequence stays as it is. Answers the warnings.

    Raises `InvalidSequenceError` with every error, `SequenceStateError` when it is paused or archived.
    """
    sequence = Sequence.objects.select_for_update().get(pk=sequence_id)
    if sequence.status not in {SequenceStatus.DRAFT, SequenceStatus.ACTIVE}:
        remedy = "resume it instead" if sequence.status == SequenceStatus.PAUSED else "import it under another name"
        raise SequenceStateError(f"the sequence {sequence.name!r} is {sequence.status}: {remedy}")
    steps = Step.objects.filter(sequence=sequence).order_by("number")
    problems = validate_draft(build_draft(sequence, steps), load_workspace_facts(sequence.workspace))
    if refused := errors_of(problems):
        raise InvalidSequenceError(refused)
    Sequence.objects.filter(pk=sequence.pk, status=SequenceStatus.DRAFT).update(
        status=SequenceStatus.ACTIVE, updated_at=now
    )
    return problems
