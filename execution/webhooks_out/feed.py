"""The feed: every fact and log entry of some workspaces in one order, of which nothing is missed or repeated.

The order is that of the transactions that stored the rows, and only transactions are read below which all have ended
(`common.transaction_ids`): nothing can be added before a position that was answered. Each read looks at a bounded
number of rows, whatever the filters; `Page.end` is behind the last row that was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from common.db import Row, fetch_all
from common.transaction_ids import HORIZON, OWN
from execution.choices import LogAction
from execution.webhooks_out.events import ALL_LOGGED, ALL_STORED, COMPLETED, EXTERNAL

SCANNED_AT_MOST = 1_000
_BIGGEST = 2**63 - 1
# Characters of a reply's text; /api/replies has all of it.
_TEXT_SENT = 10_000


class Position(NamedTuple):
    """Behind one row: its transaction, the rank of its source, its id."""

    transaction: int
    rank: int
    id: int


START = Position(-1, 0, 0)


class LostPositionError(ValueError):
    """A position behind transactions that this server has not had: it is from before a restore, or a failover."""


@dataclass(frozen=True, slots=True)
class Filters:
    """None: not filtered. Ids of contacts and sequences; `since`: what was recorded from then on."""

    types: Sequence[str] | None = None
    contacts: Sequence[int] | None = None
    sequences: Sequence[int] | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`has_more`: there were more rows to look at."""

    rows: list[Row]
    end: Position
    has_more: bool


_SCAN = """
    SELECT r.tx, r.id, {rank} AS rank, {columns}, {ends} AS ends FROM {of} w(id)
    CROSS JOIN LATERAL (
        SELECT coalesce(r.stored_in, 0) AS tx, r.* FROM {table} r
        WHERE {own} AND {only}
          AND (coalesce(r.stored_in, 0), r.id) > (%(tx)s::bigint, (%(bounds)s::bigint[])[{rank}])
          AND coalesce(r.stored_in, 0) <= (SELECT last FROM h)
          AND (coalesce(r.stored_in, 0) < (SELECT below FROM h) OR r.stored_in = (SELECT own FROM h))
        ORDER BY coalesce(r.stored_in, 0), r.id LIMIT %(scan)s
    ) r {joins}"""


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of the feed. `columns`: word, contact, sequence and time of a row, for the filters.

    `ends`: the row may be that of a completed enrollment's end too, an object of its own (`_ENDS` decides).
    """

    name: str
    table: str
    columns: str
    shown: str
    joins: str = ""
    shown_joins: str = ""
    only: str = "true"
    ends: str = "false"
    has_workspace: bool = True

    def scan(self, rank: int) -> str:
        return _SCAN.format(
            rank=rank,
            of="unnest(%(workspaces)s::bigint[])" if self.has_workspace else "(SELECT 1)",
            own="r.workspace_id = w.id" if self.has_workspace else "r.workspace_id IS NULL",
            columns=self.columns,
            table=self.table,
            joins=self.joins,
            only=self.only,
            ends=self.ends,
        )

    def show(self) -> str:
        joins = f"{self.joins} {self.shown_joins}"
        named = "WHERE r.id = ANY(%(ids)s::bigint[])"
        return f"SELECT r.id, {self.columns}, {self.shown} FROM {self.table} r {joins} {named}"


_CONTROL_COLUMNS = """r.target || '.' || r.action AS word,
               CASE r.target WHEN 'contact' THEN r.target_id END AS contact_id,
               CASE r.target WHEN 'sequence' THEN r.target_id END AS sequence_id, r.at AS recorded_at"""
_CONTROL_SHOWN = """r.workspace_id AS workspace, r.at AS occurred_at, NULL::bigint AS message,
    CASE r.target WHEN 'mailbox' THEN r.target_id END AS mailbox, NULL::bigint AS enrollment, NULL::bigint AS step,
    r.actor, jsonb_build_object('id', r.target_id, 'label', r.label, 'reason', r.reason) AS details"""
# A source keeps its place for good: positions name it.
_SOURCES = (
    _Source(
        "log",
        "execution_executionlog",
        """CASE r.action WHEN 'executed' THEN 'executed:' || r.step_type ELSE r.action END AS word,
               e.contact_id, e.sequence_id, r.at AS recorded_at""",
        """r.workspace_id AS workspace, r.at AS occurred_at, m.id AS message,
    coalesce(m.mailbox_id, e.mailbox_id) AS mailbox, r.enrollment_id AS enrollment, r.step_id AS step, r.actor,
    r.details || jsonb_build_object('message', r.message, 'error', r.error, 'step_number', r.step_number) AS details""",
        "JOIN sequences_enrollment e ON e.id = r.enrollment_id",
        """LEFT JOIN LATERAL (
            SELECT m.id, m.mailbox_id FROM emails_emailmessage m
            WHERE r.step_type = 'email' AND m.enrollment_id = r.enrollment_id AND m.step_id = r.step_id
              AND m.queued_at <= r.at
            ORDER BY m.visit DESC LIMIT 1) m ON true""",
        ends=f"(e.status = 'completed' AND e.completed_at = r.at AND r.action <> '{LogAction.COMPLETED.value}')",
    ),
    _Source(
        "event",
        "emails_emailevent",
        "'event:' || r.type AS word, r.contact_id, e.sequence_id, r.recorded_at",
        f"""r.workspace_id AS workspace, r.occurred_at, r.message_id AS message, r.mailbox_id AS mailbox,
    r.enrollment_id AS enrollment, m.step_id AS step, '' AS actor,
    jsonb_build_object('detail', r.detail, 'bounce_type', r.bounce_type, 'verdict', r.verdict, 'until', r.until_at)
        || CASE WHEN y.id IS NULL THEN '{{}}'::jsonb
                ELSE jsonb_build_object('reply', jsonb_build_object(
                    'id', y.id, 'intent', y.intent, 'text', left(y.text, {_TEXT_SENT}))) END AS details""",
        "LEFT JOIN sequences_enrollment e ON e.id = r.enrollment_id",
        """LEFT JOIN emails_emailmessage m ON m.id = r.message_id
        LEFT JOIN emails_reply y ON y.event_id = r.id""",
        # what became of a visit is stored, and the row shown, when it has been classified
        only="r.verdict <> 'pending'",
    ),
    _Source("control", "execution_controllog", _CONTROL_COLUMNS, _CONTROL_SHOWN),
    _Source("executor", "execution_controllog", _CONTROL_COLUMNS, _CONTROL_SHOWN, has_workspace=False),
    _Source(
        "suppression",
        "emails_suppressionchange",
        "'suppression.' || r.action AS word, c.id AS contact_id, NULL::bigint AS sequence_id, r.at AS recorded_at",
        """r.workspace_id AS workspace, r.at AS occurred_at, NULL::bigint AS message, NULL::bigint AS mailbox,
    NULL::bigint AS enrollment, NULL::bigint AS step, r.actor,
    jsonb_build_object('email', r.email, 'domain', r.domain, 'reason', r.reason, 'note', r.note) AS details""",
        """LEFT JOIN sequences_contact c
            ON c.workspace_id = r.workspace_id AND lower(c.email) = lower(r.email) AND r.email <> ''""",
    ),
    _Source(
        "external",
        "emails_externalevent",
        f"'{EXTERNAL}' AS word, r.contact_id, NULL::bigint AS sequence_id, r.recorded_at",
        """r.workspace_id AS workspace, r.occurred_at, NULL::bigint AS message, NULL::bigint AS mailbox,
    NULL::bigint AS enrollment, NULL::bigint AS step, r.actor,
    jsonb_build_object('id', r.event_key, 'type', r.type) AS details""",
    ),
    _Source(
        "outcome",
        "emails_emailoutcome",
        "'email.' || r.status AS word, e.contact_id, e.sequence_id, r.at AS recorded_at",
        """r.workspace_id AS workspace, r.at AS occurred_at, r.message_id AS message, m.mailbox_id AS mailbox,
    r.enrollment_id AS enrollment, m.step_id AS step, '' AS actor,
    jsonb_build_object('reason', r.reason, 'error', r.error, 'is_answer', coalesce(m.is_answer, false)) AS details""",
        "LEFT JOIN sequences_enrollment e ON e.id = r.enrollment_id",
        "LEFT JOIN emails_emailmessage m ON m.id = r.message_id",
    ),
)
_STREAM = f"""
WITH h AS (
    SELECT {HORIZON} AS below, {OWN} AS own, greatest({HORIZON} - 1, {OWN}) AS last
), names AS (
    SELECT * FROM jsonb_each_text(%(names)s::jsonb) AS n(word, type)
), stream AS (
    {"    UNION ALL".join(source.scan(rank) for rank, source in enumerate(_SOURCES, 1))}
)
SELECT s.tx, s.rank, s.id, coalesce(n.type, s.word) AS type, s.contact_id AS contact, s.sequence_id AS sequence,
       s.recorded_at, s.ends,
       (%(types)s::text[] IS NULL OR coalesce(n.type, s.word) = ANY(%(types)s::text[])) AS is_of_type,
       (%(contacts)s::bigint[] IS NULL OR coalesce(s.contact_id = ANY(%(contacts)s::bigint[]), false))
           AND (%(sequences)s::bigint[] IS NULL OR coalesce(s.sequence_id = ANY(%(sequences)s::bigint[]), false))
           AND (%(since)s::timestamptz IS NULL OR s.recorded_at >= %(since)s) AS is_wanted
FROM stream s LEFT JOIN names n ON n.word = s.word
ORDER BY s.tx, s.rank, s.id LIMIT %(scan)s
"""
_LAST = f"SELECT greatest({HORIZON} - 1, {OWN}) AS last"
# Of the entries of one moment the last is that of the end, unless one says so itself.
_ENDS = f"""
SELECT r.id FROM execution_executionlog r
WHERE r.id = ANY(%(ids)s::bigint[]) AND NOT EXISTS (
    SELECT 1 FROM execution_executionlog n
    WHERE n.enrollment_id = r.enrollment_id AND n.at = r.at
      AND (n.id > r.id OR n.action = '{LogAction.COMPLETED.value}'))
"""
_NAMES = json.dumps(dict(ALL_LOGGED) | {f"event:{word}": name for word, name in ALL_STORED.items()})


def read_feed(workspaces: Sequence[int], after: Position, filters: Filters, size: int) -> Page:
    """The next rows behind `after` that the filters want, in the order of the feed.

    At most `size`, and one more where the last is that of an enrollment's end too. Raises `LostPositionError`.
    """
    bounds = [
        _BIGGEST if rank < after.rank else after.id if rank == after.rank else -1
        for rank in range(1, len(_SOURCES) + 1)
    ]
    seen = fetch_all(
        _STREAM,
        {
            "workspaces": list(workspaces),
            "tx": after.transaction,
            "bounds": bounds,
            "scan": SCANNED_AT_MOST,
            "names": _NAMES,
            "types": filters.types,
            "contacts": filters.contacts,
            "sequences": filters.sequences,
            "since": filters.since,
        },
    )
    if not seen and after.transaction > fetch_all(_LAST, {})[0]["last"]:
        raise LostPositionError
    chosen: list[Row] = []
    ends = _find_ends(seen) if filters.types is None or COMPLETED in filters.types else set()
    end, looked_at = after, 0
    for row in seen:
        looked_at += 1
        end = Position(row["tx"], row["rank"], row["id"])
        if row["is_wanted"] and row["is_of_type"]:
            chosen.append(row)
        if row["is_wanted"] and row["ends"] and row["id"] in ends:
            chosen.append({**row, "type": COMPLETED, "is_end": True})
        if len(chosen) >= size:
            break
    return Page(_show(chosen), end, has_more=looked_at < len(seen) or len(seen) == SCANNED_AT_MOST)


def _find_ends(seen: Sequence[Row]) -> set[int]:
    ids = [row["id"] for row in seen if row["is_wanted"] and row["ends"]]
    return {row["id"] for row in fetch_all(_ENDS, {"ids": ids})} if ids else set()


def show_rows(named: Sequence[tuple[str, int, str]]) -> dict[tuple[str, int], Row]:
    """The objects of the feed of rows by source (`done`: of an end), id and type, by source and id; gone ones not."""
    ranks = {source.name: rank for rank, source in enumerate(_SOURCES, 1)} | {"done": 1}
    chosen = [
        {"rank": ranks[source], "id": pk, "type": type_, "is_end": source == "done"} for source, pk, type_ in named
    ]
    by_id = {each["id"]: each for each in _show(chosen)}
    return {(source, pk): by_id[f"{source}-{pk}"] for source, pk, _ in named if f"{source}-{pk}" in by_id}


def _show(chosen: Sequence[Row]) -> list[Row]:
    shown: dict[tuple[int, int], Row] = {}
    for rank, source in enumerate(_SOURCES, 1):
        if ids := [row["id"] for row in chosen if row["rank"] == rank]:
            for each in fetch_all(source.show(), {"ids": ids}):
                del each["word"]
                each["contact"], each["sequence"] = each.pop("contact_id"), each.pop("sequence_id")
                shown[rank, each["id"]] = each
    return [
        {
            **shown[row["rank"], row["id"]],
            "id": f"{'done' if row.get('is_end') else _SOURCES[row['rank'] - 1].name}-{row['id']}",
            "type": row["type"],
        }
        for row in chosen
        if (row["rank"], row["id"]) in shown
    ]
