"""Erase one person's data: `manage.py erase_contact`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.maintenance.erase_contact import InFlightError, erase_contact, find_contact
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import email_address


class Command(ProductCommand):
    help = (
        "Erase everything that names a person, in all tables of a workspace. Live enrollments end first; what caps and "
        "reports count stays, and a keyed hash of the address, so that it is never stored or mailed again. This cannot "
        "be undone."
    )
    example = 'manage.py erase_contact jo@example.com --workspace acme --reason "asked on 3 May"'
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL", type=email_address, help="the contact's address")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--reason", default="", help="why, for the log; must not name the person")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        contact = find_contact(workspace.pk, options["email"])
        if contact is None:
            self.fail(f"{workspace.slug} has no contact {options['email']}: check the address", BAD_ARGUMENTS)
        try:
            erased = erase_contact(
                contact, actor=self.actor(), reason=options["reason"], now=timezone.now(), dry_run=options["dry_run"]
            )
        except InFlightError as error:
            self.fail(str(error))
        data = {**erased.present(), **({"is_dry_run": True} if options["dry_run"] else {})}
        text = f"Erased: {sum(erased.rows.values())} rows, {erased.enrollments} enrollments ended."
        self.emit(
            data, f"Dry run, nothing was changed. {text}" if options["dry_run"] else text, as_json=options["json"]
        )
