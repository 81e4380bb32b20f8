"""Fill in missing time zones of contacts and accounts from their phone number or domain, in batches.

Never overwrites one. A contact of an account with a time zone needs none: it follows the account's, which may change.
Waiting enrollments are replanned at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from common.db import fetch_all
from execution.choices import ControlAction, ControlTarget
from execution.control.replan_calendar import replan_accounts, replan_contacts
from execution.models import ControlLog
from sequences.contacts.operations import wake_waiting_for_fields
from sequences.contacts.zone_guess import guess_by_domain, guess_by_phone
from sequences.models import Account, Contact

BATCH = 500
_MOST_EXAMPLES = 20
_FILL = """
UPDATE {table} t SET timezone = r.zone, updated_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(zones)s::text[]) AS r(id, zone)
WHERE t.id = r.id AND t.timezone = ''
RETURNING t.id
"""
_SOURCES = {
    "phone": "from the phone number",
    "email_domain": "from the country of the email address",
    "domain": "from the country of the domain",
}


@dataclass(slots=True)
class Filled:
    """The result. `sources` counts filled rows by the source of their time zone; `examples`: the first of them."""

    accounts: int = 0
    contacts: int = 0
    undecided: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, str]] = field(default_factory=list)


def count_without_zone(workspace_id: int | None) -> int:
    """How many rows `fill_zones` examines."""
    number: int = _accounts(workspace_id).count() + _contacts(workspace_id).count()
    return number


def fill_zones(
    workspace_id: int | None, *, actor: str, now: datetime, dry_run: bool, report: Callable[[int], None]
) -> Filled:
    """Accounts first, since contacts follow them. Each batch commits alone. `dry_run`: counts, changes nothing."""
    total = Filled()
    filled_accounts: set[int] = set()
    for rows in _batches(_accounts(workspace_id).values("pk", "workspace_id", "domain", label=F("name"))):
        found = {row["pk"]: (guess_by_domain(row["domain"], now), "domain") for row in rows}
        total.accounts += len(filled := _fill(total, ControlTarget.ACCOUNT, rows, found, actor, now, dry_run))
        filled_accounts.update(filled if dry_run else ())
        report(len(rows))
    columns = ("pk", "workspace_id", "phone", "account_id")
    for rows in _batches(_contacts(workspace_id).values(*columns, label=F("email"), domain=F("account__domain"))):
        # in a dry run the accounts have not got theirs
        rest = [row for row in rows if row["account_id"] not in filled_accounts]
        found = {row["pk"]: _guess_contact(row, now) for row in rest}
        total.contacts += len(_fill(total, ControlTarget.CONTACT, rest, found, actor, now, dry_run))
        report(len(rows))
    return total


def _guess_contact(row: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    email_domain = row["label"].rpartition("@")[2]
    if zone := guess_by_phone(row["phone"], row["domain"] or email_domain, now):
        return zone, "phone"
    return guess_by_domain(email_domain, now), "email_domain"


def _fill(
    total: Filled,
    target: ControlTarget,
    rows: list[dict[str, Any]],
    found: Mapping[int, tuple[str, str]],
    actor: str,
    now: datetime,
    dry_run: bool,
) -> set[int]:
    zones = {pk: zone for pk, (zone, _) in found.items() if zone}
    total.undecided += len(rows) - len(zones)
    written = set(zones)
    if not dry_run and zones:
        with transaction.atomic():
            written = _write(target, rows, zones, found, actor, now)
    for row in rows:
        if row["pk"] in written:
            zone, source = found[row["pk"]]
            total.sources[source] += 1
            if len(total.examples) < _MOST_EXAMPLES:
                example = {"kind": target.value, "name": row["label"], "timezone": zone, "source": source}
                total.examples.append(example)
    return written


def _write(
    target: ControlTarget,
    rows: list[dict[str, Any]],
    zones: Mapping[int, str],
    found: Mapping[int, tuple[str, str]],
    actor: str,
    now: datetime,
) -> set[int]:
    table = (Account if target is ControlTarget.ACCOUNT else Contact)._meta.db_table
    ids = sorted(zones)
    params = {"ids": ids, "zones": [zones[pk] for pk in ids], "now": now}
    written = {row["id"] for row in fetch_all(_FILL.format(table=table), params)}
    ControlLog.objects.bulk_create(
        ControlLog(
            workspace_id=row["workspace_id"],
            target=target.value,
            target_id=row["pk"],
            label=row["label"][:254],
            action=ControlAction.EDITED.value,
            reason=f"time zone filled in {_SOURCES[found[row['pk']][1]]}",
            changes=[{"what": "row", "field": "timezone", "before": "", "after": zones[row["pk"]]}],
            actor=actor,
            at=now,
        )
        for row in rows
        if row["pk"] in written
    )
    if target is ControlTarget.CONTACT:
        wake_waiting_for_fields(sorted(written), now)
        replan_contacts({pk: {"contact_timezone": ""} for pk in written}, actor=actor, now=now)
    else:
        replan_accounts({pk: {"account_timezone": ""} for pk in written}, actor=actor, now=now)
    return written


def _accounts(workspace_id: int | None) -> Any:
    accounts = Account.objects.filter(timezone="").order_by("pk")
    return accounts.filter(workspace=workspace_id) if workspace_id else accounts


def _contacts(workspace_id: int | None) -> Any:
    contacts = Contact.objects.filter(timezone="").exclude(account__timezone__gt="").order_by("pk")
    return contacts.filter(workspace=workspace_id) if workspace_id else contacts


def _batches(rows: Any) -> Any:
    after = 0
    while batch := list(rows.filter(pk__gt=after)[:BATCH]):
        yield batch
        after = batch[-1]["pk"]
