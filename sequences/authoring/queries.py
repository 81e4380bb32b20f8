"""Reads of stored sequences as drafts, for files, the API, the admin and validation. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from sequences.authoring.drafts import SequenceDraft, StepDraft
from sequences.models import Sequence, Step


def load_draft(sequence: Sequence) -> SequenceDraft:
    """The stored sequence as a draft whose keys are the steps' ids. One query."""
    return build_draft(sequence, Step.objects.filter(sequence=sequence).order_by("number"))


def build_draft(sequence: Sequence, steps: Iterable[Step]) -> SequenceDraft:
    return SequenceDraft(
        name=sequence.name,
        description=sequence.description,
        window=sequence.window,
        priority=sequence.priority,
        track_opens=sequence.track_opens,
        track_clicks=sequence.track_clicks,
        steps=tuple(_draft_step(step) for step in steps),
    )


def _draft_step(step: Step) -> StepDraft:
    return StepDraft(
        key=str(step.pk),
        type=step.type,
        name=step.name,
        delay_days=step.delay_days,
        delay_hours=step.delay_hours,
        delay_minutes=step.delay_minutes,
        skip_weekends=step.skip_weekends,
        send_time=step.send_time,
        subject=step.subject,
        body=step.body,
        task_type=step.task_type,
        task_priority=step.task_priority,
        instructions=step.instructions,
        wait_for_completion=step.wait_for_completion,
        condition_type=step.condition_type,
        condition_config=step.condition_config,
        if_true=str(step.if_true_goto_id) if step.if_true_goto_id else None,
        if_false=str(step.if_false_goto_id) if step.if_false_goto_id else None,
    )
