"""IDLE on a real IMAP server: an answer is known without waiting for the next poll, by one watcher at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage as Mail

import pytest

from emails.inbound import poll_due_inboxes
from emails.inbound.idle import Watcher
from emails.inbound.imap import Imap
from emails.models import InboxState, Mailbox
from tests.factories import NOW
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap

pytestmark = [pytest.mark.imap, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


@pytest.fixture
def mailbox(imap: ImapServer) -> Mailbox:
    made = imap_mailbox(imap)
    poll_due_inboxes(NOW)
    return made


def test_new_mail_makes_the_inbox_due_at_once(
    imap: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    idles, idling, noticed = threading.Event(), Imap.idling, threading.Event()

    def idle(self: Imap) -> object:
        idles.set()
        return idling(self)

    monkeypatch.setattr(Imap, "idling", idle)
    watcher = Watcher(lambda: NOW, 5, noticed.set)
    other = Watcher(lambda: NOW, 5, noticed.set)
    try:
        assert watcher.take_on() == 1
        assert other.take_on() == 0, "one watcher at a time"
        assert idles.wait(20)
        assert InboxState.objects.get().checked_at == NOW
        mail = Mail()
        mail["From"], mail["Subject"] = "jo@prospect.example", "Re: Hello"
        mail.set_content("Yes.")
        while not noticed.wait(1):  # the server may have begun to idle a moment later
            imap.append(mailbox.address, mail, NOW)
        assert InboxState.objects.get().checked_at is None
    finally:
        watcher.stop(20)
        other.stop(1)
    assert watcher.take_on() == 0, "a stopped watcher takes nothing on"
    assert InboxState.objects.get().watched_until == NOW


def test_no_more_are_watched_than_there_are_connections(imap: ImapServer, mailbox: Mailbox) -> None:
    imap_mailbox(imap)
    poll_due_inboxes(NOW + timedelta(minutes=2))
    watcher = Watcher(lambda: NOW, 1, lambda: None)
    try:
        assert watcher.take_on() == watcher.take_on() == 1
        assert InboxState.objects.filter(watched_until__gt=NOW).count() == 1
    finally:
        watcher.stop(20)


def test_a_server_without_idle_is_left_to_polling(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Imap, "can_idle", lambda self: False)
    watcher = Watcher(lambda: NOW, 1, lambda: None)
    watcher.take_on()
    watcher.stop(20)
    assert InboxState.objects.get().watched_until == NOW + timedelta(days=1)
