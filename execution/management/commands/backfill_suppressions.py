"""Import suppressions from earlier tools: `manage.py backfill_suppressions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from emails.choices import SuppressionReason
from emails.facts.suppression_files import ImportedSuppressions, import_suppressions
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.contacts.csv_reader import REJECT_COLUMN, CsvFormError, write_line


class Command(ProductCommand):
    help = (
        "Put the addresses and domains of a CSV file (columns email or domain, reason, note, expires), or of a list of "
        "one per line, on a workspace's suppression list. Live enrollments of these contacts end. Works in batches and "
        "can be restarted after an interruption: entries that are on the list stay as they are."
    )
    example = "manage.py backfill_suppressions unsubscribed.csv --workspace acme --reason unsubscribed --dry-run"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV in UTF-8, or one entry per line")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        reasons = [reason.value for reason in SuppressionReason]
        parser.add_argument(
            "--reason", choices=reasons, default="manual", help="the reason for rows that name none (default: manual)"
        )
        parser.add_argument("--rejects", metavar="FILE", type=Path, help="write the rejected rows with their reasons")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        if options["rejects"]:
            self.check_writable(options["rejects"])
        if options["dry_run"]:
            with transaction.atomic():
                imported = self._import(workspace.pk, options)
                transaction.set_rollback(True)
        else:
            imported = self._import(workspace.pk, options)
        if options["rejects"]:
            self._write_rejects(options["rejects"], imported)
        if not options["json"]:
            self.list_aside([f"row {rejected.row}: {rejected.reason}" for rejected in imported.rejected])
        text = (
            f"{imported.created} added, {imported.updated} extended, {imported.known} on the list already, "
            f"{len(imported.rejected)} rejected."
        )
        self.emit(
            imported.present(), f"Dry run, nothing was changed. {text}" if options["dry_run"] else text,
            as_json=options["json"],
        )  # fmt: skip

    def _import(self, workspace_id: int, options: dict[str, Any]) -> ImportedSuppressions:
        path: Path = options["file"]
        try:
            with path.open("rb") as stream:
                total = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
                stream.seek(0)
                with self.progress("Suppressions", total) as report:
                    return import_suppressions(
                        workspace_id, str(path), stream, actor=self.actor(), now=timezone.now(),
                        reason=SuppressionReason(options["reason"]), report=report,
                    )  # fmt: skip
        except CsvFormError as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(f"{path}: cannot be read ({error.strerror}): check the path", BAD_ARGUMENTS)

    def _write_rejects(self, path: Path, imported: ImportedSuppressions) -> None:
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.write(write_line(["row", REJECT_COLUMN, "cells"]))
                for rejected in imported.rejected:
                    file.write(write_line([str(rejected.row), rejected.reason, *rejected.cells]))
        except OSError as error:
            self.fail(f"{path}: the rejects cannot be written ({error.strerror}); the rest is stored")
