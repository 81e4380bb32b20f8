"""The statement that enrolls: it evaluates every rule about a contact's history and inserts those that pass.

One statement, so that the reason for a contact and what is done with it come from the same snapshot. The caller holds
the workspace's lock for enrolling: of two users who enroll the same contacts at once, the second one's snapshot
includes what the first one committed. Must not know templates or words.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import Row, execute, fetch_all
from execution.control.enroll_rules import OVERRIDABLE
from sequences.enrollment_sql import LIVE
from sequences.models import Sequence, Workspace

# A rule looks at what is stored of the contact, never at what another request is about to store. The removal of a
# suppression is a user's decision with a reason: what happened before it no longer counts. A bounce belongs to the
# address, not to the contact: it counts while the contact has the address that the email went to.
_ENROLL = f"""
WITH facts AS MATERIALIZED (
    SELECT r.*, c.erased_at, x.reason AS suppressed_for, x.domain AS suppressed_domain,
           h.is_in_sequence, h.ended_at, h.ended_status, h.ended_reason, h.other_sequence_id,
           greatest(h.replied_at, v.replied_at) AS answered_at, n.at AS never_at, n.code AS never_code,
           m.last_email_at
    FROM unnest(%(contacts)s::bigint[], %(dues)s::timestamptz[], %(priorities)s::smallint[], %(fit)s::bool[])
         AS r(contact, due, priority, is_fit)
    JOIN sequences_contact c ON c.id = r.contact
    LEFT JOIN LATERAL (
        SELECT x.reason, x.domain FROM emails_suppression x
        WHERE x.workspace_id = c.workspace_id AND x.email <> '' AND x.email = lower(c.email)
        UNION ALL
        SELECT x.reason, x.domain FROM emails_suppression x
        WHERE x.workspace_id = c.workspace_id AND x.domain <> ''
          AND x.domain = lower(split_part(c.email, '@', 2))
        LIMIT 1
    ) x ON true
    CROSS JOIN LATERAL (
        SELECT bool_or(e.sequence_id = %(sequence)s AND e.status IN {LIVE})
                   AS is_in_sequence,
               max(e.sequence_id) FILTER (
                   WHERE e.sequence_id <> %(sequence)s AND e.status IN {LIVE})
                   AS other_sequence_id,
               max(e.completed_at) FILTER (WHERE e.status = 'replied') AS replied_at,
               max(e.completed_at) FILTER (WHERE e.sequence_id = %(sequence)s) AS ended_at,
               (array_agg(e.status ORDER BY e.completed_at DESC)
                   FILTER (WHERE e.sequence_id = %(sequence)s AND e.completed_at IS NOT NULL))[1] AS ended_status,
               (array_agg(e.auto_exit_reason ORDER BY e.completed_at DESC)
                   FILTER (WHERE e.sequence_id = %(sequence)s AND e.completed_at IS NOT NULL))[1] AS ended_reason
        FROM sequences_enrollment e WHERE e.contact_id = c.id
    ) h
    CROSS JOIN LATERAL (
        SELECT max(v.occurred_at) AS replied_at FROM emails_emailevent v
        WHERE v.contact_id = c.id AND v.type = 'replied' AND v.verdict = 'human'
    ) v
    LEFT JOIN LATERAL (
        SELECT s.at, s.code FROM (
            SELECT v.occurred_at AS at,
                   CASE v.type WHEN 'unsubscribed' THEN 'opted_out' WHEN 'replied' THEN 'possible_opt_out'
                               ELSE v.type END AS code
            FROM emails_emailevent v
            LEFT JOIN emails_emailmessage b ON b.id = v.message_id
            LEFT JOIN emails_reply y ON y.event_id = v.id
            WHERE v.contact_id = c.id AND v.type IN ('unsubscribed', 'complained', 'bounced', 'replied')
              AND v.verdict = 'human'
              AND (v.type <> 'replied' OR coalesce(y.intent, v.payload->>'intent') = 'possible_opt_out')
              AND (v.type <> 'bounced'
                   OR (v.bounce_type = 'hard' AND (b.id IS NULL OR lower(b.recipient) = lower(c.email))))
            UNION ALL
            SELECT e.completed_at,
                   CASE e.auto_exit_reason WHEN 'unsubscribed' THEN 'opted_out' ELSE e.auto_exit_reason END
            FROM sequences_enrollment e
            WHERE e.contact_id = c.id AND e.status = 'auto_exited'
              AND (e.auto_exit_reason IN ('unsubscribed', 'complained')
                   OR (e.auto_exit_reason = 'bounced' AND NOT EXISTS (
                           SELECT 1 FROM emails_emailmessage b
                           WHERE b.enrollment_id = e.id AND lower(b.recipient) <> lower(c.email))))
        ) s
        WHERE NOT EXISTS (
            SELECT 1 FROM emails_suppressionchange g
            WHERE g.workspace_id = c.workspace_id AND g.email = lower(c.email) AND g.action IN ('removed', 'expired')
              AND g.at >= s.at)
        ORDER BY s.at DESC LIMIT 1
    ) n ON true
    LEFT JOIN LATERAL (
        SELECT max(m.handed_over_at) AS last_email_at FROM emails_emailmessage m
        WHERE m.contact_id = c.id AND m.status IN ('sending', 'sent', 'unknown')
    ) m ON %(quiet_since)s::timestamptz IS NOT NULL
), ruled AS MATERIALIZED (
    SELECT f.*, CASE
        WHEN f.erased_at IS NOT NULL THEN 'erased'
        WHEN f.suppressed_for IS NOT NULL THEN 'suppressed'
        WHEN f.never_code IS NOT NULL THEN f.never_code
        WHEN f.is_in_sequence THEN 'already_in_sequence'
        WHEN f.ended_at IS NOT NULL THEN 'had_sequence'
        WHEN f.answered_at > %(answered_since)s::timestamptz THEN 'answered'
        WHEN f.other_sequence_id IS NOT NULL AND NOT %(parallel)s::boolean THEN 'in_other_sequence'
        WHEN f.last_email_at > %(quiet_since)s::timestamptz THEN 'cool_down'
        END AS code
    FROM facts f
), inserted AS (
    INSERT INTO sequences_enrollment (
        workspace_id, sequence_id, contact_id, mailbox_id, pool_id, owner_id, status, current_step_id, visit,
        previous_ended_at, next_step_at, wake_at, priority, retry_count, last_error, instant_transitions, pause_reason,
        paused_by, emails_sent, steps_completed, auto_exit_reason, again_reason, again_by, enrolled_at, updated_at,
        rule_id)
    SELECT %(workspace)s, %(sequence)s, r.contact, %(mailbox)s, %(pool)s, %(owner)s, 'active', %(step)s, 1,
           %(start)s, r.due, r.due, r.priority, 0, '', 0, '',
           '', 0, 0, '', CASE WHEN r.code IS NULL THEN '' ELSE %(again)s END,
           CASE WHEN r.code IS NULL THEN '' ELSE %(actor)s END, %(now)s, %(now)s, %(rule)s
    FROM ruled r
    WHERE r.is_fit AND (r.code IS NULL OR (%(again)s <> '' AND r.code = ANY(%(overridable)s::text[])))
    ORDER BY r.contact
    LIMIT %(most)s
    ON CONFLICT (sequence_id, contact_id) WHERE status IN {LIVE} DO NOTHING
    RETURNING id, contact_id, again_reason <> '' AS is_again
)
SELECT r.contact, r.code, r.is_fit, r.suppressed_for, r.suppressed_domain, r.never_at, r.ended_at, r.ended_status,
       r.ended_reason, r.answered_at, r.last_email_at, o.name AS other_sequence, i.id, i.is_again
FROM ruled r
LEFT JOIN inserted i ON i.contact_id = r.contact
LEFT JOIN sequences_sequence o ON o.id = r.other_sequence_id AND r.code = 'in_other_sequence'
"""


# A lock of its own and not the workspace's row: no other writer takes it, so it cannot deadlock with one that changes
# the workspace and replans its enrollments.
_LOCK = "SELECT pg_advisory_xact_lock(%(kind)s::int, %(workspace)s::int)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(kind)s::int, %(workspace)s::int) AS is_free"
_ADVISORY_LOCK = 72_002


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact with the due time of its first step. `is_fit`: nothing outside this statement speaks against it."""

    contact_id: int
    due_at: datetime
    priority: int
    is_fit: bool


@dataclass(frozen=True, slots=True)
class Enrolling:
    """What all enrollments of one call share. `again_reason` empty: no rule is overridden.

    `rule_id`: of the auto-enrollment rule that enrolls.
    """

    sequence: Sequence
    workspace: Workspace
    step_id: int
    mailbox_id: int | None
    owner_id: int | None
    pool_id: int | None
    again_reason: str
    actor: str
    starts_at: datetime
    now: datetime
    rule_id: int | None = None


def lock_enrolling(workspace_id: int) -> None:
    """Let one transaction at a time enroll in this workspace; taken before any row is locked, held to its end."""
    execute(_LOCK, {"kind": _ADVISORY_LOCK, "workspace": workspace_id})


def try_lock_enrolling(workspace_id: int) -> bool:
    """The same lock without waiting: whether it was free."""
    rows = fetch_all(_TRY_LOCK, {"kind": _ADVISORY_LOCK, "workspace": workspace_id})
    return bool(rows[0]["is_free"])


def insert_enrollments(candidates: Rows[Candidate], given: Enrolling, most: int | None = None) -> dict[int, Row]:
    """By contact id: `id` of the new enrollment, or the `code` of the rule that kept the contact out with its facts.

    At most `most` are inserted, in the order of contacts. A row with neither is beyond them, was not fit, or lost to an
    enrollment that was committed at the same moment.
    """
    if not candidates:
        return {}
    workspace = given.workspace
    rows = fetch_all(
        _ENROLL,
        {
            "contacts": [candidate.contact_id for candidate in candidates],
            "dues": [candidate.due_at for candidate in candidates],
            "priorities": [candidate.priority for candidate in candidates],
            "fit": [candidate.is_fit for candidate in candidates],
            "workspace": workspace.pk,
            "sequence": given.sequence.pk,
            "mailbox": given.mailbox_id,
            "owner": given.owner_id,
            "pool": given.pool_id,
            "step": given.step_id,
            "start": given.starts_at,
            "now": given.now,
            "again": given.again_reason,
            "actor": given.actor[:200],
            "rule": given.rule_id,
            "most": most,
            "overridable": [code.value for code in OVERRIDABLE],
            "parallel": workspace.parallel_sequences,
            "answered_since": _since(given.now, workspace.answered_within_days),
            "quiet_since": _since(given.now, workspace.cool_down_days),
        },
    )
    return {row["contact"]: row for row in rows}


def _since(now: datetime, days: int) -> datetime | None:
    """None: the rule is off. A comparison with NULL keeps no contact out."""
    return now - timedelta(days=days) if days else None
