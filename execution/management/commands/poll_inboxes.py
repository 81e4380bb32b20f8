"""Read replies and bounces: `manage.py poll_inboxes`."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from emails.choices import Inbound
from emails.inbound import poll_due_inboxes
from emails.inbound.inbox_jobs import prepare_inboxes
from emails.models import InboxState, Mailbox
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.worker.pools import make_inbox_pool

_WAIT_SECONDS = 5.0
_STOP_SECONDS = 8.0

log = logging.getLogger(__name__)


class Command(ProductCommand):
    help = (
        "Read replies, bounces and out-of-office answers from the inboxes of mailboxes with IMAP. run_executor does it "
        "too; without --once this goes on until SIGTERM or Ctrl-C. Status 1: an inbox cannot be read."
    )
    example = "manage.py poll_inboxes --once --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="read every inbox once, then exit")
        parser.add_argument("--workspace", metavar="SLUG", help="only the inboxes of this workspace")
        parser.add_argument("--mailbox", metavar="ADDRESS", help="only this mailbox")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"]) if options["workspace"] else None
        mailboxes = Mailbox.objects.filter(inbound=Inbound.IMAP.value)
        if workspace is not None:
            mailboxes = mailboxes.filter(workspace=workspace)
        if options["mailbox"]:
            chosen = self.find_mailbox(workspace, options["mailbox"])
            if chosen.inbound != Inbound.IMAP:
                self.fail(f"{chosen.address} is not read by IMAP: set its IMAP server first", BAD_ARGUMENTS)
            mailboxes = mailboxes.filter(pk=chosen.pk)
        ids = list(mailboxes.order_by("pk").values_list("pk", flat=True))
        is_part = workspace is not None or options["mailbox"]
        if options["once"]:
            with self.progress("Inboxes", len(ids)) as report:
                events = poll_due_inboxes(timezone.now(), ids, report=report)
        else:
            events = self._poll_until_stopped(ids if is_part else None)
        failed = [
            {"mailbox": state.mailbox.address, "error": state.last_error}
            for state in InboxState.objects.filter(mailbox__in=ids).exclude(last_error="").select_related("mailbox")
        ]
        if not failed or options["json"]:
            text = f"{events} new events from {len(ids)} inboxes"
            self.emit({"inboxes": len(ids), "events": events, "failed": failed}, text, as_json=options["json"])
        if failed:
            first = failed[0]
            more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            self.fail(f"{first['mailbox']}{more} cannot be read: {first['error']}: try test_mailbox")

    def _poll_until_stopped(self, ids: list[int] | None) -> int:
        stopping = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        self.stderr.write("reading inboxes; Ctrl-C stops it")
        events = 0
        counted = threading.Lock()

        def count(new: int) -> None:
            nonlocal events
            with counted:
                events += new

        def log_error(error: Exception) -> None:
            log.error("reading inboxes failed, trying again: %s", error)
            stopping.wait(_WAIT_SECONDS)

        pool = make_inbox_pool(timezone.now, mailbox_ids=ids, on_facts=count, on_error=log_error)
        while not stopping.is_set():
            prepare_inboxes(timezone.now())
            pool.wake()
            stopping.wait(_WAIT_SECONDS)
        pool.stop()
        pool.join(_STOP_SECONDS)
        return events
