"""The lease on a lane: one worker serves one mailbox at a time, on whatever host it runs.

The lease survives commits and expires by itself. A worker that lost it writes nothing: every write names its token.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import execute, fetch_all
from common.fair_share import UNLIMITED, Shares
from common.share_sql import allowed, fairest_first, host_of_url, share_params
from emails.choices import LimitScope
from emails.models import EXECUTOR_RUNS
from sequences.models.workspace import workspace_sends

LEASE_SECONDS = 45
RENEW_SECONDS = 10


class LeaseLostError(RuntimeError):
    """Another worker has taken the lane over; recovery resolves the messages that were being sent."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to serve one mailbox, for `LEASE_SECONDS` unless renewed. `host`: of its server."""

    mailbox_id: int
    workspace_id: int
    token: uuid.UUID
    host: str = ""


# What lanes share: the SMTP server, or the provider's API.
_HOST = f"""CASE WHEN transport = 'smtp' THEN rtrim(lower(smtp_host), '.')
                  ELSE coalesce(nullif({host_of_url("(transport_options ->> 'api_url')")}, ''), transport) END"""
_TAKE = f"""
UPDATE emails_mailbox b
SET lease_token = %(token)s, leased_until = %(until)s, leased_by = %(worker)s
WHERE b.id = (
    SELECT id FROM emails_mailbox
    WHERE lane_at <= %(now)s AND status = 'active' AND (leased_until IS NULL OR leased_until <= %(now)s)
      AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
      AND {EXECUTOR_RUNS} AND {workspace_sends("workspace_id")} AND {allowed("id", _HOST, "workspace_id")}
    ORDER BY {fairest_first(_HOST, "workspace_id")}, lane_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING b.id, b.workspace_id, {_HOST} AS host
"""
_RENEW = """
UPDATE emails_mailbox SET leased_until = %(until)s
WHERE id IN (SELECT id FROM emails_mailbox WHERE lease_token = ANY(%(tokens)s) ORDER BY id FOR NO KEY UPDATE)
RETURNING lease_token
"""
# A locked message is being recorded.
_RENEW_MESSAGES = """
UPDATE emails_emailmessage SET leased_until = %(until)s
WHERE id IN (SELECT id FROM emails_emailmessage
             WHERE status = 'sending' AND lease_token = ANY(%(tokens)s) FOR NO KEY UPDATE SKIP LOCKED)
"""
_RELEASE = """
UPDATE emails_mailbox SET lease_token = NULL, leased_until = NULL, leased_by = '',
    lane_at = CASE WHEN lane_at < %(back_at)s::timestamptz THEN %(back_at)s ELSE lane_at END
WHERE id = %(mailbox)s AND lease_token = %(token)s
"""
# Conflicts with the lock of the final check, not with another wake.
_WAIT_FOR_CHECKS = """
SELECT id FROM emails_mailbox WHERE id = ANY(%(ids)s) ORDER BY id FOR KEY SHARE
"""
_WAKE_LANES = """
UPDATE emails_mailbox SET lane_at = %(now)s
WHERE id IN (
    SELECT id FROM emails_mailbox WHERE id = ANY(%(ids)s) AND (lane_at IS NULL OR lane_at > %(now)s)
    ORDER BY id FOR NO KEY UPDATE)
"""
# The final check holds the lane's row, which we hold here; a message that is locked all the same is being recorded.
_FORGET_CAPS = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE id IN (
    SELECT id FROM emails_emailmessage
    WHERE mailbox_id = ANY(%(ids)s) AND status = 'queued' AND split_part(held_by, ':', 1) = ANY(%(codes)s)
    FOR NO KEY UPDATE SKIP LOCKED)
"""
# The breaker has postponed the next send as well; by the pace it is no later than this.
_PROBE = """
UPDATE emails_mailbox
SET breaker_until = %(now)s,
    next_slot_at = CASE WHEN next_slot_at > %(now)s
                        THEN least(next_slot_at, %(now)s + make_interval(secs => gap_seconds + jitter_seconds))
                        ELSE next_slot_at END
WHERE id = %(mailbox)s AND breaker_state <> 'closed' AND breaker_until > %(now)s
"""
# The slots that `emails.pacing.slots.find_slot` does not count either.
_WAKE_MISPLACED = """
UPDATE emails_mailbox SET lane_at = %(now)s, next_slot_at = NULL
WHERE id IN (
    SELECT id FROM emails_mailbox
    WHERE status = 'active' AND breaker_state = 'closed' AND breaker_failures = 0 AND lane_at > %(now)s
      AND next_slot_at > %(now)s + make_interval(secs => gap_seconds + jitter_seconds)
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""
_CAP_CODES = [f"{scope.value}_cap" for scope in LimitScope]
_ANOTHER_WAITS = f"""
SELECT EXISTS (SELECT 1 FROM emails_mailbox
               WHERE lane_at <= %(now)s AND status = 'active' AND (leased_until IS NULL OR leased_until <= %(now)s)
                 AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
                 AND {EXECUTOR_RUNS} AND {workspace_sends("workspace_id")}) AS waits
"""
_NEXT = f"""
SELECT min(greatest(lane_at, coalesce(leased_until, lane_at))) AS at FROM emails_mailbox
WHERE lane_at IS NOT NULL AND status = 'active' AND (%(workspace)s::bigint IS NULL OR workspace_id = %(workspace)s)
  AND {EXECUTOR_RUNS} AND {workspace_sends("workspace_id")}
"""


def take_lane(now: datetime, worker: str, workspace_id: int | None = None, shares: Shares = UNLIMITED) -> Lease | None:
    """Lease the lane that is due and most deserves a thread; None when none may start. Commits with the caller."""
    token = uuid.uuid4()
    rows = fetch_all(
        _TAKE,
        {
            "now": now,
            "token": token,
            "until": now + timedelta(seconds=LEASE_SECONDS),
            "worker": worker[:200],
            "workspace": workspace_id,
            **share_params(shares),
        },
    )
    return Lease(rows[0]["id"], rows[0]["workspace_id"], token, rows[0]["host"]) if rows else None


def renew_leases(tokens: Sequence[uuid.UUID], now: datetime) -> None:
    """Extend the leases, and those of the messages being sent. A lost lease stays lost.

    Each statement commits alone: recording results locks the messages first and the mailbox last.
    """
    until = now + timedelta(seconds=LEASE_SECONDS)
    renewed = fetch_all(_RENEW, {"tokens": list(tokens), "until": until}) if tokens else []
    if renewed:
        execute(_RENEW_MESSAGES, {"tokens": [row["lease_token"] for row in renewed], "until": until})


def release_lane(lease: Lease, back_at: datetime | None = None) -> None:
    """Free the lane. `back_at`: what it still has to send queues behind the lanes that were due until then."""
    execute(_RELEASE, {"mailbox": lease.mailbox_id, "token": lease.token, "back_at": back_at})


def another_lane_waits(workspace_id: int | None, now: datetime) -> bool:
    """Whether a lane is due that no worker serves."""
    return bool(fetch_all(_ANOTHER_WAITS, {"now": now, "workspace": workspace_id})[0]["waits"])


def next_lane_at(workspace_id: int | None = None) -> datetime | None:
    """The earliest moment at which some lane can be taken; None when none waits for the clock."""
    at: datetime | None = fetch_all(_NEXT, {"workspace": workspace_id})[0]["at"]
    return at


def wake_lanes(mailbox_ids: Sequence[int], now: datetime) -> None:
    """Let a worker serve these lanes. Pace and caps still decide when they may send.

    Call it in the transaction that queues, after queueing. A final check at the same time cannot see what is not
    committed and would set the lane to sleep: so this waits for it, and a later check waits for the commit.
    """
    if mailbox_ids:
        ids = sorted(set(mailbox_ids))
        execute(_WAIT_FOR_CHECKS, {"ids": ids})
        execute(_WAKE_LANES, {"ids": ids, "now": now})


def wait_for_checks(mailbox_ids: Sequence[int]) -> None:
    """Wait until the final checks of these lanes that have begun have marked their messages, and hold up later ones.

    Call it in the transaction of a pause, after the pause is written: a later check reads it after the commit.
    """
    if mailbox_ids:
        execute(_WAIT_FOR_CHECKS, {"ids": sorted(set(mailbox_ids))})


def apply_new_caps(mailbox_ids: Sequence[int], now: datetime) -> None:
    """Release lanes and messages that wait because of their old caps or pace.

    Call it in the transaction of the change, before the caps' rows are written: lanes are locked first, as in the final
    check, which reads the new caps after the commit.
    """
    if mailbox_ids:
        wake_lanes(mailbox_ids, now)
        execute(_FORGET_CAPS, {"ids": sorted(set(mailbox_ids)), "now": now, "codes": _CAP_CODES})


def probe_now(mailbox_id: int, now: datetime) -> None:
    """Let an open breaker try one message at once: the change may have fixed its cause."""
    execute(_PROBE, {"mailbox": mailbox_id, "now": now})


def wake_misplaced(now: datetime) -> int:
    """Wake the lanes that sleep until a slot which their pace cannot have set: a wrong clock has written it."""
    return execute(_WAKE_MISPLACED, {"now": now})
