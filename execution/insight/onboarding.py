"""What is left to set up before emails leave and answers are read, by role. Reads only, in one statement.

An SDR sets up mailboxes and enrollments of their own; for managers those of anyone count. The postal address and
invitations are for admins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from common.db import Row, fetch_all


class SetupStep(StrEnum):
    """In the order in which they are best taken."""

    MAILBOX = "mailbox"
    REPLIES = "replies"
    FOOTER = "footer"
    CONTACTS = "contacts"
    SEQUENCE = "sequence"
    ENROLLMENT = "enrollment"
    COLLEAGUE = "colleague"


_FOR_ADMINS = frozenset({SetupStep.FOOTER, SetupStep.COLLEAGUE})


@dataclass(frozen=True, slots=True)
class SetupItem:
    step: SetupStep
    is_done: bool


# Workspace by workspace along the index, hence the order: an empty table must not be read from end to end.
_DONE = """
SELECT EXISTS (SELECT 1 FROM emails_mailbox b WHERE b.workspace_id = ANY(%(workspaces)s::bigint[])
               AND (%(owner)s::bigint IS NULL OR b.owner_id = %(owner)s)) AS mailbox,
       EXISTS (SELECT 1 FROM emails_mailbox b WHERE b.workspace_id = ANY(%(workspaces)s::bigint[])
               AND (%(owner)s::bigint IS NULL OR b.owner_id = %(owner)s)
               AND (b.inbound = 'webhook' OR b.inbound = 'imap' AND b.inbox_read_at IS NOT NULL)) AS replies,
       NOT EXISTS (SELECT 1 FROM sequences_workspace w WHERE w.id = ANY(%(administered)s::bigint[])
                   AND trim(w.postal_address) = '') AS footer,
       EXISTS (SELECT 1 FROM unnest(%(workspaces)s::bigint[]) AS w(id) CROSS JOIN LATERAL (
           SELECT 1 FROM sequences_contact WHERE workspace_id = w.id LIMIT 1) c) AS contacts,
       EXISTS (SELECT 1 FROM sequences_sequence WHERE workspace_id = ANY(%(workspaces)s::bigint[])
               AND (status = 'active' OR owner_id = %(owner)s)) AS sequence,
       CASE WHEN %(owner)s::bigint IS NULL THEN
           EXISTS (SELECT 1 FROM unnest(%(workspaces)s::bigint[]) AS w(id) CROSS JOIN LATERAL (
               SELECT 1 FROM sequences_enrollment WHERE workspace_id = w.id ORDER BY status, next_step_at LIMIT 1) e)
       ELSE EXISTS (SELECT 1 FROM sequences_enrollment WHERE owner_id = %(owner)s) END AS enrollment,
       EXISTS (SELECT 1 FROM sequences_membership m WHERE m.workspace_id = ANY(%(administered)s::bigint[])
               AND m.user_id <> %(user)s)
       OR EXISTS (SELECT 1 FROM sequences_invitation i WHERE i.workspace_id = ANY(%(administered)s::bigint[]))
           AS colleague
"""


def read_onboarding(
    user_id: int, workspace_ids: Sequence[int], administered_ids: Sequence[int], *, is_managing: bool
) -> tuple[SetupItem, ...]:
    """Every step of the user's role, done or not; none without a workspace."""
    if not workspace_ids:
        return ()
    row: Row = fetch_all(
        _DONE,
        {
            "workspaces": list(workspace_ids),
            "administered": list(administered_ids),
            "user": user_id,
            "owner": None if is_managing else user_id,
        },
    )[0]
    steps = [step for step in SetupStep if administered_ids or step not in _FOR_ADMINS]
    return tuple(SetupItem(step, row[step.value]) for step in steps)
