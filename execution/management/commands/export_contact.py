"""Hand out one person's data: `manage.py export_contact`."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.maintenance.erase_contact import export_contact, find_contact
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import email_address


class Command(ProductCommand):
    help = (
        "Print everything that a workspace stores about a person as one JSON object: the contact, enrollments, emails "
        "with their texts, events, tasks, log entries, suppressions."
    )
    example = "manage.py export_contact jo@example.com --workspace acme > jo.json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL", type=email_address, help="the contact's address")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        contact = find_contact(workspace.pk, options["email"])
        if contact is None:
            self.fail(f"{workspace.slug} has no contact {options['email']}: check the address", BAD_ARGUMENTS)
        data = export_contact(contact, timezone.now())
        text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
        self.emit(data, text, as_json=options["json"])
