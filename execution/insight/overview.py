"""What the admin's first page shows: figures, the last day by the hour, lanes with problems, alerts, missing setup.

Reads only, of the workspaces that are named, in a fixed number of statements; nothing is counted without a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from common.db import fetch_all
from execution.insight.progress import Progress, read_progress
from execution.insight.queue import ExecutorStatus, read_status
from execution.models import Alert
from sequences.models import Workspace

HOURS = 24
_LANES_SHOWN, _ALERTS_SHOWN = 6, 5
_SENDS_COUNTED, _DELAYS_COUNTED = 500_000, 20_000


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour that begins `at`: emails sent, and the 95th percentile of seconds from due to decided."""

    at: datetime
    sent: int
    delay_p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class LaneState:
    """How many mailboxes are in this state."""

    state: str
    number: int


@dataclass(frozen=True, slots=True)
class TroubledLane:
    mailbox_id: int
    address: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overview:
    status: ExecutorStatus
    hours: tuple[Hour, ...]
    lanes: tuple[LaneState, ...]
    troubled: tuple[TroubledLane, ...]
    alerts: tuple[Alert, ...]
    progress: Progress

    @property
    def sent_last_day(self) -> int:
        return sum(hour.sent for hour in self.hours)


_SENT = """
SELECT date_bin('1 hour', l.at, %(since)s) AS hour, count(*) AS sent FROM (
    SELECT at FROM execution_executionlog
    WHERE at > %(since)s AND at <= %(now)s AND workspace_id = ANY(%(workspaces)s::bigint[]) AND action = 'executed'
      AND step_type = 'email' LIMIT %(sends)s) l
GROUP BY 1
"""
_DELAYS = """
SELECT date_bin('1 hour', d.at, %(since)s) AS hour, percentile_cont(0.95) WITHIN GROUP (ORDER BY d.seconds) AS p95
FROM (
    SELECT l.at, greatest(extract(epoch FROM m.queued_at - m.due_at), 0)::float AS seconds
    FROM (SELECT enrollment_id, step_id, at FROM execution_executionlog
          WHERE at > %(since)s AND at <= %(now)s AND workspace_id = ANY(%(workspaces)s::bigint[]) AND action = 'queued'
          LIMIT %(delays)s) l
    CROSS JOIN LATERAL (SELECT x.queued_at, x.due_at FROM emails_emailmessage x
                        WHERE x.enrollment_id = l.enrollment_id AND x.step_id = l.step_id AND x.queued_at = l.at
                        LIMIT 1) m) d
GROUP BY 1
"""
_STATE = """CASE WHEN b.status <> 'active' THEN b.status WHEN b.breaker_state <> 'closed' THEN 'server down'
                 WHEN b.lane_at IS NULL THEN 'idle' WHEN b.lane_at <= %(now)s THEN 'ready' ELSE 'waiting' END"""
_LANES = f"""
SELECT {_STATE} AS state, count(*) AS number FROM emails_mailbox b
WHERE b.workspace_id = ANY(%(workspaces)s::bigint[]) GROUP BY 1 ORDER BY 2 DESC
"""
_TROUBLED = f"""
SELECT b.id, b.address, {_STATE} AS state, coalesce(nullif(b.status_reason, ''), b.breaker_error) AS reason
FROM emails_mailbox b
WHERE b.workspace_id = ANY(%(workspaces)s::bigint[]) AND (b.status <> 'active' OR b.breaker_state <> 'closed')
ORDER BY b.status = 'active', b.address LIMIT %(lanes)s
"""


def read_overview(workspace_ids: Sequence[int], now: datetime, *, for_operator: bool = False) -> Overview:
    """Everything at the moment `now`. Operators also see the alerts of the installation.

    An operator who belongs to no workspace sees the figures of all of them, and names nothing that is theirs.
    """
    is_stranger = for_operator and not workspace_ids
    counted = list(Workspace.objects.values_list("pk", flat=True)) if is_stranger else list(workspace_ids)
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    asked = {
        "workspaces": counted,
        "now": now,
        "since": begin,
        "sends": _SENDS_COUNTED,
        "delays": _DELAYS_COUNTED,
        "lanes": _LANES_SHOWN,
    }
    shown = Q(workspace_id__in=workspace_ids) | (Q(workspace=None) if for_operator else Q(pk__in=[]))
    open_alerts = Alert.objects.filter(shown, cleared_at__isnull=True)
    troubled = fetch_all(_TROUBLED, {**asked, "workspaces": list(workspace_ids)})
    return Overview(
        status=read_status(counted, now),
        hours=_read_hours(asked, begin),
        lanes=tuple(LaneState(row["state"], row["number"]) for row in fetch_all(_LANES, asked)),
        troubled=tuple(TroubledLane(row["id"], row["address"], row["state"], row["reason"]) for row in troubled),
        alerts=tuple(open_alerts.order_by("-raised_at")[:_ALERTS_SHOWN]),
        progress=_only_shown(read_progress(now, counted), workspace_ids, for_operator=for_operator),
    )


def _only_shown(progress: Progress, workspace_ids: Sequence[int], *, for_operator: bool) -> Progress:
    shown = {*workspace_ids, *((None,) if for_operator else ())}
    return replace(progress, standstills=tuple(each for each in progress.standstills if each.workspace_id in shown))


def _read_hours(asked: dict[str, object], begin: datetime) -> tuple[Hour, ...]:
    sent = {row["hour"]: row["sent"] for row in fetch_all(_SENT, asked)}
    delays = {row["hour"]: row["p95"] for row in fetch_all(_DELAYS, asked)}
    hours = [begin + timedelta(hours=number) for number in range(HOURS)]
    return tuple(Hour(at, sent.get(at, 0), delays.get(at)) for at in hours)
