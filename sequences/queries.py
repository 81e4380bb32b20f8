"""Reads of sequences that more than one door needs. Must not change anything."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from common.addresses import ascii_address
from common.db import fetch_all
from sequences.authoring.drafts import SequenceDraft, StepDraft
from sequences.models import Contact, Sequence, Step, Workspace


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


def has_address(address: str, field: str = "email") -> Q:
    """That a contact has this address, in whatever case. `iexact` could not use the index of addresses.

    The index begins with the workspace, so all are named: PostgreSQL 18 finds its way without that, no earlier one.
    """
    workspace = f"{field.removesuffix('email')}workspace__in"
    return Q(Exact(Lower(field), Lower(Value(ascii_address(address)))), **{workspace: Workspace.objects.values("pk")})


_CUSTOM_FIELDS = """
SELECT EXISTS (SELECT 1 FROM sequences_contact WHERE workspace_id = %(workspace)s) AS has_contacts,
       array(SELECT DISTINCT jsonb_object_keys(fields) FROM sequences_contact
             WHERE workspace_id = %(workspace)s AND fields <> '{}'::jsonb) AS names
"""


def list_custom_fields(workspace_id: int) -> frozenset[str] | None:
    """The merge fields that some contact has beyond the known columns; None while there is no contact to ask."""
    row = fetch_all(_CUSTOM_FIELDS, {"workspace": workspace_id})[0]
    return frozenset(row["names"]) if row["has_contacts"] else None


def list_fields_of(contacts: QuerySet[Contact]) -> list[str]:
    """The merge fields that some of these contacts has beyond the known columns, in order."""
    keys = contacts.order_by().annotate(name=Func("fields", function="jsonb_object_keys", output_field=TextField()))
    return sorted(set(keys.values_list("name", flat=True).distinct()))
