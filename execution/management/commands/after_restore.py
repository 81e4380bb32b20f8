"""Make a restored database safe to run: `manage.py after_restore`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.heartbeat import alive_workers
from execution.maintenance.after_restore import (
    count_held,
    find_held,
    has_failed_over,
    hold_after_backup,
    hold_after_failover,
)
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import instant


class Command(ProductCommand):
    help = (
        "Run this once after a backup was restored, before any executor is started, or after a failover that may have "
        "lost commits. It marks what was in the outbox as unknown and pauses every enrollment that may have been "
        "mailed since. After a backup the executor stays paused until you resume it; the pause that a failover caused "
        "ends. docs/operations.md says how to release what is held."
    )
    example = "manage.py after_restore --backup-taken-at 2026-03-02T03:00:00Z --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--backup-taken-at",
            metavar="TIME",
            type=instant,
            help="the moment that was restored: ISO 8601, UTC without an offset. Leave out after a failover",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        taken_at: datetime | None = options["backup_taken_at"]
        if taken_at is None and not has_failed_over():
            self.fail(
                "the database has not failed over: after a backup was restored, give --backup-taken-at", BAD_ARGUMENTS
            )
        if taken_at is not None and taken_at > now:
            self.fail(f"--backup-taken-at lies in the future: it is {now:%Y-%m-%d %H:%M} UTC", BAD_ARGUMENTS)
        if options["dry_run"]:
            held = count_held(now)
        else:
            with self.progress("Enrollments", find_held(now).count()) as report:
                if taken_at is None:
                    held = hold_after_failover(actor=self.actor(), now=now, report=report)
                else:
                    held = hold_after_backup(taken_at, actor=self.actor(), now=now, report=report)
        if taken_at is not None and (running := len(alive_workers(now))):
            self.stderr.write(f"warning: {running} executors are running and may have sent emails already: stop them")
        paused = f"{held.enrollments} enrollments are paused"
        if taken_at is not None:
            paused = f"the executor and {paused}"
        text = (
            f"{paused}, the outcome of {held.messages} messages is unknown. Look into the Sent folders before you "
            "resume any of them."
        )
        if taken_at is None and not options["dry_run"]:
            text += " The pause of the failover has ended."
        if options["dry_run"]:
            text = f"Dry run, nothing was changed. Then {text}"
        self.emit({"enrollments": held.enrollments, "messages": held.messages}, text, as_json=options["json"])
