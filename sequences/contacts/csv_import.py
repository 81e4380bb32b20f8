"""Contacts from a CSV file into one workspace: batches, set-based, one transaction, flat memory.

An address that is known is updated: a filled cell replaces, an empty one keeps, custom columns are merged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction

from common.db import Row, execute, fetch_all
from sequences.contacts.csv_form import (
    FIELDS_TOO_LARGE,
    MOST_FIELDS_BYTES,
    ContactRow,
    ContactsFile,
    OptedOutRow,
)
from sequences.contacts.csv_reader import REJECT_COLUMN, RejectedRow, RowWarning, write_line
from sequences.contacts.erased import ERASED_REASON, find_erased, lock_contacts
from sequences.contacts.operations import wake_waiting_for_fields
from sequences.contacts.opt_outs import OptOut
from sequences.models import Contact

BATCH_ROWS = 1_000
# of merge fields, which a batch holds several times in memory
BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OptedOut:
    """An address that a row says must not be mailed, also one that is rejected."""

    email: str
    opt_out: OptOut


@dataclass(frozen=True, slots=True)
class ImportedContacts:
    """`contact_ids` are all that the file names, new and known; `columns` the header as it is written.

    `old_zones`: of contacts that follow another time zone now, what they and their account had before. `warnings`: rows
    that are stored without something that they say, or of contacts that must not be mailed. `opted_out`: these, for the
    caller to suppress.
    """

    created: int
    updated: int
    rejected: tuple[RejectedRow, ...]
    contact_ids: tuple[int, ...]
    columns: tuple[str, ...]
    old_zones: Mapping[int, Row] = field(default_factory=dict)
    warnings: tuple[RowWarning, ...] = ()
    opted_out: tuple[OptedOut, ...] = ()

    def present(self) -> dict[str, Any]:
        """`opted_out` and `warnings` only where there are any."""
        warnings = [{"row": warning.row, "reason": warning.reason} for warning in self.warnings]
        return {
            "created": self.created,
            "updated": self.updated,
            "rejected": [{"row": rejected.row, "reason": rejected.reason} for rejected in self.rejected],
            **({"opted_out": len(self.opted_out)} if self.opted_out else {}),
            **({"warnings": warnings} if warnings else {}),
        }

    def rejects_file(self) -> Iterator[str]:
        """The rejected rows with their reasons, line by line, to be corrected and imported again."""
        return write_rejects(self.columns, self.rejected)


def write_rejects(columns: Sequence[str], rejected: Iterable[RejectedRow]) -> Iterator[str]:
    """A file of rejected rows, line by line; `columns` are those of the file they came from."""
    yield write_line([*columns, REJECT_COLUMN])
    for row in rejected:
        padding = [""] * (len(columns) - len(row.cells))
        yield write_line([*row.cells[: len(columns)], *padding, f"row {row.row}: {row.reason}"])


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of some rows; see `ImportedContacts`."""

    created: int
    contact_ids: tuple[int, ...]
    updated_ids: tuple[int, ...]
    rejected: tuple[RejectedRow, ...]
    old_zones: Mapping[int, Row]
    opted_out: tuple[OptedOut, ...]
    warnings: tuple[RowWarning, ...]


@transaction.atomic
def import_contacts(
    workspace_id: int,
    file: str,
    stream: BinaryIO,
    now: datetime,
    report: Callable[[int], None] = lambda rows: None,
    mapping: Mapping[str, str] | None = None,
) -> ImportedContacts:
    """Create and update the contacts of a CSV file; `file` names it in errors, `report` gets how many rows are done.

    `mapping`: columns as written to what they are read as, "" to leave one out.
    Rejected rows harm no other. Call it in `retry_deadlocks`. Raises `CsvFormError`, keeping
    nothing, when the file cannot be read.
    """
    lock_contacts(workspace_id)
    contacts = ContactsFile(file, stream, mapping)
    rejected: list[RejectedRow] = []
    warnings: list[RowWarning] = []
    ids: list[int] = []
    updated: list[int] = []
    old_zones: dict[int, Row] = {}
    created = 0
    opted_out: list[OptedOut] = []
    batch: list[ContactRow | OptedOutRow] = []

    def keep_batch() -> None:
        nonlocal created
        stored = store_batch(workspace_id, batch, now)
        rejected.extend(stored.rejected)
        created += stored.created
        ids.extend(stored.contact_ids)
        old_zones.update(stored.old_zones)
        updated.extend(stored.updated_ids)
        opted_out.extend(stored.opted_out)
        warnings.extend(stored.warnings)
        report(len(batch))
        batch.clear()

    size = 0
    for row in contacts:
        if isinstance(row, RejectedRow):
            rejected.append(row)
            report(1)
            continue
        batch.append(row)
        size += sum(map(len, row.cells))
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            keep_batch()
            size = 0
    if batch:
        keep_batch()
    # once for all batches: enrollments are locked in the order of their ids, for as short as can be
    wake_waiting_for_fields(updated, now)
    contacts.detach()
    rejected.sort(key=lambda each: each.row)
    return ImportedContacts(
        created, len(ids) - created, tuple(rejected), tuple(ids), tuple(contacts.columns), old_zones, tuple(warnings),
        tuple(opted_out),
    )  # fmt: skip


def store_batch(workspace_id: int, all_rows: Sequence[ContactRow | OptedOutRow], now: datetime) -> StoredBatch:
    """Create or update the contacts of these rows; the addresses of usable ones are distinct.

    The caller suppresses those that opted out. Call inside a transaction that holds `lock_contacts`, and wake those of
    `updated_ids` last in it.
    """
    erased = find_erased(workspace_id, [row.email for row in all_rows])
    rows = [row for row in all_rows if isinstance(row, ContactRow)]
    opted_out = [row for row in all_rows if row.opt_out and row.email.lower() not in erased]
    warnings = [warning for row in all_rows for warning in row.warnings]
    warnings += [RowWarning(row.row, f"{row.opt_out.said}: must not be mailed") for row in opted_out if row.opt_out]
    rejected = [
        RejectedRow(row.row, *((ERASED_REASON, ()) if row.email.lower() in erased else (row.reason, row.cells)))
        for row in all_rows
        if isinstance(row, OptedOutRow)
    ]
    rejected += [RejectedRow(row.row, ERASED_REASON, ()) for row in rows if row.email.lower() in erased]
    taken = _find_taken_ids(workspace_id, rows)
    rejected += [
        RejectedRow(row.row, f"external_id {row.external_id} is another contact's: correct it", row.cells)
        for row in rows
        if row.email.lower() not in erased and row.external_id in taken
    ]
    usable = [row for row in rows if row.email.lower() not in erased and row.external_id not in taken]
    stored = upsert_contacts(workspace_id, usable, now)
    kept = {row["email"].lower() for row in stored}
    rejected += [RejectedRow(row.row, FIELDS_TOO_LARGE, row.cells) for row in usable if row.email.lower() not in kept]
    return StoredBatch(
        sum(row["is_new"] for row in stored),
        tuple(row["id"] for row in stored),
        tuple(row["id"] for row in stored if not row["is_new"]),
        tuple(rejected),
        {row["id"]: {name: row[name] for name in _ZONES} for row in stored if row["is_moved"]},
        tuple(OptedOut(row.email, row.opt_out) for row in opted_out if row.opt_out),
        tuple(warnings),
    )


def _find_taken_ids(workspace_id: int, rows: Sequence[ContactRow]) -> set[str]:
    """The external ids that contacts with other addresses have."""
    addresses = {row.external_id: row.email.lower() for row in rows if row.external_id}
    if not addresses:
        return set()
    found = Contact.objects.filter(workspace=workspace_id, external_id__in=list(addresses))
    pairs = found.values_list("external_id", "email")
    return {external_id for external_id, email in pairs if external_id and addresses[external_id] != email.lower()}


_ZONES = ("contact_timezone", "account_timezone", "contact_country")
# A company is known by its domain, or by its name where the row gives no domain.
_ADD_ACCOUNTS_BY_DOMAIN = """
INSERT INTO sequences_account (workspace_id, name, domain, timezone, created_at, updated_at)
SELECT DISTINCT ON (r.domain) %(workspace)s, coalesce(nullif(r.company, ''), r.domain), r.domain, '', %(now)s, %(now)s
FROM unnest(%(companies)s::text[], %(domains)s::text[]) WITH ORDINALITY AS r(company, domain, place)
WHERE r.domain <> ''
ORDER BY r.domain, r.company = '', r.place
ON CONFLICT (workspace_id, lower(domain)) WHERE domain <> '' DO NOTHING
"""
_ADD_ACCOUNTS_BY_NAME = """
INSERT INTO sequences_account (workspace_id, name, domain, timezone, created_at, updated_at)
SELECT DISTINCT ON (lower(r.company)) %(workspace)s, r.company, '', '', %(now)s, %(now)s
FROM unnest(%(companies)s::text[], %(domains)s::text[]) WITH ORDINALITY AS r(company, domain, place)
WHERE r.domain = '' AND r.company <> ''
  AND NOT EXISTS (
      SELECT 1 FROM sequences_account a WHERE a.workspace_id = %(workspace)s AND lower(a.name) = lower(r.company)
  )
ORDER BY lower(r.company), r.place
"""
# What is joined in the end is as it was before the statement.
_UPSERT = """
WITH named AS (
    SELECT lower(name) AS name, min(id) AS id FROM sequences_account
    WHERE workspace_id = %(workspace)s AND lower(name) IN (SELECT lower(x) FROM unnest(%(companies)s::text[]) x)
    GROUP BY lower(name)
), stored AS (
INSERT INTO sequences_contact AS c (workspace_id, account_id, email, first_name, last_name, title, phone, timezone,
                                    external_id, fields, engagement_score, created_at, updated_at)
SELECT %(workspace)s, coalesce(d.id, n.id), r.email, r.first_name, r.last_name, r.title, r.phone, r.timezone,
       nullif(r.external_id, ''), r.fields::jsonb, 0, %(now)s, %(now)s
FROM unnest(%(emails)s::text[], %(first_names)s::text[], %(last_names)s::text[], %(titles)s::text[],
            %(phones)s::text[], %(timezones)s::text[], %(external_ids)s::text[], %(fields)s::text[],
            %(companies)s::text[], %(domains)s::text[])
     AS r(email, first_name, last_name, title, phone, timezone, external_id, fields, company, domain)
LEFT JOIN sequences_account d
       ON r.domain <> '' AND d.workspace_id = %(workspace)s AND d.domain <> '' AND lower(d.domain) = r.domain
LEFT JOIN named n ON r.domain = '' AND r.company <> '' AND n.name = lower(r.company)
WHERE octet_length(r.fields::jsonb::text) <= %(most_bytes)s
ORDER BY lower(r.email)
ON CONFLICT (workspace_id, lower(email)) DO UPDATE
SET account_id = coalesce(excluded.account_id, c.account_id),
    first_name = coalesce(nullif(excluded.first_name, ''), c.first_name),
    last_name = coalesce(nullif(excluded.last_name, ''), c.last_name),
    title = coalesce(nullif(excluded.title, ''), c.title),
    phone = coalesce(nullif(excluded.phone, ''), c.phone),
    timezone = coalesce(nullif(excluded.timezone, ''), c.timezone),
    external_id = coalesce(excluded.external_id, c.external_id),
    fields = c.fields || excluded.fields,
    updated_at = excluded.updated_at
WHERE octet_length((c.fields || excluded.fields)::text) <= %(most_bytes)s
RETURNING c.id, c.xmax = 0 AS is_new, c.email, c.timezone, c.account_id, c.fields ->> 'country' AS country
)
SELECT s.id, s.is_new, s.email, o.timezone AS contact_timezone, b.timezone AS account_timezone,
       o.fields ->> 'country' AS contact_country,
       NOT s.is_new AND (coalesce(nullif(s.timezone, ''), a.timezone, '')
                         <> coalesce(nullif(o.timezone, ''), b.timezone, '')
                         OR w.holidays_of <> 'workspace' AND s.country IS DISTINCT FROM o.fields ->> 'country')
           AS is_moved
FROM stored s
JOIN sequences_workspace w ON w.id = %(workspace)s
LEFT JOIN sequences_account a ON a.id = s.account_id
LEFT JOIN sequences_contact o ON o.id = s.id
LEFT JOIN sequences_account b ON b.id = o.account_id
ORDER BY lower(s.email)
"""


def upsert_contacts(workspace_id: int, rows: Sequence[ContactRow], now: datetime) -> list[Row]:
    """Create or update these contacts and their companies in a fixed number of statements; addresses are distinct.

    A row whose merge fields, merged with those that are stored, have more than `MOST_FIELDS_BYTES` is left out. Answers
    each other contact's `id`, `email`, whether it `is_new`, and whether it `is_moved` to another time zone or
    country than it followed, with the ones it had. Call inside a transaction.
    """
    params = {
        "workspace": workspace_id,
        "now": now,
        "most_bytes": MOST_FIELDS_BYTES,
        "emails": [row.email for row in rows],
        "first_names": [row.first_name for row in rows],
        "last_names": [row.last_name for row in rows],
        "titles": [row.title for row in rows],
        "phones": [row.phone for row in rows],
        "timezones": [row.timezone for row in rows],
        "external_ids": [row.external_id for row in rows],
        "fields": [json.dumps(row.fields, ensure_ascii=False) for row in rows],
        "companies": [row.company for row in rows],
        "domains": [row.domain for row in rows],
    }
    accounts = {key: params[key] for key in ("workspace", "now", "companies", "domains")}
    execute(_ADD_ACCOUNTS_BY_DOMAIN, accounts)
    execute(_ADD_ACCOUNTS_BY_NAME, accounts)
    return fetch_all(_UPSERT, params)
