"""Setting up a mailbox in a browser, as the SDR whose mailbox it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from emails.choices import Security
from emails.mailbox.autoconfig import Server
from emails.mailbox.discovery import Discovered, Found, Source
from emails.models import Mailbox
from simulation.mail_server import MailServer, ReceivedMessage
from tests import factories
from tests.browser.test_builder import assert_accessible
from tests.browser.test_day import Clicks, log_in
from tests.fakes.imap import ImapServer, imap_mailbox, running_imap

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "ada@sender.example"


@pytest.fixture(scope="module")
def imap(is_ci: bool) -> Iterator[ImapServer]:
    with running_imap(is_ci) as server:
        yield server


def test_a_test_is_sent_and_its_result_appears_by_itself(page: Page, imap: ImapServer) -> None:
    kept: list[ReceivedMessage] = []
    with MailServer(on_message=kept.append) as server:
        mailbox: Mailbox = imap_mailbox(imap, address=ADDRESS, smtp_port=server.port, imap_username=ADDRESS)
        user: Any = log_in(page, mailbox.workspace, "sdr")
        Mailbox.objects.filter(pk=mailbox.pk).update(owner=user)
        factories.MailboxFactory(workspace=mailbox.workspace, address="colleague@sender.example")
        page.goto(reverse("admin:emails_mailbox_change", args=[mailbox.pk]))
        clicks = Clicks()
        clicks.on(page.get_by_role("link", name="Send a test"))
        assert page.get_by_label("Send it to").locator("option").all_inner_texts() == [ADDRESS, user.email]
        clicks.on(page.get_by_role("button", name="Send the test"))
        assert clicks.number == 2
        expect(page.get_by_text(f"Sent a test to {ADDRESS}.")).to_be_visible()
        expect(page.get_by_text("It has not arrived yet.")).to_be_visible()
        assert_accessible(page)
        results = "Authentication-Results: mx.example; spf=pass; dkim=none; dmarc=pass\r\n"
        imap.append(ADDRESS, results.encode() + kept[0].data, datetime.now(UTC))
        result = page.get_by_role("region", name="Result")
        expect(result.get_by_text("it arrived in the inbox")).to_be_visible()
        expect(result.get_by_text("the email was not signed: turn DKIM on at the provider")).to_be_visible()
        assert_accessible(page)


def test_a_mailbox_is_connected_by_its_address_and_password(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace: Any = factories.WorkspaceFactory()
    with MailServer(users={ADDRESS: "right"}) as server:
        smtp = Found(Server("127.0.0.1", server.port, Security.NONE, ADDRESS), Source.SRV, "_submission._tcp")
        found = Discovered(ADDRESS, smtp=smtp)
        monkeypatch.setattr("execution.admin.mailbox_finding.discover_servers", lambda address, workspace_id: found)
        user = log_in(page, workspace, "sdr")
        page.goto(reverse("admin:emails_mailbox_changelist"))
        clicks = Clicks()
        clicks.on(page.get_by_role("link", name="Connect a mailbox"))
        assert_accessible(page)
        page.get_by_label("Email address").fill(ADDRESS)
        clicks.on(page.get_by_role("button", name="Find servers"))
        assert_accessible(page)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_text("535")).to_be_visible()
        assert not Mailbox.objects.exists()
        page.get_by_label("Password").fill("right")
        clicks.on(page.get_by_role("button", name="Connect"))
        expect(page.get_by_text(f"{ADDRESS} is connected: its logins work.")).to_be_visible()
        assert clicks.number == 3
    assert Mailbox.objects.get().owner == user


def test_the_first_page_of_a_new_sdr_leads_through_the_set_up(page: Page) -> None:
    workspace: Any = factories.WorkspaceFactory()
    user = log_in(page, workspace, "sdr")
    started = page.get_by_role("region", name="Getting started")
    expect(started.get_by_role("listitem")).to_have_count(5)
    assert_accessible(page)
    clicks = Clicks()
    clicks.on(started.get_by_role("link", name="Connect a mailbox"))
    expect(page.get_by_label("Email address")).to_be_visible()
    factories.MailboxFactory(workspace=workspace, owner=user)
    page.goto(reverse("admin:index"))
    expect(started.get_by_role("link", name="Connect a mailbox")).to_have_count(0)
    expect(started.get_by_role("link", name="Receive replies")).to_be_visible()
    started.get_by_role("button", name="Dismiss this list").click()
    expect(page.get_by_text("The list is dismissed.")).to_be_visible()
    expect(started).to_have_count(0)
