"""Lock the caps that apply to a chunk and count what was sent in their rolling windows.

Call inside the transaction that marks the messages: it holds the caps' rows while it counts and marks, so that no
interleaving of workers can exceed a cap. Messages whose outcome is unknown count as sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from common.db import Row, fetch_all
from emails.choices import LimitScope, LimitWindow
from emails.pacing.limits import Candidate, Cap, Usage

_LOCK = """
SELECT scope, "window", maximum, mailbox_id, user_id, workspace_id, recipient_domain, first_touch_only
FROM emails_sendlimit
WHERE workspace_id = %(workspace)s AND (
    scope = 'workspace' OR mailbox_id = ANY(%(mailboxes)s::bigint[]) OR user_id = ANY(%(owners)s::bigint[])
    OR (scope = 'recipient_domain' AND (recipient_domain = '' OR recipient_domain = ANY(%(domains)s::text[]))))
ORDER BY id
{lock}
"""
_LEFT = "status IN ('sending', 'sent', 'unknown')"
_USAGE = f"""
SELECT r.ord, count(*) AS used, (array_agg(q.at ORDER BY q.at DESC))[1:r.maximum] AS latest
FROM unnest(%(scopes)s::text[], %(targets)s::text[], %(maxima)s::int[], %(first_only)s::bool[],
            %(since)s::timestamptz[])
     WITH ORDINALITY AS r(scope, target, maximum, first_only, since, ord)
CROSS JOIN LATERAL (
    SELECT m.handed_over_at AS at FROM emails_emailmessage m
    WHERE r.scope = 'mailbox' AND m.mailbox_id = r.target::bigint AND m.{_LEFT} AND m.handed_over_at > r.since
      AND (NOT r.first_only OR m.is_first_touch)
    UNION ALL
    SELECT m.handed_over_at FROM emails_emailmessage m
    WHERE r.scope = 'user' AND m.owner_id = r.target::bigint AND m.{_LEFT} AND m.handed_over_at > r.since
      AND m.workspace_id = %(workspace)s AND (NOT r.first_only OR m.is_first_touch)
    UNION ALL
    SELECT m.handed_over_at FROM emails_emailmessage m
    WHERE r.scope = 'workspace' AND m.workspace_id = r.target::bigint AND m.{_LEFT} AND m.handed_over_at > r.since
      AND (NOT r.first_only OR m.is_first_touch)
    UNION ALL
    SELECT m.handed_over_at FROM emails_emailmessage m
    WHERE r.scope = 'recipient_domain' AND m.workspace_id = %(workspace)s AND m.recipient_domain = r.target
      AND m.{_LEFT} AND m.handed_over_at > r.since AND (NOT r.first_only OR m.is_first_touch)
    UNION ALL
    SELECT earlier.at FROM emails_emailmessage m CROSS JOIN LATERAL unnest(m.earlier_handed_over_at) AS earlier(at)
    WHERE cardinality(m.earlier_handed_over_at) > 0 AND m.workspace_id = %(workspace)s AND earlier.at > r.since
      AND (NOT r.first_only OR m.is_first_touch)
      AND r.target = CASE r.scope WHEN 'mailbox' THEN m.mailbox_id::text WHEN 'user' THEN m.owner_id::text
                                  WHEN 'workspace' THEN m.workspace_id::text ELSE m.recipient_domain END
) q
GROUP BY r.ord, r.maximum
"""


def lock_caps(candidates: Sequence[Candidate]) -> list[Cap]:
    """The caps that cover any of these candidates of one mailbox, locked in id order until the transaction ends."""
    return _read_caps(candidates, "FOR NO KEY UPDATE")


def read_caps(candidates: Sequence[Candidate]) -> list[Cap]:
    """The same without locks, also of several mailboxes of one workspace: to show, never to send."""
    return _read_caps(candidates, "")


def _read_caps(candidates: Sequence[Candidate], lock: str) -> list[Cap]:
    if not candidates:
        return []
    domains = sorted({candidate.recipient_domain for candidate in candidates})
    rows = fetch_all(
        _LOCK.format(lock=lock),
        {
            "workspace": candidates[0].workspace_id,
            "mailboxes": sorted({candidate.mailbox_id for candidate in candidates}),
            "owners": sorted({candidate.owner_id for candidate in candidates if candidate.owner_id}),
            "domains": domains,
        },
    )
    caps = []
    for row in rows:
        scope = LimitScope(row["scope"])
        targets = {
            LimitScope.MAILBOX: [str(row["mailbox_id"])],
            LimitScope.USER: [str(row["user_id"])],
            LimitScope.WORKSPACE: [str(row["workspace_id"])],
            LimitScope.RECIPIENT_DOMAIN: [row["recipient_domain"]] if row["recipient_domain"] else domains,
        }[scope]
        caps += [
            Cap(scope, target, LimitWindow(row["window"]), row["maximum"], row["first_touch_only"])
            for target in targets
        ]
    return caps


def count_usage(caps: Sequence[Cap], workspace_id: int, now: datetime) -> list[Usage]:
    """Count each cap's window (now - window, now]. A clock that steps back only makes the count larger."""
    if not caps:
        return []
    rows = fetch_all(
        _USAGE,
        {
            "workspace": workspace_id,
            "scopes": [cap.scope.value for cap in caps],
            "targets": [cap.target for cap in caps],
            "maxima": [cap.maximum for cap in caps],
            "first_only": [cap.first_touch_only for cap in caps],
            "since": [now - timedelta(seconds=cap.window.seconds) for cap in caps],
        },
    )
    found = {row["ord"] - 1: row for row in rows}
    return [_usage(cap, found.get(index)) for index, cap in enumerate(caps)]


def _usage(cap: Cap, row: Row | None) -> Usage:
    """`latest`, newest first, has as many times as the cap allows messages; the last of them frees the next place."""
    if row is None:
        return Usage(cap, 0, ())
    return Usage(cap, row["used"], tuple(row["latest"] or ()))
