"""The lease on a lane: one worker serves one mailbox at a time, on whatever host it runs.

The lease survives commits and ends by itself; whoever lost it writes nothing, since every write names its token.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import execute, fetch_all
from emails.choices import LimitScope
from emails.models import EXECUTOR_RUNS

LEASE_SECONDS = 45
RENEW_SECONDS = 10


class LeaseLostError(RuntimeError):
    """Another worker has taken the lane over; what was in hand belongs to the recovery."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The timed right to serve one mailbox."""

    mailbox_id: int
    workspace_id: int
    token: uuid.UUID


_TAKE = f"""
UPDATE emails_mailbox b
SET lease_token = %(token)s, leased_until = %(until)s, leased_by = %(worker)s
WHERE b.id = (
    SELECT id FROM emails_mailbox
    WHERE lane_at <= %(now)s AND status = 'active' AND (leased_until IS NULL OR leased_until <= %(now)s)
      AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
      AND {EXECUTOR_RUNS}
    ORDER BY lane_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING b.id, b.workspace_id
"""
_RENEW = """
UPDATE emails_mailbox SET leased_until = %(until)s
WHERE id IN (SELECT id FROM emails_mailbox WHERE lease_token = ANY(%(tokens)s) ORDER BY id FOR NO KEY UPDATE)
RETURNING lease_token
"""
# What is locked is being recorded.
_RENEW_IN_HAND = """
UPDATE emails_emailmessage SET leased_until = %(until)s
WHERE id IN (SELECT id FROM emails_emailmessage
             WHERE status = 'sending' AND lease_token = ANY(%(tokens)s) FOR NO KEY UPDATE SKIP LOCKED)
"""
_RELEASE = """
UPDATE emails_mailbox SET lease_token = NULL, leased_until = NULL, leased_by = ''
WHERE id = %(mailbox)s AND lease_token = %(token)s
"""
# Conflicts with the lock of a lane that looks (emails.sending.final_check), not with another wake.
_MEET_LANES = """
SELECT id FROM emails_mailbox WHERE id = ANY(%(ids)s) ORDER BY id FOR KEY SHARE
"""
_WAKE_LANES = """
UPDATE emails_mailbox SET lane_at = %(now)s
WHERE id IN (
    SELECT id FROM emails_mailbox WHERE id = ANY(%(ids)s) AND (lane_at IS NULL OR lane_at > %(now)s)
    ORDER BY id FOR NO KEY UPDATE)
"""
# Whoever looks holds the lane's row, which is ours then; what is locked all the same is in somebody's hands.
_FORGET_CAPS = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE id IN (
    SELECT id FROM emails_emailmessage
    WHERE mailbox_id = ANY(%(ids)s) AND status = 'queued' AND split_part(held_by, ':', 1) = ANY(%(codes)s)
    FOR NO KEY UPDATE SKIP LOCKED)
"""
# The slot was put off with the breaker; by its pace it is no later than this.
_KNOCK = """
UPDATE emails_mailbox
SET breaker_until = %(now)s,
    next_slot_at = CASE WHEN next_slot_at > %(now)s
                        THEN least(next_slot_at, %(now)s + make_interval(secs => gap_seconds + jitter_seconds))
                        ELSE next_slot_at END
WHERE id = %(mailbox)s AND breaker_state <> 'closed' AND breaker_until > %(now)s
"""
_CAP_CODES = [f"{scope.value}_cap" for scope in LimitScope]
_NEXT = f"""
SELECT min(greatest(lane_at, coalesce(leased_until, lane_at))) AS at FROM emails_mailbox
WHERE lane_at IS NOT NULL AND status = 'active' AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
  AND {EXECUTOR_RUNS}
"""


def take_lane(now: datetime, worker: str, workspace_id: int | None = None) -> Lease | None:
    """Lease the lane that has been ready longest; None when none is. Commits with the caller's transaction."""
    token = uuid.uuid4()
    rows = fetch_all(
        _TAKE,
        {
            "now": now,
            "token": token,
            "until": now + timedelta(seconds=LEASE_SECONDS),
            "worker": worker[:200],
            "workspace": workspace_id,
        },
    )
    return Lease(rows[0]["id"], rows[0]["workspace_id"], token) if rows else None


def renew_leases(tokens: Sequence[uuid.UUID], now: datetime) -> None:
    """Prolong the leases, and those of the messages in hand. A lost lease stays lost.

    Each statement commits alone: who records results locks the messages first and the mailbox last.
    """
    until = now + timedelta(seconds=LEASE_SECONDS)
    renewed = fetch_all(_RENEW, {"tokens": list(tokens), "until": until}) if tokens else []
    if renewed:
        execute(_RENEW_IN_HAND, {"tokens": [row["lease_token"] for row in renewed], "until": until})


def release_lane(lease: Lease) -> None:
    execute(_RELEASE, {"mailbox": lease.mailbox_id, "token": lease.token})


def next_lane_at(workspace_id: int | None = None) -> datetime | None:
    """The earliest moment at which some lane can be taken; None when none waits for the clock."""
    at: datetime | None = fetch_all(_NEXT, {"workspace": workspace_id})[0]["at"]
    return at


def wake_lanes(mailbox_ids: Sequence[int], now: datetime) -> None:
    """Have a worker look at these lanes. Pace and caps still decide when they may send.

    Call it in the transaction that queues, after queueing. A lane that is awake and looks meanwhile cannot see what is
    not committed, and would fall asleep over it: so it is waited for, and waits until the transaction ends.
    """
    if mailbox_ids:
        ids = sorted(set(mailbox_ids))
        execute(_MEET_LANES, {"ids": ids})
        execute(_WAKE_LANES, {"ids": ids, "now": now})


def apply_new_caps(mailbox_ids: Sequence[int], now: datetime) -> None:
    """Caps or pace were changed: what these lanes and their messages rest for by the old ones is forgotten.

    Call it in the transaction of the change, before the caps' rows are written. The lanes come first here, as with
    whoever looks (emails.sending.final_check), who finds the new caps once the transaction has ended.
    """
    if mailbox_ids:
        wake_lanes(mailbox_ids, now)
        execute(_FORGET_CAPS, {"ids": sorted(set(mailbox_ids)), "now": now, "codes": _CAP_CODES})


def probe_now(mailbox_id: int, now: datetime) -> None:
    """What was changed may have mended it: a breaker that is open lets its probe through at once."""
    execute(_KNOCK, {"mailbox": mailbox_id, "now": now})
