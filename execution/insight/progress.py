"""How long each part of the product has made no progress: due lanes, unread inboxes, webhooks, loops, workers.

Read from the rows themselves, so that it is true whichever process asks and whatever has stopped. A part that waits by
plan (pace, window, pause, a pause after failures) is not due and has no age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.db import Row, fetch_all
from common.share_sql import shown_url
from common.text import plural
from emails.inbound.inbox_claims import LONGEST_PAUSE_POLLS, POLL_SECONDS
from emails.models import EXECUTOR_RUNS
from execution.heartbeat import alive_workers
from execution.models import Worker
from sequences.models.workspace import workspace_sends

STUCK_AFTER = timedelta(minutes=5)
# A worker that is gone for longer was taken away on purpose.
_SILENT_FOR_AT_MOST = timedelta(hours=1)
_OWNERS_TOLD = 20


class Part(StrEnum):
    LANES = "lanes"
    INBOXES = "inboxes"
    WEBHOOKS = "webhooks"
    LOOPS = "loops"
    WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class Standstill:
    """What has made no progress for more than five minutes, of one workspace or (None) of the installation.

    `key` identifies it: the same trouble has the same key. `number`: how many lanes, inboxes, receivers. `owners`: the
    email addresses of a few of their owners.
    """

    part: Part
    key: str
    workspace_id: int | None
    number: int
    text: str
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """`ages`: seconds since the oldest of each part was due, 0 where nothing is."""

    ages: dict[Part, float]
    standstills: tuple[Standstill, ...]

    def is_late(self, part: Part) -> bool:
        return self.ages[part] > STUCK_AFTER.total_seconds()


_SCOPE = "(%(workspaces)s::bigint[] IS NULL OR w.id = ANY(%(workspaces)s))"
_COLUMNS = """
SELECT w.id, w.name, min(d.at) AS oldest_at, count(*) FILTER (WHERE d.at <= %(before)s) AS number,
       (array_agg(d.what ORDER BY d.at))[1] AS what,
       array_agg(DISTINCT u.email) FILTER (WHERE d.at <= %(before)s AND u.is_active AND u.email <> '') AS owners
"""
_WORKSPACE = """
JOIN sequences_workspace w ON w.id = d.workspace_id LEFT JOIN auth_user u ON u.id = d.owner_id
"""
_LANES = f"""
{_COLUMNS}
FROM (SELECT workspace_id, owner_id, lane_at AS at, address AS what FROM emails_mailbox
      WHERE lane_at <= %(now)s AND status = 'active' AND {EXECUTOR_RUNS} AND {workspace_sends("workspace_id")}) d
{_WORKSPACE} WHERE {_SCOPE} GROUP BY w.id, w.name
"""
_INBOXES = f"""
{_COLUMNS}
FROM (SELECT b.workspace_id, b.owner_id, b.address AS what, CASE
          WHEN s.checked_at IS NOT NULL THEN s.checked_at + make_interval(
              secs => {POLL_SECONDS} * least(1 << least(s.failures, 10), {LONGEST_PAUSE_POLLS}))
          ELSE coalesce(b.inbox_read_at + make_interval(secs => {POLL_SECONDS}), b.updated_at) END AS at
      FROM emails_mailbox b LEFT JOIN emails_inboxstate s ON s.mailbox_id = b.id
      WHERE b.inbound = 'imap' AND b.status = 'active') d
{_WORKSPACE} WHERE d.at <= %(now)s AND {_SCOPE} GROUP BY w.id, w.name
"""
_WEBHOOKS = f"""
{_COLUMNS}
FROM (SELECT s.workspace_id, NULL::int AS owner_id, x.at, {shown_url("s.url")} AS what
      FROM execution_webhooksubscription s
      CROSS JOIN LATERAL (SELECT next_attempt_at AS at FROM execution_webhookdelivery
                          WHERE subscription_id = s.id AND state = 'pending' AND next_attempt_at <= %(now)s
                          ORDER BY next_attempt_at, id LIMIT 1) x
      WHERE s.is_active) d
{_WORKSPACE} WHERE {_SCOPE} GROUP BY w.id, w.name
"""
_OF_WORKSPACES = {
    Part.LANES: (_LANES, "sending queue"),
    Part.INBOXES: (_INBOXES, "inbox"),
    Part.WEBHOOKS: (_WEBHOOKS, "webhook"),
}
_DUE_SINCE = {Part.LANES: "due", Part.INBOXES: "unread", Part.WEBHOOKS: "waiting"}
_PLURAL = {"inbox": "inboxes"}


def read_progress(now: datetime, workspace_ids: Sequence[int] | None = None) -> Progress:
    """Of these workspaces and of the installation; None: of all. A fixed number of statements."""
    asked = {
        "now": now,
        "before": now - STUCK_AFTER,
        "workspaces": None if workspace_ids is None else list(workspace_ids),
    }
    ages: dict[Part, float] = {}
    standstills: list[Standstill] = []
    for part, (sql, noun) in _OF_WORKSPACES.items():
        rows = fetch_all(sql, asked)
        ages[part] = max(((now - row["oldest_at"]).total_seconds() for row in rows), default=0.0)
        standstills += [_of_workspace(part, noun, row, now) for row in rows if row["number"]]
    alive = alive_workers(now)
    turns = [(worker, loop, now - at) for worker in alive for loop, at in _read_turns(worker).items()]
    ages[Part.LOOPS] = max((age.total_seconds() for _, _, age in turns), default=0.0)
    standstills += [_of_loop(worker, loop, age) for worker, loop, age in turns if age > STUCK_AFTER]
    silent = _find_silent(now)
    beats = [worker.heartbeat_at for worker in (*alive, *silent)]
    ages[Part.WORKERS] = max((max((now - at).total_seconds(), 0.0) for at in beats), default=0.0)
    standstills += [_of_worker(worker, now) for worker in silent]
    return Progress(ages, tuple(standstills))


def _of_workspace(part: Part, noun: str, row: Row, now: datetime) -> Standstill:
    minutes = _minutes(now - row["oldest_at"])
    what = plural(row["number"], noun, _PLURAL.get(noun, f"{noun}s"))
    owners = tuple(row["owners"] or ())[:_OWNERS_TOLD]
    verb = "has been" if row["number"] == 1 else "have been"
    text = f"{what} of {row['name']} {verb} {_DUE_SINCE[part]} for up to {minutes}: first {row['what']}"
    return Standstill(part, f"stuck:{part}:{row['id']}", row["id"], row["number"], text, owners)


def _of_loop(worker: Worker, loop: str, age: timedelta) -> Standstill:
    text = f"The part '{loop}' of executor {worker.name} has stood still for {_minutes(age)}"
    return Standstill(Part.LOOPS, f"stuck:loop:{worker.pk}:{loop}", None, 1, text)


def _of_worker(worker: Worker, now: datetime) -> Standstill:
    text = f"Executor {worker.name} has been silent for {_minutes(now - worker.heartbeat_at)}"
    return Standstill(Part.WORKERS, f"stuck:worker:{worker.pk}", None, 1, text)


def _read_turns(worker: Worker) -> dict[str, datetime]:
    return {loop: datetime.fromisoformat(at) for loop, at in worker.turns.items()}


def _find_silent(now: datetime) -> list[Worker]:
    """Workers that neither beat nor stopped, and that no later one on their host has replaced."""
    gone = Worker.objects.filter(
        stopped_at__isnull=True, heartbeat_at__lte=now - STUCK_AFTER, heartbeat_at__gt=now - _SILENT_FOR_AT_MOST
    )
    started: dict[tuple[str, str], datetime] = {}
    for worker in Worker.objects.filter(started_at__gt=now - _SILENT_FOR_AT_MOST - STUCK_AFTER).order_by("started_at"):
        started[_place(worker)] = worker.started_at
    return [worker for worker in gone if started.get(_place(worker), worker.started_at) <= worker.started_at]


def _place(worker: Worker) -> tuple[str, str]:
    return worker.name.rpartition(":")[0], worker.kind


def _minutes(age: timedelta) -> str:
    return plural(int(age.total_seconds() // 60), "minute", "minutes")
