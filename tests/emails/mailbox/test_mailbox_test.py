"""A mailbox test: really sent by SMTP, read back by IMAP, with what the server of the inbox says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emails.choices import Inbound
from emails.inbound.authentication import Authentication
from emails.inbound.verdicts import explain_authentication
from emails.models import EmailEvent, EmailMessage, Mailbox
from sequences.choices import Role
from simulation.mail_server import MailServer, Moment, ReceivedMessage
from tests.api.conftest import join, log_in
from tests.factories import MailboxFactory
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap
from tests.support.admin_pages import shown_messages

pytestmark = pytest.mark.django_db

ADDRESS = "ada@sender.example"
GOOD = "mx.example; spf=pass smtp.mailfrom=ada@sender.example; dkim=pass header.d=sender.example; dmarc=pass"
SIGNATURE = "DKIM-Signature: v=1; d=sender.example; h=From:List-Unsubscribe:List-Unsubscribe-Post; b=x\r\n"


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


class Post:
    """Puts what the SMTP server accepts into the recipient's folder, as that inbox's server would."""

    def __init__(self, imap: ImapServer) -> None:
        self.imap = imap
        self.results: str | None = GOOD
        self.folder: str | None = "INBOX"

    def __call__(self, message: ReceivedMessage) -> None:
        if self.folder is None:
            return
        head = f"Authentication-Results: {self.results}\r\n" if self.results else ""
        raw = f"{head}{SIGNATURE}".encode() + message.data
        self.imap.append(message.recipients[0], raw, datetime.now(UTC), self.folder)


@pytest.fixture
def post(imap: ImapServer) -> Post:
    return Post(imap)


@pytest.fixture
def smtp(post: Post) -> Iterator[MailServer]:
    with MailServer(on_message=post) as server:
        yield server


@pytest.fixture
def mailbox(imap: ImapServer, smtp: MailServer) -> Mailbox:
    mailbox = imap_mailbox(imap, address=ADDRESS, smtp_port=smtp.port, imap_username=ADDRESS)
    mailbox.owner = join(mailbox.workspace)
    mailbox.save()
    return mailbox


def enter(mailbox: Mailbox) -> Any:
    owner: Any = mailbox.owner
    return log_in(owner)


def results(answer: Any) -> dict[str, str]:
    return {check["code"]: check["status"] for check in answer["checks"]}


def send(client: Any, mailbox: Mailbox, **body: str) -> Any:
    answer = client.post(f"/api/mailboxes/{mailbox.pk}/test-send", body, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def look(client: Any, mailbox: Mailbox, test: str) -> Any:
    answer = client.post(f"/api/mailboxes/{mailbox.pk}/read-back", {"test": test}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_test_is_sent_and_read_back_with_its_verdicts(mailbox: Mailbox, smtp: MailServer, imap: ImapServer) -> None:
    client = enter(mailbox)
    sent = send(client, mailbox)
    assert (sent["sent_to"], sent["is_confirmed"]) == (ADDRESS, True)
    (message,) = smtp.messages
    assert (message.sender, message.recipients) == (ADDRESS, (ADDRESS,))
    assert str(message.parsed["Subject"]).startswith("[Test] Mailbox test ")
    found = look(client, mailbox, sent["test"])
    assert found["state"] == "found"
    assert results(found) == dict.fromkeys(["received", "spf", "dkim", "dmarc", "signed"], "ok")
    assert b"\\Seen" not in imap.flags(ADDRESS)[-1]
    assert not EmailMessage.objects.exists()
    assert not EmailEvent.objects.exists()


def test_a_paused_mailbox_is_tested_before_it_is_resumed(mailbox: Mailbox, smtp: MailServer) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(status="broken", status_reason="login refused")
    assert send(enter(mailbox), mailbox)["is_confirmed"]
    assert smtp.message_count == 1
    assert Mailbox.objects.get(pk=mailbox.pk).status == "broken"


def test_a_failed_result_says_what_to_do(mailbox: Mailbox, post: Post) -> None:
    post.results = "mx.example; spf=softfail smtp.mailfrom=x; dkim=none; dmarc=fail header.from=sender.example"
    client = enter(mailbox)
    found = look(client, mailbox, send(client, mailbox)["test"])
    assert results(found) == {"received": "ok", "spf": "warning", "dkim": "failed", "dmarc": "failed", "signed": "ok"}
    assert "turn DKIM on at the provider" in found["checks"][2]["detail"]


def test_a_server_that_says_nothing_is_no_failure(mailbox: Mailbox, post: Post) -> None:
    post.results = None
    client = enter(mailbox)
    found = look(client, mailbox, send(client, mailbox)["test"])
    assert results(found) == {"received": "ok", "authentication": "unknown", "signed": "ok"}
    assert "added no Authentication-Results" in found["checks"][1]["detail"]


def test_a_header_of_the_sender_is_ignored(mailbox: Mailbox, post: Post) -> None:
    post.results = "elsewhere.example; spf=pass; dkim=pass; dmarc=pass"
    Mailbox.objects.filter(pk=mailbox.pk).update(transport_options={"authserv_id": "mx.example"})
    client = enter(mailbox)
    assert "authentication" in results(look(client, mailbox, send(client, mailbox)["test"]))


def test_a_test_in_the_spam_folder_is_found_there(mailbox: Mailbox, post: Post) -> None:
    post.folder = "Bulk"
    client = enter(mailbox)
    found = look(client, mailbox, send(client, mailbox)["test"])
    assert found["checks"][0]["status"] == "warning"
    assert "spam folder" in found["checks"][0]["detail"]


def test_what_does_not_come_waits_and_is_missing_after_three_minutes(
    mailbox: Mailbox, post: Post, time_machine: Any
) -> None:
    post.folder = None
    time_machine.move_to("2030-01-07T10:00:00Z", tick=False)
    client = enter(mailbox)
    test = send(client, mailbox)["test"]
    time_machine.move_to("2030-01-07T10:02:59Z", tick=False)
    assert look(client, mailbox, test) == {"state": "waiting", "checks": []}
    time_machine.move_to("2030-01-07T10:03:00Z", tick=False)
    late = look(client, mailbox, test)
    assert (late["state"], results(late)) == ("missing", {"received": "failed"})
    time_machine.move_to("2030-01-08T10:00:01Z", tick=False)
    stale = enter(mailbox).post(f"/api/mailboxes/{mailbox.pk}/read-back", {"test": test}, format="json")
    assert stale.status_code == 400


def test_a_refusal_is_answered_with_the_servers_words(mailbox: Mailbox, smtp: MailServer) -> None:
    smtp.on(Moment.RCPT, "550 5.1.1 No such user")
    answer = enter(mailbox).post(f"/api/mailboxes/{mailbox.pk}/test-send")
    assert answer.status_code == 409
    assert "No such user" in answer.json()["detail"]


def test_an_inbox_that_cannot_be_read_says_why(mailbox: Mailbox) -> None:
    client = enter(mailbox)
    test = send(client, mailbox)["test"]
    Mailbox.objects.filter(pk=mailbox.pk).update(imap_port=1)
    found = look(client, mailbox, test)
    assert (found["state"], results(found)) == ("unreadable", {"inbox": "failed"})
    Mailbox.objects.filter(pk=mailbox.pk).update(inbound=Inbound.NONE.value)
    assert results(look(client, mailbox, test)) == {"inbox": "unknown"}


def test_only_own_addresses_get_a_test(mailbox: Mailbox, smtp: MailServer, imap: ImapServer) -> None:
    owner: Any = mailbox.owner
    owner.email = "Ada@private.example"
    owner.save()
    second = imap_mailbox(
        imap, address="ada@other.example", workspace=mailbox.workspace, owner=owner, imap_username="ada@other.example"
    )
    theirs: Any = MailboxFactory(workspace=mailbox.workspace, owner=join(mailbox.workspace))
    client = log_in(owner)
    url = f"/api/mailboxes/{mailbox.pk}/test-send"
    for address in ("bob@prospect.example", theirs.address):
        assert client.post(url, {"to": address}, format="json").status_code == 400
    assert smtp.message_count == 0
    assert send(client, mailbox, to="ada@PRIVATE.example")["test"] == ""
    found = look(client, mailbox, send(client, mailbox, to=second.address)["test"])
    assert found["checks"][0]["detail"] == "it arrived in the inbox of ada@other.example"
    manager = log_in(join(mailbox.workspace, Role.MANAGER))
    assert send(manager, mailbox, to=theirs.address)["test"]


def test_the_test_of_another_mailbox_is_refused(mailbox: Mailbox, imap: ImapServer) -> None:
    other = imap_mailbox(imap, workspace=mailbox.workspace, owner=mailbox.owner)
    client = enter(mailbox)
    test = send(client, mailbox)["test"]
    for pk, token in ((other.pk, test), (mailbox.pk, "made-up"), (mailbox.pk, f"{test}x")):
        answer = client.post(f"/api/mailboxes/{pk}/read-back", {"test": token}, format="json")
        assert answer.status_code == 400


def test_a_dry_run_sends_nothing(mailbox: Mailbox, smtp: MailServer) -> None:
    answer = enter(mailbox).post(f"/api/mailboxes/{mailbox.pk}/test-send?dry_run=1")
    assert (answer.status_code, answer.json()["sent_to"], smtp.message_count) == (200, ADDRESS, 0)


@pytest.mark.parametrize("result", ["policy", "neutral", "permerror", "temperror", "invented"])
def test_every_result_has_words(result: str) -> None:
    found = Authentication("mx; …", result, result, "")
    spf, dkim, dmarc = explain_authentication(found)
    assert spf.detail
    assert dkim.detail
    assert (dmarc.status, dmarc.detail) == ("unknown", "the receiver does not say what it found")


def test_an_sdr_sends_a_test_in_the_desk_and_sees_what_became_of_it(mailbox: Mailbox, post: Post) -> None:
    owner: Any = mailbox.owner
    client = Client()
    client.force_login(owner)
    change = reverse("admin:emails_mailbox_change", args=[mailbox.pk])
    url = change.replace("/change/", "/send-test/")
    assert url in client.get(change).content.decode()
    assert "Send the test" in client.get(url).content.decode()
    post.folder = None
    page = client.post(url, {"to": ADDRESS}, follow=True)
    assert shown_messages(page) == [f"Sent a test to {ADDRESS}."]
    assert 'data-refresh-seconds="5"' in page.content.decode()
    post.folder = "INBOX"
    page = client.post(url, {"to": ADDRESS}, follow=True)
    html = page.content.decode()
    assert "it arrived in the inbox" in html
    assert "data-refresh-seconds" not in html
    assert client.post(url, {"to": "bob@prospect.example"}).status_code == 200
    stranger = Client()
    stranger.force_login(join(mailbox.workspace))
    assert stranger.get(url).status_code == 403
