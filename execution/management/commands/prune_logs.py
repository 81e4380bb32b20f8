"""Delete old logs: `manage.py prune_logs`."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from common.text import instant_text
from execution.maintenance.retention import count_ended, count_older, purge_older, purge_round
from execution.management.base import ProductCommand

_UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1)}


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([dw])", text)
    if found is None or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: write it as in 180d or 26w")
    return int(found[1]) * _UNITS[found[2]]


class Command(ProductCommand):
    help = (
        "Delete log entries of enrollments that ended before then, resolved dead letters, cleared alerts, delivered "
        "webhooks, provider events that could not be used, expired sessions and results of jobs. Messages and events "
        "stay, and so do security events until executors or --retention delete them after 400 days. What the "
        "workspaces' retention covers, executors delete by themselves. It works in batches and can be stopped and "
        "started again at any time."
    )
    example = "manage.py prune_logs --older-than 180d --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--older-than", type=_age, metavar="AGE", help="such as 180d or 26w")
        which.add_argument(
            "--retention", action="store_true", help="delete now all that the workspaces' retention covers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retention"]:
            self._purge_by_retention(options)
            return
        before = timezone.now() - options["older_than"]
        counted = count_older(before)
        if not options["dry_run"]:
            with self.progress("Rows", sum(counted.values())) as report:
                counted = purge_older(before, report)
        rows = ", ".join(f"{number} of {table}" for table, number in counted.items())
        text = f"Would delete {rows}." if options["dry_run"] else f"Deleted {rows}."
        self.emit({"deleted": counted, "before": instant_text(before)}, text, as_json=options["json"])

    def _purge_by_retention(self, options: dict[str, Any]) -> None:
        """All at once what executors do a little of every minute."""
        now = timezone.now()
        ended = count_ended(now)
        gone: Counter[str] = Counter()
        if not options["dry_run"]:
            with self.progress("Enrollments", ended) as report:
                while any((done := purge_round(now)).values()):
                    gone += done
                    report(done["enrollments"])
            ended = gone.pop("enrollments", 0)
        rows = ", ".join(f"{number} of {table}" for table, number in sorted(gone.items()))
        text = (
            f"Would purge {ended} ended enrollments."
            if options["dry_run"]
            else f"Purged {ended} ended enrollments: deleted or emptied {rows or 'nothing'}."
        )
        self.emit({"enrollments": ended, "rows": dict(+gone)}, text, as_json=options["json"])
