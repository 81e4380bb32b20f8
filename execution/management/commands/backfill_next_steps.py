"""Repair the times of enrollments: `manage.py backfill_next_steps`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from common.text import instant_text
from execution.maintenance.repair_due_times import Repaired, count_live, repair_batch
from execution.management.base import ProductCommand


class Command(ProductCommand):
    help = (
        "Find live enrollments that have no due time, are due before their step's delay has passed, or would be looked "
        "at too late or never (after an import, a restored backup, or contacts that got a time zone), and plan them "
        "from the end of their previous step. No enrollment moves to another step or runs earlier than planned. Works "
        "in batches and can be stopped and restarted at any time."
    )
    example = "manage.py backfill_next_steps --workspace acme --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="only of this workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace_id = self.find_workspace(options["workspace"]).pk if options["workspace"] else None
        total, after = Repaired(), 0
        with self.progress("Enrollments", count_live(workspace_id)) as report:
            while True:
                done, after = repair_batch(
                    total,
                    after,
                    workspace_id=workspace_id,
                    actor=self.actor(),
                    now=timezone.now(),
                    dry_run=options["dry_run"],
                )
                if not done:
                    break
                report(done)
        examples = [
            {
                "enrollment": each.enrollment_id,
                "reason": each.reason,
                "next_step_at": instant_text(each.due_at) if each.due_at else None,
            }
            for each in total.examples
        ]
        if not options["json"]:
            for each in examples:
                self.stderr.write(f"enrollment {each['enrollment']}: {each['reason']}, due {each['next_step_at']}")
        repaired = total.reasons.total()
        counts = (
            ", ".join(f"{number} {reason}" for reason, number in sorted(total.reasons.items())) or "nothing to repair"
        )
        text = f"{total.examined} enrollments examined, {repaired} repaired ({counts})."
        self.emit(
            {
                "examined": total.examined,
                "repaired": repaired,
                "reasons": dict(total.reasons),
                "examples": examples,
            },
            f"Dry run, nothing was changed. {text}" if options["dry_run"] else text,
            as_json=options["json"],
        )
