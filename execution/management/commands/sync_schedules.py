"""Install the schedules of django-q2's cluster: `manage.py sync_schedules`."""

from __future__ import annotations

from typing import Any

from execution.management.base import ProductCommand
from execution.schedules import sync_schedules


class Command(ProductCommand):
    help = "Make the schedules of the cluster exactly those that this release needs. Safe to run at every deployment."
    example = "manage.py sync_schedules && manage.py qcluster"
    changes_data = True

    def handle(self, *args: Any, **options: Any) -> None:
        with self.keeping_changes(dry_run=options["dry_run"]):
            installed, removed = sync_schedules()
        text = f"{installed} schedules installed, {removed} removed"
        self.emit({"installed": installed, "removed": removed}, text, as_json=options["json"])
