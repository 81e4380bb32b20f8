"""Whether a contact's address takes email, asked before the first email: one rule for all who hold, skip or show it.

A domain is checked once for all workspaces, a verdict of a provider belongs to one contact and comes first. Only what
is known to be bad holds an email: without an answer it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from common.db import execute, fetch_all
from emails.choices import AddressState
from emails.models import AddressVerdict
from sequences.contacts.erased import ERASED_REASON, lock_contacts
from sequences.models import Contact

#: For how long an answer counts; then DNS is asked again before the next first email.
VALID_FOR = {
    AddressState.GOOD: timedelta(days=30),
    AddressState.BAD: timedelta(days=7),
    AddressState.UNKNOWN: timedelta(hours=1),
}
#: A verdict of a provider counts for so long, unless it says otherwise.
VERDICT_DAYS = 90
#: A first email waits so long for an answer; then it leaves without one.
WAITS_AT_MOST_MINUTES = 10
UNCHECKED = "Waiting until DNS has said whether the contact's domain takes email"
# A claim counts for so long: longer than DNS is asked.
_CLAIMED_FOR = timedelta(minutes=1)
# How far the clock of a provider may be ahead.
_AHEAD = timedelta(minutes=5)


def address_hold(asks: str, contact: str, email: str) -> str:
    """SQL: what is wrong with an address; NULL: nothing; empty: DNS has not answered yet, or long ago.

    `asks`: a condition, where nothing is looked up unless it holds; `contact` and `email`: columns. Takes `now`.
    """
    return f"""CASE WHEN {asks} THEN (
    SELECT CASE
        WHEN av.state = 'bad' THEN {_told("av", "coalesce(nullif(av.detail, ''), 'the address does not exist')")}
        WHEN av.state = 'good' THEN NULL
        WHEN md.valid_until > %(now)s AND md.state = 'bad' THEN {_told("md", "md.detail")}
        WHEN md.valid_until > %(now)s THEN NULL
        WHEN md.requested_at <= %(now)s - interval '{WAITS_AT_MOST_MINUTES} minutes' THEN NULL
        ELSE '' END
    FROM (SELECT lower({email}) AS email, split_part(lower({email}), '@', 2) AS domain) q
    LEFT JOIN emails_addressverdict av
           ON av.contact_id = {contact} AND av.email = q.email AND av.valid_until > %(now)s
    LEFT JOIN emails_maildomain md ON md.domain = q.domain) END"""


def _told(source: str, detail: str) -> str:
    day = f"to_char({source}.checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    return f"{detail} || ' (checked on ' || {day} || ')'"


_REQUEST = """
INSERT INTO emails_maildomain AS x (domain, state, detail, requested_at, due_at)
SELECT DISTINCT r.domain, 'unknown', '', {requested}, %(now)s::timestamptz FROM unnest(%(domains)s::text[]) AS r(domain)
ORDER BY r.domain
ON CONFLICT (domain) DO UPDATE SET requested_at = coalesce(x.requested_at, excluded.requested_at), due_at = %(now)s
WHERE {where}
"""
# What waits already is not written again.
_REQUEST_NOW = _REQUEST.format(requested="%(now)s::timestamptz", where="x.requested_at IS NULL")
_REQUEST_SOON = _REQUEST.format(
    requested="NULL::timestamptz", where="x.due_at IS NULL AND (x.valid_until IS NULL OR x.valid_until <= %(now)s)"
)
_CLAIM = """
UPDATE emails_maildomain SET due_at = %(until)s
WHERE domain IN (SELECT domain FROM emails_maildomain WHERE due_at <= %(now)s {awaited}
                 ORDER BY due_at LIMIT %(number)s FOR UPDATE SKIP LOCKED)
RETURNING domain
"""
_CLAIM_AWAITED, _CLAIM_ANY = _CLAIM.format(awaited="AND requested_at IS NOT NULL"), _CLAIM.format(awaited="")
_STORE = """
UPDATE emails_maildomain x
SET state = r.state, detail = r.detail, checked_at = %(now)s, valid_until = r.valid_until,
    requested_at = NULL, due_at = NULL
FROM unnest(%(domains)s::text[], %(states)s::text[], %(details)s::text[], %(valid)s::timestamptz[])
     AS r(domain, state, detail, valid_until)
WHERE x.domain = r.domain
"""
# As where caps change: the lanes first, then their messages; one that is locked is being recorded.
_HELD_LANES = """
SELECT m.mailbox_id AS id FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id
WHERE e.contact_id = %(contact)s AND m.status = 'queued' AND m.mailbox_id IS NOT NULL
ORDER BY 1
"""
_LOCK_LANES = "SELECT id FROM emails_mailbox WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
_WAKE_LANES = "UPDATE emails_mailbox SET lane_at = least(lane_at, %(now)s) WHERE id = ANY(%(ids)s::bigint[])"
_RELEASE = """
UPDATE emails_emailmessage SET send_after_at = %(now)s, held_by = ''
WHERE id IN (
    SELECT m.id FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id
    WHERE e.contact_id = %(contact)s AND m.status = 'queued'
      AND split_part(m.held_by, ':', 1) IN ('address_refused', 'address_unchecked')
    FOR NO KEY UPDATE OF m SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class DomainAnswer:
    domain: str
    state: AddressState
    detail: str


@dataclass(frozen=True, slots=True)
class AddressReport:
    """What is known of an address. `source`: `dns`, the provider's name, or empty while nothing is known."""

    state: AddressState
    detail: str
    source: str
    checked_at: datetime | None
    valid_until: datetime | None


class VerdictError(ValueError):
    """The verdict cannot be stored; one line. `field` names what is wrong."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


def request_domains(domains: Sequence[str], now: datetime, *, is_awaited: bool) -> None:
    """Have DNS asked for these domains. `is_awaited`: a first email waits for the answer."""
    if domains:
        execute(_REQUEST_NOW if is_awaited else _REQUEST_SOON, {"domains": list(domains), "now": now})


def claim_domains(now: datetime, number: int) -> list[str]:
    """Domains to ask DNS for, those that an email waits for first. Each belongs to the caller for a minute."""
    asked = {"now": now, "until": now + _CLAIMED_FOR, "number": number}
    found = [row["domain"] for row in fetch_all(_CLAIM_AWAITED, asked)]
    if len(found) < number:
        found += [row["domain"] for row in fetch_all(_CLAIM_ANY, {**asked, "number": number - len(found)})]
    return found


def store_answers(answers: Sequence[DomainAnswer], now: datetime) -> None:
    execute(
        _STORE,
        {
            "domains": [answer.domain for answer in answers],
            "states": [answer.state.value for answer in answers],
            "details": [answer.detail[:200] for answer in answers],
            "valid": [now + VALID_FOR[answer.state] for answer in answers],
            "now": now,
        },
    )


@transaction.atomic
def record_verdict(
    contact: Contact,
    *,
    state: AddressState,
    detail: str,
    provider: str,
    checked_at: datetime | None,
    actor: str,
    now: datetime,
) -> AddressVerdict:
    """Store what a provider says of the contact's address, in place of what it said before, and let it count at once.

    An older verdict than the stored one changes nothing. Raises `VerdictError`.
    """
    if checked_at is not None and checked_at > now + _AHEAD:
        raise VerdictError("checked_at", "It lies in the future: report a check when it is done.")
    lock_contacts(contact.workspace_id, is_shared=True)
    contact.refresh_from_db(fields=["email", "erased_at"])
    if contact.erased_at is not None:
        raise VerdictError("contact", f"The contact {ERASED_REASON}.")
    email, at = contact.email.lower(), checked_at or now
    lanes = [row["id"] for row in fetch_all(_HELD_LANES, {"contact": contact.pk})]
    fetch_all(_LOCK_LANES, {"ids": lanes})
    stored: AddressVerdict | None = AddressVerdict.objects.select_for_update().filter(contact=contact).first()
    if stored is not None and stored.email == email and stored.checked_at > at:
        return stored
    values = {
        "workspace_id": contact.workspace_id,
        "email": email,
        "state": state.value,
        "detail": detail,
        "provider": provider,
        "checked_at": at,
        "valid_until": at + timedelta(days=VERDICT_DAYS),
        "recorded_at": now,
        "actor": actor[:200],
    }
    verdict: AddressVerdict
    verdict, _ = AddressVerdict.objects.update_or_create(contact=contact, defaults=values)
    if execute(_RELEASE, {"contact": contact.pk, "now": now}):
        execute(_WAKE_LANES, {"ids": lanes, "now": now})
    return verdict


_REPORT = """
SELECT av.state, av.detail, coalesce(nullif(av.provider, ''), 'provider') AS source, av.checked_at, av.valid_until
FROM emails_addressverdict av
WHERE av.contact_id = %(contact)s AND av.email = %(email)s AND av.valid_until > %(now)s AND av.state <> 'unknown'
UNION ALL
SELECT md.state, md.detail, 'dns', md.checked_at, md.valid_until FROM emails_maildomain md
WHERE md.domain = split_part(%(email)s, '@', 2) AND md.checked_at IS NOT NULL
LIMIT 1
"""


def report_address(contact: Contact, now: datetime) -> AddressReport:
    """What is known of the contact's address, and how old it is."""
    rows = fetch_all(_REPORT, {"contact": contact.pk, "email": contact.email.lower(), "now": now})
    if not rows:
        return AddressReport(AddressState.UNKNOWN, "", "", None, None)
    return AddressReport(**{**rows[0], "state": AddressState(rows[0]["state"])})
