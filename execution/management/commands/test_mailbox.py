"""Test the logins of a mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from emails.mailbox.login_test import check_mailbox
from emails.mailbox.records import Check, Status, check_signed_headers
from emails.mailbox.setup_check import check_setup
from emails.models import Mailbox
from execution.management.base import BAD_ARGUMENTS, ProductCommand


class Command(ProductCommand):
    help = "Log in to a mailbox's SMTP server, and to IMAP where it reads replies. Sends nothing. Status 1: refused."
    example = "manage.py test_mailbox ada@example.com"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("address", metavar="ADDRESS", help="its email address")
        parser.add_argument("--dns", action="store_true", help="also look at MX, SPF, DKIM, DMARC and alignment")
        parser.add_argument(
            "--received",
            metavar="FILE",
            help="a test email of this mailbox as it was received (.eml): is its one-click unsubscribe signed?",
        )
        parser.add_argument("--workspace", metavar="SLUG", help="needed when several workspaces have the address")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"]) if options["workspace"] else None
        mailbox = self.find_mailbox(workspace, options["address"])
        if options["dns"] or options["received"]:
            checks = check_setup(mailbox) if options["dns"] else []
            if options["received"]:
                checks.append(check_signed_headers(self._read(options["received"])))
            self._report(mailbox, checks, as_json=options["json"])
            return
        report = check_mailbox(mailbox)
        smtp = report.smtp_error or "ok"
        imap = (report.imap_error or "ok") if report.imap_checked else "not configured"
        if not report.is_ok and not options["json"]:
            self.fail(f"{mailbox.address}: SMTP: {smtp}; IMAP: {imap}")
        self.emit(
            {
                "address": mailbox.address,
                "ok": report.is_ok,
                "smtp_error": report.smtp_error,
                "imap_error": report.imap_error,
                "imap_checked": report.imap_checked,
            },
            f"{mailbox.address}: SMTP: {smtp}; IMAP: {imap}",
            as_json=options["json"],
        )
        if not report.is_ok:
            self.fail(f"{mailbox.address}: SMTP: {smtp}; IMAP: {imap}")

    def _read(self, path: str) -> bytes:
        try:
            return Path(path).read_bytes()
        except OSError as error:
            self.fail(f"{path} cannot be read: {error.strerror}: save the received email there", BAD_ARGUMENTS)

    def _report(self, mailbox: Mailbox, checks: Sequence[Check], *, as_json: bool) -> None:
        ok = all(check.status is not Status.FAILED for check in checks)
        lines = [f"{check.status.value:8} {check.code:10} {check.detail}" for check in checks]
        self.emit(
            {"address": mailbox.address, "ok": ok, "checks": [asdict(check) for check in checks]},
            "\n".join(lines),
            as_json=as_json,
        )
        if not ok:
            self.fail(f"{mailbox.address}: {sum(check.status is Status.FAILED for check in checks)} checks failed")
