"""Bring stored addresses into their one form: `manage.py repair_addresses`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from execution.maintenance.repair_addresses import count_addresses, repair_addresses
from execution.management.base import ProductCommand


class Command(ProductCommand):
    help = (
        "Bring addresses of contacts, suppressions and mailboxes that were stored before addresses had one form into "
        "it. Contacts that turn out to be the same person are merged; suppressions are never lost. What cannot be "
        "repaired is reported and cannot be mailed. Running it again changes nothing."
    )
    example = "manage.py repair_addresses --dry-run"
    changes_data = True

    def handle(self, *args: Any, **options: Any) -> None:
        with self.progress("Addresses", count_addresses()) as report:
            result = repair_addresses(actor=self.actor(), now=timezone.now(), dry_run=options["dry_run"], report=report)
        if not options["json"]:
            self.list_aside([f"merged {each['address']!r} into {each['into']}" for each in result.merged])
            self.list_aside(
                [f"{each['kind']} {each['id']} of {each['workspace']}: {each['reason']}" for each in result.unrepaired]
            )
        text = (
            f"Repaired {result.contacts} contacts, {result.suppressions} suppressions, {result.mailboxes} mailboxes; "
            f"merged {len(result.merged)} contacts; {len(result.unrepaired)} need a correction by hand."
        )
        data = {**result.present(), **({"is_dry_run": True} if options["dry_run"] else {})}
        self.emit(
            data, f"Dry run, nothing was changed. {text}" if options["dry_run"] else text, as_json=options["json"]
        )
