"""What leaves by sending domain, over all its mailboxes, and how many complain: what receivers rate a domain by.

Google counts a domain that sends 5,000 emails or more within 24 hours to personal Gmail addresses as a bulk sender, for
good, and asks for a rate of complaints below 0.1 %, never 0.3 %. Complaints are known where a provider reports them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.db import Row, fetch_all

BULK_SENDER = 5_000
COMPLAINTS_WARN, COMPLAINTS_STOP = 0.001, 0.003
DAYS = 30
# Of the limit of bulk senders.
_NEAR = 0.8
# Fewer emails say nothing about a rate.
_FEWEST = 500
_SENT = """
SELECT split_part(lower(b.address), '@', 2) AS domain, b.transport = 'smtp' AS is_smtp,
       s.last_day, s.last_day_to_google, s.sent, s.complaints
FROM emails_mailbox b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE m.handed_over_at > %(day)s)::int AS last_day,
           count(*) FILTER (WHERE m.handed_over_at > %(day)s
                            AND m.recipient_domain IN ('gmail.com', 'googlemail.com'))::int AS last_day_to_google,
           count(*)::int AS sent,
           count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM emails_emailevent v
               WHERE v.message_id = m.id AND v.type = 'complained' AND v.verdict = 'human'))::int AS complaints
    FROM emails_emailmessage m
    WHERE m.mailbox_id = b.id AND m.status IN ('sending', 'sent', 'unknown') AND m.handed_over_at > %(since)s) s
WHERE b.workspace_id = ANY(%(workspaces)s::bigint[])
ORDER BY 1, b.id
"""


@dataclass(frozen=True, slots=True)
class SendingDomain:
    """A domain with those below it that send too. `sent` and `complaints` are of 30 days.

    `complaint_rate`: None where no provider has told of complaints, or too little was sent to tell. `warnings`: one
    line each.
    """

    domain: str
    mailboxes: int
    last_24_hours: int
    last_24_hours_to_google: int
    sent: int
    complaints: int
    complaint_rate: float | None
    warnings: tuple[str, ...]


def read_sending_domains(workspace_ids: Iterable[int], now: datetime) -> tuple[SendingDomain, ...]:
    """Of the mailboxes of these workspaces, in one statement, by domain."""
    asked = {
        "workspaces": sorted(workspace_ids),
        "day": now - timedelta(days=1),
        "since": now - timedelta(days=DAYS),
    }
    rows = fetch_all(_SENT, asked)
    named = {row["domain"] for row in rows}
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_find_top(row["domain"], named), []).append(row)
    return tuple(_sum_up(domain, found[domain]) for domain in sorted(found))


def _find_top(domain: str, named: set[str]) -> str:
    """The highest of the sending domains that it is below: receivers count them together."""
    labels = domain.split(".")
    above = (".".join(labels[start:]) for start in range(len(labels) - 1, -1, -1))
    return next(name for name in above if name in named)


def _sum_up(domain: str, rows: list[Row]) -> SendingDomain:
    sent, complaints = sum(row["sent"] for row in rows), sum(row["complaints"] for row in rows)
    to_google = sum(row["last_day_to_google"] for row in rows)
    is_told = complaints > 0 or not all(row["is_smtp"] for row in rows)
    rate = complaints / sent if is_told and sent >= _FEWEST else None
    return SendingDomain(
        domain=domain,
        mailboxes=len(rows),
        last_24_hours=sum(row["last_day"] for row in rows),
        last_24_hours_to_google=to_google,
        sent=sent,
        complaints=complaints,
        complaint_rate=rate,
        warnings=tuple(filter(None, (_warn_of_volume(to_google), _warn_of_complaints(rate)))),
    )


def _warn_of_volume(to_google: int) -> str:
    if to_google >= BULK_SENDER:
        return f"Google counts it as a bulk sender from now on: {to_google:,} emails to Gmail within 24 hours."
    if to_google >= BULK_SENDER * _NEAR:
        return (
            f"{to_google:,} emails to Gmail within 24 hours: with {BULK_SENDER:,} Google counts it as a bulk sender "
            "for good. A send limit for gmail.com keeps it below."
        )
    return ""


def _warn_of_complaints(rate: float | None) -> str:
    if rate is None or rate < COMPLAINTS_WARN:
        return ""
    if rate >= COMPLAINTS_STOP:
        return f"{rate:.2%} complain: at 0.3% Google and Yahoo refuse or hide emails. Write to fewer people."
    return f"{rate:.2%} complain: Google asks for less than 0.1%."
