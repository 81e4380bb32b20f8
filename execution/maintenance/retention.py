"""What is deleted when: one table of rules, applied by executors a little at a time and by `prune_logs` all at once.

Owns every deletion of old rows. Must not delete what was sent, to which contact and when: caps, stop rules and
timelines read it. Each round is a few short transactions over a bounded number of rows, found by index, so that no
engine waits for it; it can be stopped at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from common.db import execute, fetch_all

ENROLLMENTS_A_ROUND = 500
_ROWS_A_ROUND = 5_000
_ROWS_A_BATCH = 5_000
_MONTH = timedelta(days=30)
_QUARTER = timedelta(days=92)
_SECURITY_EVENTS = timedelta(days=400)
_ADVISORY_LOCK = 7_306_002


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes from one table; conditions call its row `o`.

    `of_ended`: what goes once its enrollment ended longer ago than the workspace's retention. `emptied`: columns that
    are emptied then; without them the row is deleted. `by_age`: what goes by its own age, counted back to `before`.
    `kept`: after which age executors apply `by_age` themselves; None leaves that to `prune_logs --older-than`.
    `has_own_age`: goes after `kept` only, whatever age that command is given.
    `order`: the column that finds the oldest rows by index.
    """

    table: str
    of_ended: str = ""
    emptied: str = ""
    by_age: str = ""
    kept: timedelta | None = None
    has_own_age: bool = False
    key: str = "id"
    order: str = "id"


_ENDED_BEFORE = "(SELECT e.completed_at FROM sequences_enrollment e WHERE e.id = o.enrollment_id) < %(before)s"
_IMPORT_ENDED = "(SELECT i.finished_at FROM sequences_contactimport i WHERE i.id = o.contact_import_id)"
RULES = (
    Rule("execution_executionlog", of_ended="true", by_age=f"o.at < %(before)s AND {_ENDED_BEFORE}"),
    Rule("emails_emailoutcome", of_ended="true", by_age=f"o.at < %(before)s AND {_ENDED_BEFORE}"),
    Rule("execution_deadletter", of_ended="o.resolved_at IS NOT NULL", by_age="o.resolved_at < %(before)s"),
    Rule(
        "emails_emailmessage",
        of_ended="(o.text <> '' OR o.html <> '' OR o.error_trace <> '')",
        emptied="text = '', html = '', error_trace = ''",
    ),
    Rule("emails_emailevent", of_ended="(o.payload <> '{}' OR o.detail <> '')", emptied="payload = '{}', detail = ''"),
    Rule(
        "emails_reply",
        of_ended="(o.text <> '' OR o.quoted <> '' OR o.html_text <> '')",
        emptied="text = '', quoted = '', html_text = '', attachments = '[]'",
    ),
    Rule("emails_answer", of_ended="o.body <> ''", emptied="body = ''"),
    Rule("sequences_securityevent", by_age="o.at < %(before)s", kept=_SECURITY_EVENTS, has_own_age=True),
    Rule("execution_alert", by_age="o.cleared_at < %(before)s"),
    # what waits for a subscription that was switched off is never posted, and never reported as failed
    Rule(
        "execution_webhookdelivery",
        by_age="o.created_at < %(before)s AND (o.state <> 'pending' OR o.give_up_at < %(before)s)",
        kept=_MONTH,
    ),
    Rule("sequences_contactimportbatch", by_age=f"{_IMPORT_ENDED} < %(before)s", kept=_MONTH),
    Rule(
        "sequences_contactimport",
        by_age="o.finished_at < %(before)s "
        "AND NOT EXISTS (SELECT 1 FROM sequences_contactimportbatch b WHERE b.contact_import_id = o.id)",
        kept=_MONTH,
    ),
    Rule("execution_keptforecast", by_age="o.made_at < %(before)s", kept=_QUARTER, has_own_age=True),
    Rule(
        "emails_maildomain",
        by_age="o.valid_until < %(before)s",
        kept=_MONTH,
        has_own_age=True,
        key="domain",
        order="valid_until",
    ),
    Rule("emails_hookrecord", by_age="o.received_at < %(before)s", kept=_MONTH),
    Rule("django_q_task", by_age="o.stopped < %(before)s", kept=_MONTH, order="stopped"),
    Rule(
        "django_session", by_age="o.expire_date < %(before)s", kept=timedelta(0), key="session_key", order="expire_date"
    ),
)
_BY_GIVEN_AGE = tuple(rule for rule in RULES if rule.by_age and not rule.has_own_age)

# The longest ended first, workspace by workspace: `retained_at` is how far retention has come.
_ENDED = """
SELECT w.id AS workspace, e.id, e.completed_at
FROM sequences_workspace w
CROSS JOIN LATERAL (
    SELECT x.id, x.completed_at FROM sequences_enrollment x
    WHERE x.workspace_id = w.id AND x.completed_at IS NOT NULL
      AND x.completed_at > coalesce(w.retained_at, '-infinity')
      AND x.completed_at < %(now)s - w.retention_days * interval '1 day'
    ORDER BY x.completed_at LIMIT %(number)s
) e
ORDER BY w.id, e.completed_at LIMIT %(number)s
"""
_COUNT_ENDED = """
SELECT count(*) AS number FROM sequences_workspace w JOIN sequences_enrollment x ON x.workspace_id = w.id
WHERE x.completed_at IS NOT NULL AND x.completed_at > coalesce(w.retained_at, '-infinity')
  AND x.completed_at < %(now)s - w.retention_days * interval '1 day'
"""
# Several may have ended at one moment, and the next round begins after it: all of that moment go together.
_SAME_MOMENT = """
SELECT e.id FROM sequences_enrollment e
JOIN unnest(%(workspaces)s::bigint[], %(until)s::timestamptz[]) AS r(workspace, until)
     ON e.workspace_id = r.workspace AND e.completed_at = r.until
"""
_COME_SO_FAR = """
UPDATE sequences_workspace w SET retained_at = r.until
FROM unnest(%(workspaces)s::bigint[], %(until)s::timestamptz[]) AS r(workspace, until) WHERE w.id = r.workspace
"""


def purge_round(now: datetime) -> Counter[str]:
    """One round. Returns rows deleted or emptied by table, and `enrollments`; empty while another process is at it."""
    done: Counter[str] = Counter()
    with transaction.atomic():
        if not _take_advisory_lock():
            return done
        done += _purge_ended(now)
    for rule in RULES:
        if rule.kept is not None:
            oldest = f"SELECT * FROM {rule.table} ORDER BY {rule.order} LIMIT %(rows)s"
            statement = _delete(rule, f"SELECT o.{rule.key} FROM ({oldest}) o WHERE {rule.by_age}")
            done[rule.table] = execute(statement, {"before": now - rule.kept, "rows": _ROWS_A_ROUND})
    return done


def count_ended(now: datetime) -> int:
    """How many enrollments ended before their workspace's retention and still have what goes then."""
    number: int = fetch_all(_COUNT_ENDED, {"now": now})[0]["number"]
    return number


def count_older(before: datetime) -> dict[str, int]:
    """By table, how many rows `purge_older` would delete."""
    return {
        rule.table: fetch_all(f"SELECT count(*) AS number FROM {rule.table} o WHERE {rule.by_age}", {"before": before})[
            0
        ]["number"]
        for rule in _BY_GIVEN_AGE
    }


def purge_older(before: datetime, report: Callable[[int], None] = lambda rows: None) -> dict[str, int]:
    """Delete by age, whatever the retention. Each batch commits alone. Returns rows by table."""
    gone = {rule.table: 0 for rule in _BY_GIVEN_AGE}
    for rule in _BY_GIVEN_AGE:
        old = f"SELECT o.{rule.key} FROM {rule.table} o WHERE {rule.by_age} LIMIT %(batch)s"
        number = _ROWS_A_BATCH
        while number == _ROWS_A_BATCH:
            number = execute(_delete(rule, old), {"before": before, "batch": _ROWS_A_BATCH})
            gone[rule.table] += number
            report(number)
    return gone


def _delete(rule: Rule, keys: str) -> str:
    return f"DELETE FROM {rule.table} WHERE {rule.key} IN ({keys})"


def _take_advisory_lock() -> bool:
    """For the transaction. One process at a time does a round."""
    return bool(fetch_all("SELECT pg_try_advisory_xact_lock(%(key)s) AS got", {"key": _ADVISORY_LOCK})[0]["got"])


def _purge_ended(now: datetime) -> Counter[str]:
    """Logs, resolved dead letters, texts and raw payloads of enrollments that ended before the retention."""
    ended = fetch_all(_ENDED, {"now": now, "number": ENROLLMENTS_A_ROUND})
    if not ended:
        return Counter()
    until = {row["workspace"]: row["completed_at"] for row in ended}
    reached = {"workspaces": list(until), "until": list(until.values())}
    ids = sorted({row["id"] for row in ended} | {row["id"] for row in fetch_all(_SAME_MOMENT, reached)})
    done = Counter({"enrollments": len(ids)})
    for rule in RULES:
        if rule.of_ended:
            change = f"UPDATE {rule.table} o SET {rule.emptied}" if rule.emptied else f"DELETE FROM {rule.table} o"
            done[rule.table] = execute(
                f"{change} WHERE o.enrollment_id = ANY(%(ids)s) AND {rule.of_ended}", {"ids": ids}
            )
    execute(_COME_SO_FAR, reached)
    return done
