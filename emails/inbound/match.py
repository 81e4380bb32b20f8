"""Which of our messages, or else which of our contacts, incoming mail concerns. A fixed number of statements.

A Message-ID of ours, or the token of an envelope sender of ours, is proof. An address is enough only for a contact who
got a message from this very mailbox before the mail came in; then the event hangs on the newest message that certainly
left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.db import Row, fetch_all
from emails.inbound.authentication import NOT_TOLD, Authentication
from emails.inbound.findings import Finding
from emails.inbound.parse import InboundMail
from emails.tracking.bounce_addresses import find_bounced_messages

_BY_ID = """
SELECT m.id, m.message_id, m.recipient, m.contact_id, lower(c.email) AS email
FROM emails_emailmessage m JOIN sequences_contact c ON c.id = m.contact_id
WHERE m.message_id = ANY(%(ids)s) AND m.workspace_id = %(workspace)s
"""
_BY_TOKEN = """
SELECT m.id, m.message_id, m.recipient, m.contact_id, lower(c.email) AS email
FROM emails_emailmessage m JOIN sequences_contact c ON c.id = m.contact_id
WHERE m.id = ANY(%(ids)s) AND m.workspace_id = %(workspace)s AND m.handed_over_at IS NOT NULL
"""
# where servers write the address that a mail came in to
_RECEIVED_BY = (
    "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Apparently-To",
    "Original-Recipient", "X-Forwarded-To",
)  # fmt: skip
# An ESP may put its own Message-ID in the place of ours.
_BY_PROVIDER_ID = """
SELECT m.id, m.provider_message_id AS message_id, m.recipient, m.contact_id, lower(c.email) AS email
FROM emails_emailmessage m
JOIN sequences_contact c ON c.id = m.contact_id
JOIN emails_mailbox b ON b.id = m.mailbox_id
WHERE m.mailbox_id = %(mailbox)s AND b.transport <> 'smtp' AND m.handed_over_at IS NOT NULL
  AND m.provider_message_id <> '' AND btrim(m.provider_message_id, '<>') = ANY(%(ids)s)
"""
_BY_ADDRESS = """
SELECT r.n, c.id AS contact_id, m.id AS message_pk
FROM unnest(%(numbers)s::int[], %(addresses)s::text[], %(received)s::timestamptz[]) AS r(n, address, received_at)
JOIN sequences_contact c ON c.workspace_id = %(workspace)s AND lower(c.email) = r.address
LEFT JOIN LATERAL (
    SELECT x.id FROM emails_emailmessage x
    WHERE x.contact_id = c.id AND x.mailbox_id = %(mailbox)s AND x.status = 'sent' AND x.handed_over_at <= r.received_at
    ORDER BY x.handed_over_at DESC LIMIT 1
) m ON true
WHERE m.id IS NOT NULL OR EXISTS (
    SELECT 1 FROM emails_emailmessage x
    WHERE x.contact_id = c.id AND x.mailbox_id = %(mailbox)s AND x.status IN ('sending', 'unknown')
      AND x.handed_over_at <= r.received_at)
"""


@dataclass(frozen=True, slots=True)
class Received:
    """One mail with what it says, and when it came in."""

    mail: InboundMail
    findings: tuple[Finding, ...]
    received_at: datetime
    authentication: Authentication = NOT_TOLD


@dataclass(frozen=True, slots=True)
class Concern:
    """Which contact one finding concerns, and which message as far as it is known.

    `is_proven`: the mail names a message of ours, or came in to its envelope sender; a report names also the recipient
    of that message.
    """

    received: Received
    finding: Finding
    message_pk: int | None
    contact_id: int
    is_proven: bool = False


def match_mails(received: Sequence[Received], workspace_id: int, mailbox_id: int) -> list[Concern]:
    """The findings that concern messages or contacts of the workspace; all others are left out."""
    pairs = [(each, finding) for each in received for finding in each.findings]
    if not pairs:
        return []
    by_id = _find_messages(received, workspace_id, mailbox_id)
    by_token = _find_by_tokens(received, workspace_id)
    concerns: list[Concern] = []
    open_pairs: list[tuple[Received, Finding]] = []
    for each, finding in pairs:
        row = _named_message(each.mail, finding, by_id) or by_token.get(each.mail.identity)
        if row is not None:
            is_proven = not finding.recipient or finding.recipient in _recipients(row)
            concerns.append(Concern(each, finding, row["id"], row["contact_id"], is_proven))
        else:
            open_pairs.append((each, finding))
    return concerns + _match_addresses(open_pairs, workspace_id, mailbox_id)


def _find_messages(received: Sequence[Received], workspace_id: int, mailbox_id: int) -> dict[str, Row]:
    ids = {_bare(found) for each in received for found in (*each.mail.named_ids, *each.mail.reported_ids)}
    if not ids:
        return {}
    rows = fetch_all(_BY_PROVIDER_ID, {"mailbox": mailbox_id, "ids": sorted(ids)})
    rows += fetch_all(_BY_ID, {"workspace": workspace_id, "ids": sorted(f"<{found}>" for found in ids)})
    return {_bare(row["message_id"]): row for row in rows}


def _find_by_tokens(received: Sequence[Received], workspace_id: int) -> dict[str, Row]:
    """By the mail's identity: the message whose own envelope sender the mail came in to."""
    named = {
        each.mail.identity: found[0]
        for each in received
        if (found := find_bounced_messages(each.mail.header(name) for name in _RECEIVED_BY))
    }
    if not named:
        return {}
    asked = {"ids": sorted(set(named.values())), "workspace": workspace_id}
    rows = {row["id"]: row for row in fetch_all(_BY_TOKEN, asked)}
    return {identity: rows[message_pk] for identity, message_pk in named.items() if message_pk in rows}


def _named_message(mail: InboundMail, finding: Finding, by_id: dict[str, Row]) -> Row | None:
    """A report is about the mail that it carries; an answer names what it answers."""
    ids: Iterable[str] = (*mail.reported_ids, *mail.named_ids) if finding.is_report else mail.named_ids
    rows = [by_id[_bare(found)] for found in ids if _bare(found) in by_id]
    # one report may be about several recipients, each with a message of its own
    exact = [row for row in rows if finding.recipient in _recipients(row)]
    return next(iter(exact or rows), None)


def _recipients(row: Row) -> set[str]:
    return {row["recipient"].lower(), row["email"]}


def _match_addresses(pairs: Sequence[tuple[Received, Finding]], workspace_id: int, mailbox_id: int) -> list[Concern]:
    addresses = [finding.recipient if finding.is_report else each.mail.sender for each, finding in pairs]
    asked = [number for number, address in enumerate(addresses) if address]
    if not asked:
        return []
    rows = fetch_all(
        _BY_ADDRESS,
        {
            "numbers": asked,
            "addresses": [addresses[number] for number in asked],
            "received": [pairs[number][0].received_at for number in asked],
            "workspace": workspace_id,
            "mailbox": mailbox_id,
        },
    )
    return [Concern(*pairs[row["n"]], row["message_pk"], row["contact_id"]) for row in rows]


def _bare(message_id: str) -> str:
    return message_id.strip("<>")
