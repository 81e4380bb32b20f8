"""Read replies and bounces: `manage.py poll_inboxes`."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from emails.choices import Inbound
from emails.inbound import poll_due_inboxes
from emails.models import InboxState, Mailbox
from execution.management.base import ProductCommand

_WAIT_SECONDS = 5.0


class Command(ProductCommand):
    help = (
        "Read replies, bounces and out-of-office answers from the inboxes of mailboxes with IMAP. run_executor does it "
        "too; without --once this goes on until SIGTERM or Ctrl-C. Status 1: an inbox cannot be read."
    )
    example = "manage.py poll_inboxes --once --json"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="read every inbox once, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        ids = list(Mailbox.objects.filter(inbound=Inbound.IMAP.value).order_by("pk").values_list("pk", flat=True))
        events = poll_due_inboxes(timezone.now(), ids) if options["once"] else self._poll_until_stopped()
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

    def _poll_until_stopped(self) -> int:
        stopping = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        self.stderr.write("reading inboxes; Ctrl-C stops it")
        events = 0
        while not stopping.is_set():
            events += poll_due_inboxes(timezone.now())
            stopping.wait(_WAIT_SECONDS)
        return events
