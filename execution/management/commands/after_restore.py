"""Make a restored database safe to run: `manage.py after_restore`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.heartbeat import alive_workers
from execution.maintenance.after_restore import count_held, find_held, hold_what_may_have_left
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import instant


class Command(ProductCommand):
    help = (
        "Run this once after a backup was restored, before any executor is started. It pauses the executor, marks what "
        "was in the outbox as unknown, and pauses every enrollment that may have been mailed since the backup. "
        "docs/operations.md says how to release them."
    )
    example = "manage.py after_restore --backup-taken-at 2026-03-02T03:00:00Z --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--backup-taken-at",
            required=True,
            metavar="TIME",
            type=instant,
            help="the moment that was restored: ISO 8601, UTC without an offset",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        taken_at: datetime = options["backup_taken_at"]
        if taken_at > now:
            self.fail(f"--backup-taken-at lies in the future: it is {now:%Y-%m-%d %H:%M} UTC", BAD_ARGUMENTS)
        if options["dry_run"]:
            held = count_held(now)
        else:
            with self.progress("Enrollments", find_held(now).count()) as report:
                held = hold_what_may_have_left(taken_at, actor=self.actor(), now=now, report=report)
        if running := len(alive_workers(now)):
            self.stderr.write(f"warning: {running} executors are running and may have sent emails already: stop them")
        text = (
            f"the executor and {held.enrollments} enrollments are paused, the outcome of {held.messages} messages is "
            "unknown. Look into the Sent folders before you resume any of them."
        )
        if options["dry_run"]:
            text = f"Dry run, nothing was changed. Then {text}"
        self.emit({"enrollments": held.enrollments, "messages": held.messages}, text, as_json=options["json"])
