"""The suppression list, addresses and domains that must not be mailed: add, remove, expire; each change is kept.

The engine, the final check and enrolling read the same rows; so an expired one is deleted rather than ignored. A new
one wakes the enrollments it concerns; what it ended stays ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.addresses import AddressError, parse_address, parse_domain, repair_address
from common.db import Row, execute, fetch_all
from emails.choices import SuppressionAction, SuppressionReason
from sequences.contacts.erased import find_erased
from sequences.enrollment_sql import LIVE, lock_where, wake_enrollments

_ADD = """
WITH stored AS (
    INSERT INTO emails_suppression AS x (workspace_id, email, domain, reason, note, actor, created_at, expires_at)
    SELECT DISTINCT ON (r.workspace, r.email, r.domain) r.workspace, r.email, r.domain, r.reason, r.note, %(actor)s,
           %(now)s::timestamptz, r.expires_at
    FROM unnest(%(workspaces)s::bigint[], %(emails)s::text[], %(domains)s::text[], %(reasons)s::text[],
                %(notes)s::text[], %(expiries)s::timestamptz[])
         WITH ORDINALITY AS r(workspace, email, domain, reason, note, expires_at, place)
    ORDER BY r.workspace, r.email, r.domain, r.expires_at DESC NULLS FIRST, r.place
    {conflict} DO UPDATE
    SET reason = excluded.reason, note = excluded.note, actor = excluded.actor, expires_at = excluded.expires_at
    WHERE x.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > x.expires_at)
    RETURNING workspace_id, email, domain, reason, note, (xmax = 0) AS is_new
), kept AS (
    INSERT INTO emails_suppressionchange (workspace_id, email, domain, action, reason, note, actor, at)
    SELECT workspace_id, email, domain, CASE WHEN is_new THEN 'added' ELSE 'extended' END, reason, note, %(actor)s,
           %(now)s FROM stored
)
SELECT count(*) FILTER (WHERE is_new) AS added, count(*) FILTER (WHERE NOT is_new) AS extended FROM stored
"""
_ADD_EMAILS = _ADD.format(conflict="ON CONFLICT (workspace_id, email) WHERE email <> ''")
_ADD_DOMAINS = _ADD.format(conflict="ON CONFLICT (workspace_id, domain) WHERE domain <> ''")
_CONCERNED = f"""
e.status IN {LIVE} AND e.contact_id IN (
    SELECT c.id FROM sequences_contact c WHERE c.workspace_id = %(workspace)s AND lower(c.email) = ANY(%(emails)s)
    UNION
    SELECT c.id FROM sequences_contact c
    WHERE cardinality(%(domains)s::text[]) > 0 AND c.workspace_id = %(workspace)s
      AND split_part(lower(c.email), '@', 2) = ANY(%(domains)s))
"""
_REMOVE = """
WITH gone AS (
    DELETE FROM emails_suppression WHERE {which} RETURNING workspace_id, email, domain, reason
)
INSERT INTO emails_suppressionchange (workspace_id, email, domain, action, reason, note, actor, at)
SELECT workspace_id, email, domain, %(action)s, reason, %(note)s, %(actor)s, %(now)s FROM gone
"""
# The most rows that one statement removes.
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An address or a domain to suppress, in its stored form and lower case. `expires_at` None: without an end."""

    email: str = ""
    domain: str = ""
    reason: SuppressionReason = SuppressionReason.MANUAL
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """How many entries are new, and how many last longer than they did; the others were there already."""

    added: int
    extended: int


def suppress(
    workspace_id: int,
    *,
    emails: Sequence[str] = (),
    domains: Sequence[str] = (),
    reason: SuppressionReason = SuppressionReason.MANUAL,
    actor: str,
    note: str = "",
    expires_at: datetime | None = None,
    now: datetime,
) -> int:
    """Suppress addresses and whole domains (exactly those, not their subdomains). Call inside a transaction.

    Returns how many are new. Raises `AddressError`.
    """
    entries = [Entry(parse_address(email).lower(), "", reason, note, expires_at) for email in emails]
    entries += [Entry("", parse_domain(domain), reason, note, expires_at) for domain in domains]
    return suppress_entries(workspace_id, entries, actor=actor, now=now).added


def suppress_entries(workspace_id: int, entries: Sequence[Entry], *, actor: str, now: datetime) -> Stored:
    """Store entries and wake the enrollments they concern. Call inside a transaction.

    Erased addresses are left out: they are never mailed anyway. An entry without an end keeps its first reason; one
    that expires is prolonged, never shortened. The enrollments are locked first: a final check before sending either
    comes before this transaction or sees the suppression.
    """
    erased = find_erased(workspace_id, [entry.email for entry in entries if entry.email])
    entries = [entry for entry in entries if entry.email not in erased]
    emails, domains = [entry.email for entry in entries if entry.email], [e.domain for e in entries if e.domain]
    concerned = lock_where(_CONCERNED, {"workspace": workspace_id, "emails": emails, "domains": domains})
    owned = [(workspace_id, entry) for entry in entries]
    by_email = _store(_ADD_EMAILS, [pair for pair in owned if pair[1].email], actor, now)
    by_domain = _store(_ADD_DOMAINS, [pair for pair in owned if pair[1].domain], actor, now)
    wake_enrollments(concerned, now)
    return Stored(by_email.added + by_domain.added, by_email.extended + by_domain.extended)


def suppress_addresses(entries: Sequence[tuple[int, str, SuppressionReason, str]], actor: str, now: datetime) -> int:
    """Store (workspace, email, reason, note); the caller wakes the enrollments. Returns how many are new.

    Addresses of old messages, stored before addresses had one form, are repaired; one that cannot be is no contact's.
    """
    found = []
    for workspace, email, reason, note in entries:
        try:
            found.append((workspace, Entry(repair_address(email).lower(), "", reason, note)))
        except AddressError:
            continue
    return _store(_ADD_EMAILS, found, actor, now).added


def remove_suppressions(ids: Sequence[int], *, actor: str, reason: str, now: datetime) -> int:
    """Remove entries for the reason given. What they have ended stays ended. Returns how many."""
    gone = 0
    statement = _REMOVE.format(which="id = ANY(%(ids)s)")
    for start in range(0, len(ids), _BATCH):
        batch = list(ids[start : start + _BATCH])
        text = {"action": SuppressionAction.REMOVED.value, "note": reason[:500], "actor": actor, "now": now}
        gone += execute(statement, {"ids": batch, **text})
    return gone


def expire_suppressions(now: datetime) -> int:
    """Remove expired entries. Returns how many."""
    statement = _REMOVE.format(which="expires_at <= %(now)s")
    text = {"action": SuppressionAction.EXPIRED.value, "note": "its time is over", "actor": "engine", "now": now}
    return execute(statement, text)


def _store(statement: str, entries: Sequence[tuple[int, Entry]], actor: str, now: datetime) -> Stored:
    if not entries:
        return Stored(0, 0)
    row: Row = fetch_all(
        statement,
        {
            "workspaces": [workspace for workspace, _ in entries],
            "emails": [entry.email for _, entry in entries],
            "domains": [entry.domain for _, entry in entries],
            "reasons": [entry.reason.value for _, entry in entries],
            "notes": [entry.note[:500] for _, entry in entries],
            "expiries": [entry.expires_at for _, entry in entries],
            "actor": actor,
            "now": now,
        },
    )[0]
    return Stored(row["added"], row["extended"])
