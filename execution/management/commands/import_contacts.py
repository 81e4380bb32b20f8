"""Import contacts from a CSV file, and enroll them if asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from common.deadlocks import retry_deadlocks
from emails.facts.opted_out import suppress_opted_out
from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.control.enrollments import exit_enrollments
from execution.control.replan_calendar import replan_contacts
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.enroll_options import add_enroll_options, present_counts
from sequences.contacts.csv_import import ImportedContacts, import_contacts
from sequences.contacts.csv_reader import CsvFormError
from sequences.models import Workspace

_FAR = timedelta(days=1)


class Command(ProductCommand):
    help = (
        "Create and update contacts from a CSV file (UTF-8; comma, semicolon or tab; a column email). Columns beyond "
        "the known ones become merge fields. Rows that cannot be used are reported and harm no other. Contacts that a "
        "column says have opted out or bounced are put on the suppression list."
    )
    example = "manage.py import_contacts contacts.csv --workspace acme --rejects rejects.csv"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV with a header row")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--enroll-in", metavar="NAME", help="start this sequence for all contacts of the file")
        parser.add_argument("--mailbox", metavar="ADDRESS", help="the mailbox that sends to them")
        parser.add_argument("--pool", metavar="NAME", help="a mailbox pool instead: each gets one of its mailboxes")
        parser.add_argument(
            "--already-mailed-by", metavar="TOOL",
            help="with --enroll-in: they got this sequence from another tool; their enrollments are ended at once",
        )  # fmt: skip
        parser.add_argument(
            "--map", action="append", default=[], metavar="COLUMN=NAME",
            help="read a column as another one, or leave it out (COLUMN=); may be given several times",
        )  # fmt: skip
        add_enroll_options(parser)
        parser.add_argument("--rejects", metavar="FILE", type=Path, help="write the rejected rows with their reasons")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        if options["rejects"]:
            self.check_writable(options["rejects"])
        for option in ("mailbox", "pool", "already_mailed_by", "again", "allow_incomplete"):
            if options[option] and not options["enroll_in"]:
                self.fail(f"--{option.replace('_', '-')}: is only used with --enroll-in", BAD_ARGUMENTS)

        mapping = self._read_mapping(options["map"])

        def store() -> tuple[ImportedContacts, EnrollResult | None]:
            with self.keeping_changes(dry_run=options["dry_run"]):
                imported = self._import(workspace, options["file"], mapping)
                replan_contacts(imported.old_zones, actor=self.actor(), now=timezone.now())
                suppress_opted_out(workspace.pk, imported.opted_out, self.actor(), timezone.now())
                enrolled = self._enroll(workspace, imported, options) if options["enroll_in"] else None
                return imported, enrolled

        imported, enrolled = retry_deadlocks(store)
        if options["rejects"]:
            self._write_rejects(options["rejects"], imported)
        if not options["json"]:
            self.list_aside([f"row {rejected.row}: {rejected.reason}" for rejected in imported.rejected])
            self.list_aside([f"row {warning.row}: {warning.reason}" for warning in imported.warnings])
            if enrolled is not None:
                self.list_aside([f"skipped {skipped.email}: {skipped.reason}" for skipped in enrolled.skipped])
        data = imported.present()
        text = f"{imported.created} created, {imported.updated} updated, {len(imported.rejected)} rejected."
        if imported.opted_out:
            text += f" {len(imported.opted_out)} must not be mailed: they are on the suppression list."
        if enrolled is not None:
            data |= enrolled.present()
            text += f" {present_counts(enrolled)}"
            if options["already_mailed_by"]:
                text += " All of these enrollments have ended: nothing is sent."
        self.emit(
            data, f"Dry run, nothing was changed. {text}" if options["dry_run"] else text, as_json=options["json"]
        )

    def _read_mapping(self, given: list[str]) -> dict[str, str]:
        for each in given:
            if "=" not in each:
                self.fail(f"--map {each}: write it as COLUMN=NAME, or COLUMN= to leave it out", BAD_ARGUMENTS)
        return {column: name for column, _, name in (each.rpartition("=") for each in given)}

    def _import(self, workspace: Workspace, path: Path, mapping: dict[str, str]) -> ImportedContacts:
        try:
            with path.open("rb") as stream:
                total = sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
                stream.seek(0)
                with self.progress("Contacts", total) as report:
                    return import_contacts(workspace.pk, str(path), stream, timezone.now(), report, mapping)
        except CsvFormError as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(f"{path}: cannot be read ({error.strerror}): check the path", BAD_ARGUMENTS)

    def _enroll(self, workspace: Workspace, imported: ImportedContacts, options: dict[str, Any]) -> EnrollResult:
        sequence = self.find_sequence(workspace, options["enroll_in"])
        mailbox, pool = self.find_sending(workspace, options)
        tool, now = options["already_mailed_by"], timezone.now()
        try:
            enrolled = enroll_contacts(
                sequence=sequence,
                contact_ids=imported.contact_ids,
                mailbox=mailbox,
                pool=pool,
                owner=mailbox.owner if mailbox else None,
                actor=self.actor(),
                now=now,
                # nothing is due before they end, in the same transaction
                start_at=now + _FAR if tool else None,
                again=options["again"] or "",
                allow_incomplete=bool(options["allow_incomplete"] or tool),
            )
        except EnrollError as error:
            self.fail(str(error))
        if tool:
            exit_enrollments(enrolled.enrolled, actor=self.actor(), now=now, reason=f"already mailed by {tool}")
        return enrolled

    def _write_rejects(self, path: Path, imported: ImportedContacts) -> None:
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(imported.rejects_file())
        except OSError as error:
            self.fail(f"{path}: the rejects cannot be written ({error.strerror}); the contacts are imported")
