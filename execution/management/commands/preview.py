"""A contact's whole future in a sequence: `manage.py preview`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from common.text import instant_text
from execution.insight.preview import preview_sequence
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import instant
from sequences.contacts.queries import has_address
from sequences.models import Contact


class Command(ProductCommand):
    help = "Show when each step of a sequence would run for a contact. A split is shown with both of its branches."
    example = "manage.py preview --workspace acme 'Warm intro' ada@example.com --from 2026-03-27T16:00:00+01:00"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("sequence", metavar="SEQUENCE", help="its name")
        parser.add_argument("contact", metavar="CONTACT", help="an email address")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument(
            "--from", dest="start", metavar="TIME", type=instant, help="ISO 8601, UTC without an offset; default: now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        sequence = self.find_sequence(workspace, options["sequence"])
        contact = (
            Contact.objects.select_related("account")
            .filter(has_address(options["contact"]), workspace=workspace)
            .first()
        )
        if contact is None:
            self.fail(
                f"workspace {workspace.slug} has no contact {options['contact']!r}: import it with import_contacts",
                BAD_ARGUMENTS,
            )
        preview = preview_sequence(sequence, contact, options["start"] or timezone.now())
        data = {
            "timezone": preview.zone.name,
            "zone_source": preview.zone.source,
            "steps": [
                {
                    "number": step.number,
                    "type": step.type,
                    "name": step.name,
                    "earliest_at": instant_text(step.earliest_at) if step.earliest_at else None,
                    "note": step.note,
                    "branch": step.branch,
                }
                for step in preview.steps
            ],
            "goal": preview.goal,
        }
        lines = [f"{contact.email} in {sequence.name}, times in {preview.zone.name} (the {preview.zone.source}'s zone)"]
        if preview.goal:
            lines.append(f"  It ends before any step once the goal is met: {preview.goal}")
        for step in preview.steps:
            at = f"{step.earliest_at.astimezone(preview.zone.zone):%a %Y-%m-%d %H:%M}" if step.earliest_at else "never"
            branch = f"[{step.branch}] " if step.branch else ""
            note = f"  ({step.note})" if step.note else ""
            lines.append(f"  {at}  {branch}{step.number}. {step.name or step.type}{note}")
        self.emit(data, "\n".join(lines), as_json=options["json"])
