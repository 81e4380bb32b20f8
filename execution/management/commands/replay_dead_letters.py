"""Retry quarantined enrollments: `manage.py replay_dead_letters`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.control.enrollments import Report, retry_enrollments
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.models import DeadLetter
from sequences.models import Sequence

_BATCH = 500


class Command(ProductCommand):
    help = (
        "Release enrollments from quarantine and retry their step, once the cause is fixed. Works in batches; what "
        "fails again is quarantined again."
    )
    example = "manage.py replay_dead_letters --workspace acme --class template --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="only of this workspace")
        parser.add_argument(
            "--class", dest="error_class", metavar="CLASS", help="only of this error class, such as template or timing"
        )
        parser.add_argument("--sequence", metavar="NAME", help="only of the sequences of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        letters = DeadLetter.objects.filter(resolved_at__isnull=True)
        sequences = Sequence.objects.all()
        if options["workspace"]:
            workspace = self.find_workspace(options["workspace"])
            letters, sequences = letters.filter(workspace=workspace), sequences.filter(workspace=workspace)
        if options["error_class"]:
            letters = letters.filter(error_class=options["error_class"])
        if options["sequence"]:
            if not sequences.filter(name=options["sequence"]).exists():
                self.fail(
                    f"--sequence: there is no sequence {options['sequence']!r}: write its whole name", BAD_ARGUMENTS
                )
            letters = letters.filter(enrollment__sequence__name=options["sequence"])
        ids = list(letters.order_by("pk").values_list("enrollment_id", flat=True))
        total = Report()
        if not options["dry_run"]:
            with self.progress("Dead letters", len(ids)) as report:
                for start in range(0, len(ids), _BATCH):
                    batch = ids[start : start + _BATCH]
                    done = retry_enrollments(batch, actor=self.actor(), now=timezone.now(), reason="replayed")
                    total.changed += done.changed
                    total.refused |= done.refused
                    report(len(batch))
        replayed = len(ids) if options["dry_run"] else len(total.changed)
        refused = [{"enrollment": pk, "reason": reason} for pk, reason in total.refused.items()]
        if not options["json"]:
            self.list_aside([f"enrollment {each['enrollment']}: {each['reason']}" for each in refused])
        text = f"{'would replay' if options['dry_run'] else 'replayed'} {replayed}, {len(refused)} refused"
        self.emit({"replayed": replayed, "refused": refused}, text, as_json=options["json"])
