"""Enroll contacts in a sequence."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser
from django.utils import timezone

from execution.control.enroll import EnrollError, EnrollResult, enroll_contacts
from execution.control.enroll_rules import Skipped, skip_missing
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.enroll_options import add_enroll_options, present_counts
from execution.management.values import instant
from sequences.contacts.queries import find_by_addresses
from sequences.models import Contact, Workspace


class Command(ProductCommand):
    help = (
        "Start a sequence for contacts. Contacts that a rule keeps out (suppressed, had this sequence, answered "
        "recently, in another sequence, a merge field missing …) are skipped with the reason and what would allow "
        "them. Safe to repeat: no contact gets a sequence twice."
    )
    example = 'manage.py enroll --workspace acme --sequence "Warm intro" --mailbox ada@example.com bob@prospect.com'
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("emails", metavar="EMAIL", nargs="*", help="addresses of contacts of the workspace")
        parser.add_argument("--all", action="store_true", help="all contacts of the workspace")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--sequence", required=True, metavar="NAME", help="the sequence's name")
        parser.add_argument("--mailbox", metavar="ADDRESS", help="the mailbox that sends")
        parser.add_argument("--pool", metavar="NAME", help="a mailbox pool instead: each gets one of its mailboxes")
        parser.add_argument(
            "--owner", metavar="EMAIL", help="the user who gets the tasks (default: the mailbox's owner)"
        )
        add_enroll_options(parser)
        parser.add_argument(
            "--start-at", type=instant, metavar="TIME", help="ISO 8601, UTC without an offset; default: now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["emails"]) == options["all"]:
            self.fail("name contacts by EMAIL, or all of them with --all", BAD_ARGUMENTS)
        workspace = self.find_workspace(options["workspace"])
        sequence = self.find_sequence(workspace, options["sequence"])
        mailbox, pool = self.find_sending(workspace, options)
        owner = mailbox.owner if mailbox else None
        if options["owner"]:
            members = get_user_model().objects.filter(memberships__workspace=workspace)
            owner = members.filter(username__iexact=options["owner"]).first()
            if owner is None:
                self.fail(f"--owner: {options['owner']} is not a member of {workspace.slug}", BAD_ARGUMENTS)
        ids, unknown = _find_contacts(workspace, options["emails"])
        try:
            with self.keeping_changes(dry_run=options["dry_run"]), self.progress("Contacts", len(ids)) as report:
                result = enroll_contacts(
                    sequence=sequence,
                    contact_ids=ids,
                    mailbox=mailbox,
                    pool=pool,
                    owner=owner,
                    actor=self.actor(),
                    now=timezone.now(),
                    start_at=options["start_at"],
                    again=options["again"] or "",
                    allow_incomplete=options["allow_incomplete"],
                    report=report,
                )
        except EnrollError as error:
            self.fail(str(error))
        result = EnrollResult(result.enrolled, (*result.skipped, *unknown))
        if not options["json"]:
            self.list_aside([f"skipped {skipped.email}: {skipped.reason}" for skipped in result.skipped])
        text = present_counts(result)
        self.emit(
            result.present(),
            f"Dry run, nothing was changed. {text}" if options["dry_run"] else text,
            as_json=options["json"],
        )


def _find_contacts(workspace: Workspace, emails: list[str]) -> tuple[list[int], list[Skipped]]:
    """The contacts' ids in the order they were named, all of the workspace when none is; and unknown addresses."""
    if not emails:
        contacts = Contact.objects.filter(workspace=workspace, erased_at=None)
        return list(contacts.order_by("id").values_list("id", flat=True)), []
    ids, missing, erased = find_by_addresses(workspace.pk, emails)
    return ids, [skip_missing(email, is_erased=email in erased) for email in missing]
