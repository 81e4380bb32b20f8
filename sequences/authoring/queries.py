"""Reads of stored sequences as drafts, for files, the API, the admin and validation. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sequences.authoring.drafts import SEQUENCE_FIELDS, SequenceDraft
from sequences.authoring.step_fields import STEP_FIELDS, Kind, StepDraft, StepField
from sequences.content.variants import read_variants, write_variants
from sequences.models import Sequence, Step


def load_draft(sequence: Sequence) -> SequenceDraft:
    """The stored sequence as a draft whose keys are the steps' ids. One query."""
    return build_draft(sequence, Step.objects.filter(sequence=sequence).order_by("number"))


def build_draft(sequence: Sequence, steps: Iterable[Step]) -> SequenceDraft:
    own = {name: getattr(sequence, name) for name in SEQUENCE_FIELDS}
    return SequenceDraft(**own, steps=tuple(_draft_step(step) for step in steps))


def _draft_step(step: Step) -> StepDraft:
    return StepDraft(key=str(step.pk), type=step.type, **{spec.name: _read(step, spec) for spec in STEP_FIELDS})


def _read(step: Step, spec: StepField) -> Any:
    value = getattr(step, spec.sql_column)
    if spec.kind is Kind.VARIANTS:
        return read_variants(value)
    return str(value) if spec.kind is Kind.GOTO and value else value


def storable(value: object) -> object:
    """A draft's value as a model's attribute takes it."""
    if isinstance(value, tuple):
        return write_variants(value)
    return dict(value) if isinstance(value, Mapping) else value
