"""Install the schedules of django-q2's cluster: `manage.py sync_schedules`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.worker.schedules import sync_schedules

_MOST_ENGINES = 256


class Command(ProductCommand):
    help = "Install the schedules that this release needs and remove all others. Safe to run at every deployment."
    example = "manage.py sync_schedules && manage.py qcluster"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--engines", type=int, metavar="N", help="engines at once, over all hosts (default: as it is, at first 1)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["engines"] is not None and not 1 <= options["engines"] <= _MOST_ENGINES:
            self.fail(f"--engines must be at least 1 and at most {_MOST_ENGINES}", BAD_ARGUMENTS)
        with self.keeping_changes(dry_run=options["dry_run"]):
            installed, removed = sync_schedules(options["engines"])
        text = f"{installed} schedules installed, {removed} removed"
        self.emit({"installed": installed, "removed": removed}, text, as_json=options["json"])
