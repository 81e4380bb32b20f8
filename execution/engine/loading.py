"""Build snapshots from enrollment rows and the facts about them, in a fixed number of statements. Locks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from common.db import Row, fetch_all
from emails.choices import Inbound, Transport
from emails.facts.stop_facts import load_stop_facts
from emails.facts.stops import Resting, StopFacts
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields
from emails.sending.goals import add_met_goals
from execution.engine.facts import StepRunFacts, load_step_facts
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import STORED_FIELDS, SequenceFacts, Snapshot
from sequences.choices import EnrollmentStatus
from sequences.time.contact_calendar import read_contact_calendar

SNAPSHOT_COLUMNS = f"""
SELECT e.id, e.workspace_id, e.sequence_id, e.contact_id, e.mailbox_id, e.owner_id, e.status, e.current_step_id,
       e.visit, e.previous_ended_at, e.next_step_at, e.wake_at, e.priority, e.retry_count, e.retry_at,
       e.instant_transitions, e.resume_at, e.resumed_at, e.enrolled_at, e.emails_sent,
       b.transport, b.inbound, d.error_class AS quarantine_class, {PERSON_COLUMNS}
"""
SNAPSHOT_JOINS = f"""
{PERSON_JOINS}
LEFT JOIN execution_deadletter d ON d.enrollment_id = e.id AND d.resolved_at IS NULL
"""
_READ = f"""
{SNAPSHOT_COLUMNS}
FROM sequences_enrollment e
{SNAPSHOT_JOINS}
WHERE e.id = ANY(%(ids)s)
ORDER BY e.id
"""


def read_snapshots(ids: Sequence[int]) -> list[Snapshot]:
    """Snapshots without a lock: for explanations, never for changes."""
    return load_snapshots(fetch_all(_READ, {"ids": list(ids)}))


def load_snapshots(rows: list[Row]) -> list[Snapshot]:
    """From rows with `SNAPSHOT_COLUMNS`, locked by the caller or not."""
    if not rows:
        return []
    sequences = load_sequences(sorted({row["sequence_id"] for row in rows}))
    goals = {row["id"]: sequences[row["sequence_id"]].goal for row in rows}
    stop_facts = add_met_goals(load_stop_facts(rows), goals)
    step_facts = load_step_facts(rows, sequences)
    return [
        _build_snapshot(
            row, sequences[row["sequence_id"]], *stop_facts[row["id"]], step_facts.get(row["id"], StepRunFacts())
        )
        for row in rows
    ]


_stored_values = itemgetter(*STORED_FIELDS)
_STATUSES = {status.value: status for status in EnrollmentStatus}
_GIVES_NO_EVIDENCE = frozenset({None, Transport.SMTP.value})


def _build_snapshot(
    row: Row, sequence: SequenceFacts, stops: StopFacts, resting: Resting, step: StepRunFacts
) -> Snapshot:
    # mypy cannot know how many columns come from the row
    return Snapshot(  # type: ignore[misc]
        *_stored_values(row),
        status=_STATUSES[row["status"]],
        recipient=row["email"],
        merge_fields=MergeFields(row),
        calendar=read_contact_calendar(sequence.window, row),
        account_policy=row["account_reply_policy"],
        account_delay_days=row["account_reply_delay_days"],
        evidence_possible=row["inbound"] != Inbound.NONE or row["transport"] not in _GIVES_NO_EVIDENCE,
        sequence=sequence,
        stops=stops,
        resting=resting,
        message=step.message,
        task=step.task,
        last_email=step.last_email,
        last_task=step.last_task,
        has_run=step.has_run,
        earlier_variant=step.earlier_variant,
    )
