"""Put addresses and domains on the list that must not be mailed, and wake those it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emails.choices import SuppressionReason
from sequences.db import execute, fetch_all

_BY_EMAIL = """
INSERT INTO emails_suppression (workspace_id, email, domain, reason, note, actor, created_at)
SELECT DISTINCT r.workspace, lower(r.email), '', r.reason, r.note, %(actor)s, %(now)s::timestamptz
FROM unnest(%(workspaces)s::bigint[], %(emails)s::text[], %(reasons)s::text[], %(notes)s::text[])
     AS r(workspace, email, reason, note)
ON CONFLICT (workspace_id, email) WHERE email <> '' DO NOTHING
"""
_BY_DOMAIN = """
INSERT INTO emails_suppression (workspace_id, email, domain, reason, note, actor, created_at)
SELECT %(workspace)s, '', lower(d.domain), %(reason)s, %(note)s, %(actor)s, %(now)s
FROM unnest(%(domains)s::text[]) AS d(domain)
ON CONFLICT (workspace_id, domain) WHERE domain <> '' DO NOTHING
"""
_LOCK = """
SELECT e.id FROM sequences_enrollment e
WHERE e.status IN ('active', 'paused', 'quarantined') AND e.contact_id IN (
    SELECT c.id FROM sequences_contact c WHERE c.workspace_id = %(workspace)s AND lower(c.email) = ANY(%(emails)s)
    UNION
    SELECT c.id FROM sequences_contact c
    WHERE cardinality(%(domains)s::text[]) > 0 AND c.workspace_id = %(workspace)s
      AND split_part(lower(c.email), '@', 2) = ANY(%(domains)s))
ORDER BY e.id FOR NO KEY UPDATE
"""
_WAKE = "UPDATE sequences_enrollment SET wake_at = %(now)s WHERE id = ANY(%(ids)s)"


def suppress(
    workspace_id: int,
    *,
    emails: Sequence[str] = (),
    domains: Sequence[str] = (),
    reason: SuppressionReason = SuppressionReason.MANUAL,
    actor: str,
    note: str = "",
    now: datetime,
) -> int:
    """Suppress addresses and whole domains (exactly those, not their subdomains). Call inside a transaction.

    Known ones keep their first reason. Returns how many are new. The enrollments concerned are locked first: a last
    look before sending either comes before us or sees the suppression.
    """
    given, named = _tidy_emails(emails), _tidy_domains(domains)
    concerned = fetch_all(_LOCK, {"workspace": workspace_id, "emails": given, "domains": named})
    added = suppress_addresses([(workspace_id, email, reason, note) for email in given], actor, now) if given else 0
    if named:
        added += execute(
            _BY_DOMAIN,
            {
                "workspace": workspace_id,
                "domains": named,
                "reason": reason.value,
                "note": note,
                "actor": actor,
                "now": now,
            },
        )
    if concerned:
        execute(_WAKE, {"ids": [row["id"] for row in concerned], "now": now})
    return added


def _tidy_emails(emails: Sequence[str]) -> list[str]:
    return [email.strip().lower() for email in emails]


def _tidy_domains(domains: Sequence[str]) -> list[str]:
    return [domain.strip().lower().removeprefix("@") for domain in domains]


def suppress_addresses(entries: Sequence[tuple[int, str, SuppressionReason, str]], actor: str, now: datetime) -> int:
    """Store (workspace, email, reason, note); the caller wakes. Returns how many are new."""
    if not entries:
        return 0
    return execute(
        _BY_EMAIL,
        {
            "workspaces": [workspace for workspace, _, _, _ in entries],
            "emails": [email for _, email, _, _ in entries],
            "reasons": [reason.value for _, _, reason, _ in entries],
            "notes": [note[:500] for _, _, _, note in entries],
            "actor": actor,
            "now": now,
        },
    )
