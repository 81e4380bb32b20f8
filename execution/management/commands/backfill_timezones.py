"""Fill in missing time zones: `manage.py backfill_timezones`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.maintenance.fill_timezones import count_without_zone, fill_zones
from execution.management.base import ProductCommand


class Command(ProductCommand):
    help = (
        "Give contacts and accounts that have no time zone the one that their phone number, else the country of their "
        "domain indicates. A known time zone is never overwritten; contacts use the zone of their account; countries "
        "whose zones are more than an hour apart are left out. Waiting enrollments are replanned at once. Works in "
        "batches and can be stopped and restarted at any time."
    )
    example = "manage.py backfill_timezones --workspace acme --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="only of this workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace_id = self.find_workspace(options["workspace"]).pk if options["workspace"] else None
        with self.progress("Without a time zone", count_without_zone(workspace_id)) as report:
            filled = fill_zones(
                workspace_id, actor=self.actor(), now=timezone.now(), dry_run=options["dry_run"], report=report
            )
        if not options["json"]:
            for each in filled.examples:
                self.stderr.write(f"{each['kind']} {each['name']}: {each['timezone']} ({each['source']})")
        sources = ", ".join(f"{number} by {source}" for source, number in sorted(filled.sources.items())) or "none"
        text = (
            f"{filled.accounts} accounts and {filled.contacts} contacts filled in ({sources}), {filled.undecided} left."
        )
        self.emit(
            {
                "accounts": filled.accounts,
                "contacts": filled.contacts,
                "sources": dict(filled.sources),
                "undecided": filled.undecided,
                "examples": filled.examples,
            },
            f"Dry run, nothing was changed. {text}" if options["dry_run"] else text,
            as_json=options["json"],
        )
