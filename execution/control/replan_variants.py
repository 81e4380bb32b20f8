"""What another set of variants means for emails that are queued already. Changes nothing.

An email keeps the variant that it was queued with. Where that one is gone or switched off, the final check withholds
the email and the engine queues it again with another variant. What was sent stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.db import fetch_all
from execution.engine.snapshot import SequenceFacts, StepFacts
from sequences.authoring.step_config import EmailConfig
from sequences.content.variants import ARM_JOIN, HAS_ARM, Variant

_REDRAWN = f"""
SELECT t.number, m.variant, count(*) AS emails
FROM sequences_enrollment e
JOIN emails_emailmessage m ON m.enrollment_id = e.id AND m.status = 'queued' AND NOT m.is_answer
JOIN sequences_step t ON t.id = m.step_id
{ARM_JOIN}
WHERE e.sequence_id = %(sequence)s AND NOT {HAS_ARM}
GROUP BY t.number, m.variant ORDER BY t.number, m.variant
"""


@dataclass(frozen=True, slots=True)
class RedrawnVariants:
    """How many enrollments have an email queued that gets another text, and a line for each text that it was."""

    enrollments: int = 0
    warnings: tuple[str, ...] = ()


def find_redrawn(before: SequenceFacts, after: SequenceFacts) -> RedrawnVariants:
    if all(_offered(before.step(step.id)) == _offered(step) for step in after.steps):
        return RedrawnVariants()
    rows = fetch_all(_REDRAWN, {"sequence": after.id})
    return RedrawnVariants(
        sum(row["emails"] for row in rows),
        tuple(_warn(row["number"], row["variant"], row["emails"]) for row in rows),
    )


def _offered(step: StepFacts | None) -> tuple[Variant, ...]:
    return step.config.variants if step and isinstance(step.config, EmailConfig) else ()


def _warn(number: int, variant: str, emails: int) -> str:
    queued = "1 queued email" if emails == 1 else f"{emails:,} queued emails"
    was = f"of variant {variant}, which is off or gone" if variant else "without a variant"
    return f"step {number}: {queued} {was}: another text is chosen; contacts who have had theirs get no other"
