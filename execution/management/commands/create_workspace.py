"""Make a tenant."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.text import slugify

from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.models import Workspace


class Command(ProductCommand):
    help = "Create a workspace: a tenant with its own contacts, sequences, mailboxes and people."
    example = 'manage.py create_workspace "Acme Sales" --timezone Europe/Berlin --holidays DE'
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", metavar="NAME", help="what people call it")
        parser.add_argument("--slug", help="its name on the command line (default: made from NAME)")
        parser.add_argument("--timezone", default="UTC", help="IANA name (default: UTC)")
        parser.add_argument("--holidays", default="", metavar="CC", help="no mail on the holidays of DE, US-CA …")
        parser.add_argument("--postal-address", default="", help="stands in the footer of every email")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        workspace = Workspace(
            name=name,
            slug=options["slug"] or slugify(name)[:50],
            timezone=options["timezone"],
            holiday_country=options["holidays"],
            postal_address=options["postal_address"],
        )
        if not workspace.slug:
            self.fail(f"no slug can be made from the name {name!r}: give one with --slug", BAD_ARGUMENTS)
        if Workspace.objects.filter(slug=workspace.slug).exists():
            self.fail(f"the workspace {workspace.slug!r} exists already: use it, or choose another --slug")
        self.check_fields(workspace, {"holiday_country": "holidays"})
        with self.keeping_changes(dry_run=options["dry_run"]):
            workspace.save()
        created = "Would create" if options["dry_run"] else "Created"
        self.emit(
            {"id": None if options["dry_run"] else workspace.pk, "slug": workspace.slug},
            f"{created} the workspace {workspace.slug}.",
            as_json=options["json"],
        )
