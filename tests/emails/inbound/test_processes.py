"""Reading inboxes as a process: many at once never read the same inbox, and one that gets SIGTERM stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Never

import pytest
from django.db import connection

from emails.choices import Inbound
from emails.inbound import poll_due_inboxes, polling
from emails.inbound.imap import ImapError
from emails.models import InboxState, Mailbox
from tests.factories import NOW, MailboxFactory

ROOT = Path(__file__).parents[3]
INBOXES = 6


@pytest.mark.django_db(transaction=True)
def test_concurrent_readers_share_the_inboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    mailboxes = [MailboxFactory(inbound=Inbound.IMAP.value) for _ in range(INBOXES)]
    opened: list[int] = []

    def open_imap(mailbox: Mailbox) -> Never:
        opened.append(mailbox.pk)
        raise ImapError("no server listens there")

    monkeypatch.setattr(polling, "open_imap", open_imap)
    gate = threading.Barrier(4)

    def read(_: int) -> int:
        try:
            gate.wait(timeout=30)
            return poll_due_inboxes(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))

    assert sorted(opened) == sorted(mailbox.pk for mailbox in mailboxes)
    assert set(InboxState.objects.values_list("failures", "lease_token")) == {(1, None)}


def test_the_command_runs_until_sigterm(database_url: str) -> None:
    command = [sys.executable, "manage.py", "poll_inboxes", "--json"]
    environment = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "Ctrl-C stops it" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out == '{"inboxes": 0, "events": 0, "failed": []}\n'
