"""Switches off a variant of an email step that does harm: clearly more opt-outs, complaints and bounces than others.

The rule is that of docs/variants.md, which may be asked as often as one likes. One that is better is never chosen here:
that is left to a user, and so is one that was stopped before and that a user has switched on again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from common.db import fetch_all
from execution.choices import VARIANT_STOPPED, ControlTarget
from execution.control.edit import EditOptions, edit_sequence
from execution.insight.variants import find_harmful_variants
from execution.models import ControlLog
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError
from sequences.authoring.queries import load_draft
from sequences.models import Sequence, Step

ACTOR = "executor"
_COMPARED = """
SELECT t.id, t.sequence_id FROM sequences_step t JOIN sequences_sequence s ON s.id = t.sequence_id
WHERE s.status IN ('active', 'paused') AND t.variants <> '[]'::jsonb
  AND (SELECT count(*) FROM jsonb_array_elements(t.variants) v WHERE (v.value->>'weight')::int > 0) > 1
ORDER BY t.id
"""


def stop_harmful_variants(now: datetime) -> int:
    """How many were switched off, at most one of each step at a time; never the last that is on."""
    return sum(_stop_in(row["id"], row["sequence_id"], now) for row in fetch_all(_COMPARED, {}))


@transaction.atomic
def _stop_in(step_id: int, sequence_id: int, now: datetime) -> bool:
    harmful = find_harmful_variants(Step.objects.get(pk=step_id))
    if not harmful:
        return False
    sequence = Sequence.objects.select_for_update().get(pk=sequence_id)
    draft = load_draft(sequence)
    place = next((place for place, step in enumerate(draft.steps) if step.key == str(step_id)), None)
    if place is None:
        return False
    step = draft.steps[place]
    on = [each.key for each in step.variants if each.weight]
    stopped = next((key for key in on if key in harmful and not _was_stopped(sequence, key)), None)
    if stopped is None or len(on) < 2:
        return False
    variants = tuple(replace(each, weight=0) if each.key == stopped else each for each in step.variants)
    steps = (*draft.steps[:place], replace(step, variants=variants), *draft.steps[place + 1 :])
    found = "clearly more opt-outs, complaints and bounces than the others"
    reason = f"{VARIANT_STOPPED} {stopped} of step {place + 1}: {found}"
    try:
        edit_sequence(sequence, replace(draft, steps=steps), EditOptions(), actor=ACTOR, now=now, reason=reason)
    except (InvalidSequenceError, SequenceStateError):
        # a user is changing it into something else
        return False
    return True


def _was_stopped(sequence: Sequence, key: str) -> bool:
    return ControlLog.objects.filter(
        target=ControlTarget.SEQUENCE.value,
        target_id=sequence.pk,
        actor=ACTOR,
        reason__startswith=f"{VARIANT_STOPPED} {key} of step ",
    ).exists()
