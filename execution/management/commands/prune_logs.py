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
from execution.maintenance.pruning import count_old, prune
from execution.maintenance.retention import count_people, keep_what_is_kept
from execution.management.base import ProductCommand

_UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1)}


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([dw])", text)
    if found is None or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write it as in 180d or 26w")
    return int(found[1]) * _UNITS[found[2]]


class Command(ProductCommand):
    help = (
        "Delete log entries of enrollments that ended before then, resolved dead letters, cleared alerts and records "
        "set aside. Messages and events stay. What retention lets go of, executors delete by "
        "themselves. In batches; it can be stopped and started again at any time."
    )
    example = "manage.py prune_logs --older-than 180d --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--older-than", type=_age, metavar="AGE", help="such as 180d or 26w")
        which.add_argument(
            "--retention", action="store_true", help="what the workspaces' retention lets go of, all of it now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retention"]:
            self._keep_to_retention(options)
            return
        before = timezone.now() - options["older_than"]
        counted = count_old(before)
        if not options["dry_run"]:
            with self.progress("Rows", sum(counted.values())) as report:
                counted = prune(before, report)
        said = ", ".join(f"{number} of {table}" for table, number in counted.items())
        text = f"would delete {said}" if options["dry_run"] else f"deleted {said}"
        self.emit({"deleted": counted, "before": instant_text(before)}, text, as_json=options["json"])

    def _keep_to_retention(self, options: dict[str, Any]) -> None:
        """What executors do a little of every minute."""
        now = timezone.now()
        people = count_people(now)
        gone = Counter(people=0)
        if not options["dry_run"]:
            with self.progress("People", people) as report:
                while any((done := keep_what_is_kept(now)).values()):
                    gone += done
                    report(done["people"])
            people = gone.pop("people")
        said = ", ".join(f"{number} of {table}" for table, number in sorted(gone.items()))
        text = (
            f"would let go of {people} people"
            if options["dry_run"]
            else f"let go of {people} people: deleted or emptied {said or 'nothing'}"
        )
        self.emit({"people": people, "rows": dict(+gone)}, text, as_json=options["json"])
