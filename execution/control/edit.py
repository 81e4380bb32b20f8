"""Stores an edited sequence while enrollments are in it, and tells first what the edit would mean for them.

sequences.authoring.operations stores the edit, execution.control.replan_edit moves and replans enrollments. Both run in
one transaction, with one entry in the log of controls that holds every field before and after.

Lock order, the same as for pausing and archiving: the sequence, then its enrollments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from django.db import transaction

from common.notify import notify_engine
from execution.choices import ControlAction, ControlTarget
from execution.control.enrollments import exit_enrollments
from execution.control.replan_edit import lock_waiting, release_queued, replan_removed, replan_waiting, send_to_inserted
from execution.control.replan_order import OrderImpact, replan_order
from execution.control.replan_variants import RedrawnVariants, find_redrawn
from execution.engine.logs import log_control
from execution.engine.sequence_facts import load_sequences
from sequences.authoring.changes import Change, list_changes
from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.operations import (
    SavedSequence,
    SequenceStateError,
    activate_sequence,
    change_sequence,
    save_sequence,
)
from sequences.authoring.queries import load_draft
from sequences.authoring.step_matching import adopt_ids
from sequences.choices import LIVE_STATUSES, SequenceStatus
from sequences.enrollment_sql import wake_where
from sequences.models import Enrollment, Sequence, Step, Workspace


@dataclass(frozen=True, slots=True)
class EditOptions:
    """What happens to enrollments that the edit touches.

    Enrollments at a removed step go to the step with the key `goes_to`, or exit (`exits`), else to the next step.
    `past`: keys of inserted steps that enrollments get too which have just passed the place.
    """

    goes_to: str | None = None
    exits: bool = False
    past: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredSequence:
    """`saved.sequence` is as it is stored now. The rest counts enrollments: `in_it` are all, and what became of some.

    `moved` go on at another step (theirs was removed, or a step not had comes before it now), `exited` left with a
    removed step, `replanned` have another due time, `sent` go to an inserted step that they had passed.
    `would_repeat` and `would_miss`: see execution.control.replan_order. `redrawn` have an email queued whose variant is
    gone or off now: they get another one.
    """

    saved: SavedSequence
    steps: int
    in_it: int = 0
    moved: int = 0
    exited: int = 0
    replanned: int = 0
    sent: int = 0
    would_repeat: int = 0
    would_miss: int = 0
    changes: tuple[Change, ...] = ()
    order_warnings: tuple[str, ...] = ()
    redrawn: int = 0

    @property
    def touched(self) -> int:
        """How many times an enrollment is affected; 0: the edit means nothing for any of them."""
        moved = self.moved + self.exited + self.replanned + self.sent
        return moved + self.would_repeat + self.would_miss + self.redrawn

    @property
    def counts(self) -> dict[str, int]:
        """How many enrollments in the sequence the edit touches, and how, as every entry point tells it."""
        return {
            "in_it": self.in_it,
            "moved": self.moved,
            "replanned": self.replanned,
            "exited": self.exited,
            "sent": self.sent,
            "would_repeat": self.would_repeat,
            "would_miss": self.would_miss,
        }

    @property
    def warnings(self) -> list[str]:
        return [*map(str, self.saved.warnings), *self.order_warnings]


@transaction.atomic
def store_sequence(
    workspace: Workspace, draft: SequenceDraft, *, activate: bool, actor: str, now: datetime, owner: Any = None
) -> StoredSequence:
    """Create or edit the sequence of that name and, if asked, activate it. All or nothing. `owner`: of a new one.

    Raises `InvalidSequenceError` and `SequenceStateError` of sequences.authoring.operations.
    """
    existing = Sequence.objects.select_for_update().filter(workspace=workspace, name=draft.name).first()
    stored = _store(existing, lambda: save_sequence(workspace, draft, now), EditOptions(), actor, now)
    if stored.saved.created:
        _set_owner(stored, owner)
    if activate:
        activate_sequence(stored.saved.sequence.pk, now)
        stored.saved.sequence.refresh_from_db()
    return stored


@transaction.atomic
def create_sequence(
    workspace: Workspace, draft: SequenceDraft, *, actor: str, now: datetime, owner: Any = None
) -> StoredSequence:
    """A draft that may have no steps yet. Raises like `store_sequence`, also where the name is taken."""
    if Sequence.objects.filter(workspace=workspace, name=draft.name).exists():
        raise SequenceStateError(f"the workspace has a sequence {draft.name!r} already: choose another name")
    stored = _store(None, lambda: save_sequence(workspace, draft, now), EditOptions(), actor, now)
    _set_owner(stored, owner)
    return stored


@transaction.atomic
def fill_sequence(sequence: Sequence, draft: SequenceDraft, *, actor: str, now: datetime) -> StoredSequence:
    """Give a sequence that was just made its steps. Raises like `store_sequence`."""
    saved = change_sequence(sequence.pk, draft, now)
    log_control(ControlTarget.SEQUENCE, saved.sequence, ControlAction.CREATED, actor, "", now)
    return StoredSequence(saved, len(draft.steps))


@transaction.atomic
def edit_sequence(
    sequence: Sequence,
    draft: SequenceDraft,
    options: EditOptions,
    *,
    actor: str,
    now: datetime,
    dry_run: bool = False,
    reason: str = "",
) -> StoredSequence:
    """Make the sequence equal to the draft, whose keys are the ids of the stored steps; other keys are new steps.

    A dry run answers the same and changes nothing. Raises like `store_sequence`.
    """
    # what was given may hold what is only about to be stored
    existing = Sequence.objects.select_for_update().get(pk=sequence.pk)
    exited = _exit_at_removed(existing, draft, actor, now) if options.exits else 0
    stored = _store(
        existing, lambda: change_sequence(sequence.pk, draft, now, options.goes_to), options, actor, now, exited, reason
    )
    if dry_run:
        transaction.set_rollback(True)
    return stored


@transaction.atomic
def duplicate_sequence(
    sequence: Sequence, name: str, *, actor: str, now: datetime, owner: Any = None
) -> StoredSequence:
    """The same steps as a new draft; without a name, the old one with "copy" behind it. Raises `SequenceStateError`."""
    taken = set(Sequence.objects.filter(workspace=sequence.workspace_id).values_list("name", flat=True))
    tries = (f"{sequence.name[:185]} copy{f' {number}' if number > 1 else ''}" for number in count(1))
    draft = replace(load_draft(sequence), name=name or next(each for each in tries if each not in taken))
    return create_sequence(sequence.workspace, draft, actor=actor, now=now, owner=owner)


@transaction.atomic
def delete_sequence(sequence: Sequence, *, actor: str, now: datetime) -> None:
    """Only what never ran can go. Raises `SequenceStateError`."""
    current = Sequence.objects.select_for_update().get(pk=sequence.pk)
    if current.status != SequenceStatus.DRAFT or Enrollment.objects.filter(sequence=current).exists():
        raise SequenceStateError(f"the sequence is {current.status}: only a draft can be deleted; archive it instead")
    log_control(ControlTarget.SEQUENCE, current, ControlAction.DELETED, actor, "", now)
    current.delete()


def _store(
    existing: Sequence | None,
    save: Callable[[], SavedSequence],
    options: EditOptions,
    actor: str,
    now: datetime,
    exited: int = 0,
    reason: str = "",
) -> StoredSequence:
    runs = existing is not None and existing.status in {SequenceStatus.ACTIVE, SequenceStatus.PAUSED}
    before = load_draft(existing) if existing else None
    was = load_sequences([existing.pk])[existing.pk] if existing and runs else None
    waiting = lock_waiting(existing.pk) if existing and runs else []
    saved = save()
    sequence = saved.sequence
    after = load_draft(sequence)
    changes = list_changes(before, after) if before else []
    moved, replanned, sent, order = len(saved.moved), 0, 0, OrderImpact()
    redrawn = RedrawnVariants()
    if was is not None and before is not None:
        facts = load_sequences([sequence.pk])[sequence.pk]
        if saved.moved:
            replan_removed(saved, facts, actor, now)
        came_from = {each.enrollment_id: each.from_step_id for each in saved.moved}
        order = replan_order(before, after, facts, came_from, actor, now, is_chosen=options.goes_to is not None)
        moved += len(order.moved - came_from.keys())
        waiting = [row for row in waiting if row["id"] not in order.moved]
        replanned = len(replan_waiting(waiting, was, facts, actor, now))
        release_queued(was, facts, now)
        redrawn = find_redrawn(was, facts)
        known = {step.id for step in was.steps}
        requested = {saved.step_ids[key] for key in options.past if key in saved.step_ids} - known
        for step in facts.steps:
            if step.id in requested:
                sent += len(send_to_inserted(facts, step.id, actor, now))
        has_new_goal = after.goal != before.goal and wake_where("e.sequence_id = %(id)s", {"id": sequence.pk}, now) > 0
        if moved or replanned or sent or has_new_goal:
            notify_engine()
    if saved.created or changes:
        action = ControlAction.CREATED if saved.created else ControlAction.EDITED
        log_control(ControlTarget.SEQUENCE, sequence, action, actor, reason, now, changes)
    in_it = _count_live(sequence) if runs else 0
    return StoredSequence(
        saved,
        len(after.steps),
        in_it,
        moved,
        exited,
        replanned,
        sent,
        order.would_repeat,
        order.would_miss,
        tuple(changes),
        (*order.warnings, *redrawn.warnings),
        redrawn.enrollments,
    )


def _exit_at_removed(sequence: Sequence, draft: SequenceDraft, actor: str, now: datetime) -> int:
    adopted, _ = adopt_ids(load_draft(sequence), draft, keys_are_ids=True)
    kept = [int(step.key) for step in adopted.steps if step.key.isdecimal()]
    removed = Step.objects.filter(sequence=sequence).exclude(pk__in=kept)
    standing = Enrollment.objects.filter(sequence=sequence, status__in=LIVE_STATUSES, current_step__in=removed)
    ids = list(standing.order_by("pk").values_list("pk", flat=True))
    return len(exit_enrollments(ids, actor=actor, now=now, reason="the step was removed").changed)


def _set_owner(stored: StoredSequence, owner: Any) -> None:
    if owner is not None:
        stored.saved.sequence.owner = owner
        Sequence.objects.filter(pk=stored.saved.sequence.pk).update(owner=owner)


def _count_live(sequence: Sequence) -> int:
    return Enrollment.objects.filter(sequence=sequence, status__in=LIVE_STATUSES).count()
