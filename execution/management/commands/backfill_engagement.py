"""Classify stored opens and clicks again by the rules of this release: `manage.py backfill_engagement`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from emails.tracking.reclassify import Reclassified, count_older, reclassify_batch
from execution.management.base import ProductCommand
from execution.management.values import instant


class Command(ProductCommand):
    help = (
        "Classify again which stored opens and clicks came from a person, by the rules of this release. Enrollments "
        "whose waiting branch may change are evaluated again; none is moved back. Works in batches and can be stopped "
        "and restarted at any time. Visits that these rules have classified are left alone."
    )
    example = "manage.py backfill_engagement --since 2026-01-01 --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="only of this workspace")
        parser.add_argument(
            "--since",
            metavar="TIME",
            type=instant,
            help="only what happened since then: ISO 8601, UTC without an offset",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"]) if options["workspace"] else None
        workspace_id = workspace.pk if workspace else None
        since: datetime | None = options["since"]
        total, after = Reclassified(), 0
        with self.progress("Visits", count_older(since, workspace_id)) as report:
            while True:
                done, after = reclassify_batch(
                    total,
                    after,
                    since=since,
                    workspace_id=workspace_id,
                    now=timezone.now(),
                    dry_run=options["dry_run"],
                )
                if not done:
                    break
                report(done)
        changes = ", ".join(f"{number} {change}" for change, number in sorted(total.changes.items())) or "no verdict"
        text = f"{total.classified} visits classified again, {changes} changed, {total.woken} enrollments to evaluate."
        self.emit(
            {"classified": total.classified, "changed": dict(total.changes), "woken": total.woken},
            f"Dry run, nothing was changed. {text}" if options["dry_run"] else text,
            as_json=options["json"],
        )
