"""What is kept for how long, applied a little at a time: executors do a round a minute, `prune_logs` all that is due.

Each round is a few short transactions over a bounded number of rows, found by index, so that no engine waits for it; it
can be stopped at any time. What was sent, to whom and when is never deleted: caps, stop rules and timelines read it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction

from common.db import execute, fetch_all

PEOPLE_A_ROUND = 500
_ROWS_A_ROUND = 5_000
_RECORDS_KEPT = timedelta(days=30)
_ONE_KEEPER = 7_306_002

# Who ended longest ago first, workspace by workspace: `retained_at` is how far it has come.
_ENDED = """
SELECT w.id AS workspace, e.id, e.completed_at
FROM sequences_workspace w
CROSS JOIN LATERAL (
    SELECT x.id, x.completed_at FROM sequences_enrollment x
    WHERE x.workspace_id = w.id AND x.completed_at IS NOT NULL
      AND x.completed_at > coalesce(w.retained_at, '-infinity')
      AND x.completed_at < %(now)s - w.retention_days * interval '1 day'
    ORDER BY x.completed_at LIMIT %(people)s
) e
ORDER BY w.id, e.completed_at LIMIT %(people)s
"""
_COUNT = """
SELECT count(*) AS number FROM sequences_workspace w JOIN sequences_enrollment x ON x.workspace_id = w.id
WHERE x.completed_at IS NOT NULL AND x.completed_at > coalesce(w.retained_at, '-infinity')
  AND x.completed_at < %(now)s - w.retention_days * interval '1 day'
"""
_LOGS = "DELETE FROM execution_executionlog WHERE enrollment_id = ANY(%(ids)s)"
_LETTERS = "DELETE FROM execution_deadletter WHERE enrollment_id = ANY(%(ids)s) AND resolved_at IS NOT NULL"
_BODIES = """
UPDATE emails_emailmessage SET text = '', html = '', error_trace = ''
WHERE enrollment_id = ANY(%(ids)s) AND (text <> '' OR html <> '' OR error_trace <> '')
"""
_PAYLOADS = """
UPDATE emails_emailevent SET payload = '{}', detail = ''
WHERE enrollment_id = ANY(%(ids)s) AND (payload <> '{}' OR detail <> '')
"""
# Several may have ended in one moment, and the next round begins after it: those of the last moment go along.
_SAME_MOMENT = """
SELECT e.id FROM sequences_enrollment e
JOIN unnest(%(workspaces)s::bigint[], %(until)s::timestamptz[]) AS r(workspace, until)
     ON e.workspace_id = r.workspace AND e.completed_at = r.until
"""
_COME_SO_FAR = """
UPDATE sequences_workspace w SET retained_at = r.until
FROM unnest(%(workspaces)s::bigint[], %(until)s::timestamptz[]) AS r(workspace, until) WHERE w.id = r.workspace
"""
# They come in the order of their ids, so only the oldest have to be looked at.
_OLDEST = """
DELETE FROM {table} WHERE id IN (
    SELECT o.id FROM (SELECT * FROM {table} ORDER BY id LIMIT %(rows)s) o WHERE {is_over})
"""
_RECORDS = {
    # what waits for a subscription that was switched off is never posted, nor told to have failed
    "execution_webhookdelivery": "o.created_at < %(before)s AND (o.state <> 'pending' OR o.give_up_at < %(before)s)",
    "emails_hookrecord": "o.received_at < %(before)s",
}
_SESSIONS = """
DELETE FROM django_session WHERE session_key IN (
    SELECT session_key FROM django_session WHERE expire_date < %(now)s ORDER BY expire_date LIMIT %(rows)s)
"""
_JOBS = "DELETE FROM django_q_task WHERE id IN (SELECT id FROM django_q_task WHERE stopped < %(before)s LIMIT %(rows)s)"


def keep_what_is_kept(now: datetime) -> Counter[str]:
    """One round. Returns rows deleted or emptied by table, and `people`; nothing while another process is at it."""
    done: Counter[str] = Counter()
    with transaction.atomic():
        if not _is_ours():
            return done
        done += _let_go_of_people(now)
    for table, is_over in _RECORDS.items():
        statement = _OLDEST.format(table=table, is_over=is_over)
        done[table] = execute(statement, {"before": now - _RECORDS_KEPT, "rows": _ROWS_A_ROUND})
    done["django_session"] = execute(_SESSIONS, {"now": now, "rows": _ROWS_A_ROUND})
    done["django_q_task"] = execute(_JOBS, {"before": now - _RECORDS_KEPT, "rows": _ROWS_A_ROUND})
    return done


def count_people(now: datetime) -> int:
    """How many have ended before their workspace's retention and still have what goes then."""
    number: int = fetch_all(_COUNT, {"now": now})[0]["number"]
    return number


def _is_ours() -> bool:
    return bool(fetch_all("SELECT pg_try_advisory_xact_lock(%(key)s) AS got", {"key": _ONE_KEEPER})[0]["got"])


def _let_go_of_people(now: datetime) -> Counter[str]:
    """Log, resolved dead letters, texts and raw payloads of those who ended before their workspace's retention."""
    ended = fetch_all(_ENDED, {"now": now, "people": PEOPLE_A_ROUND})
    if not ended:
        return Counter()
    until = {row["workspace"]: row["completed_at"] for row in ended}
    reached = {"workspaces": list(until), "until": list(until.values())}
    ids = sorted({row["id"] for row in ended} | {row["id"] for row in fetch_all(_SAME_MOMENT, reached)})
    done = Counter(
        {
            "people": len(ids),
            "execution_executionlog": execute(_LOGS, {"ids": ids}),
            "execution_deadletter": execute(_LETTERS, {"ids": ids}),
            "emails_emailmessage": execute(_BODIES, {"ids": ids}),
            "emails_emailevent": execute(_PAYLOADS, {"ids": ids}),
        }
    )
    execute(_COME_SO_FAR, reached)
    return done
