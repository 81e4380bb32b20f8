"""Contacts and accounts at the desk: one timeline, merge fields as fields, filters, saved views, search, enrolling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from emails.models import Reply
from sequences.choices import Role
from sequences.models import Contact, Enrollment
from tests import factories
from tests.browser.conftest import wait_until_still
from tests.browser.test_builder import assert_accessible
from tests.browser.test_looks import FITS
from tests.browser.test_replies import log_in, make_reply, shoot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(page: Page, name: str) -> None:
    """Check the page in both themes and at the width of a phone."""
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        assert_accessible(page)
        shoot(page, f"{name}-{theme}")
    page.set_viewport_size({"width": 390, "height": 900})
    wait_until_still(page)
    assert page.evaluate(FITS), name
    assert_accessible(page)
    shoot(page, f"{name}-phone")
    page.set_viewport_size({"width": 1400, "height": 1000})


@pytest.fixture
def sdr(page: Page) -> Any:
    user = log_in(page, factories.WorkspaceFactory(name="Sales", timezone="Europe/Berlin"), Role.SDR)
    return user


def make_known_contact(owner: Any) -> Reply:
    """A contact of an account, with a sequence, an email, a reply, a task and merge fields."""
    workspace = owner.memberships.get().workspace
    account = factories.AccountFactory(workspace=workspace, name="Acme Robotics", domain="acme.example")
    reply = make_reply(owner, workspace)
    Contact.objects.filter(pk=reply.contact_id).update(
        account=account, first_name="Grace", last_name="Hopper", title="CTO", phone="+49 30 1234",
        timezone="Europe/Berlin", engagement_score=42, fields={"seats": 40, "industry": "Robotics"},
    )  # fmt: skip
    now = timezone.now()
    factories.ExecutionLogFactory(
        enrollment=reply.enrollment, action="executed", message="", details={"message": reply.message_id},
        step_number=1, step_type="email", at=now - timedelta(hours=2),
    )  # fmt: skip
    factories.TaskFactory(
        enrollment=reply.enrollment,
        contact=reply.contact,
        assignee=owner,
        title="Call Grace",
        created_at=now,
        due_at=now,
    )
    reply.refresh_from_db()
    return reply


def test_a_contact_shows_who_it_is_and_all_that_happened(page: Page, sdr: Any) -> None:
    reply = make_known_contact(sdr)
    page.goto(reverse("admin:sequences_contact_change", args=[reply.contact_id]))
    who = page.get_by_role("region", name="Contact")
    expect(who).to_contain_text("CTO at Acme Robotics")
    expect(who).to_contain_text("42")
    timeline = page.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(timeline.nth(0)).to_contain_text("Task · Call Grace")
    expect(timeline.nth(1)).to_contain_text("Sounds interesting. When can we talk?")
    expect(timeline.nth(2)).to_contain_text("Email sent")
    look(page, "contact")
    timeline.nth(1).get_by_role("link", name="Read and answer").click()
    expect(page.get_by_role("region", name="Thread")).to_be_visible()


def test_merge_fields_are_added_changed_and_removed_as_fields(page: Page, sdr: Any) -> None:
    reply = make_known_contact(sdr)
    page.goto(reverse("admin:sequences_contact_change", args=[reply.contact_id]))
    page.get_by_label("Value of industry").fill("Machines")
    page.get_by_role("button", name="Remove seats").click()
    page.get_by_role("button", name="Add a field").click()
    new = page.locator("[data-row-template]")
    new.get_by_label("Name of the merge field").fill("Founded in")
    new.get_by_label("Kind of value").select_option("number")
    new.get_by_role("textbox", name="Value", exact=True).fill("1999")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Contact.objects.get(pk=reply.contact_id).fields == {"industry": "Machines", "founded_in": 1999}


def test_an_account_shows_its_contacts_sequences_and_replies(page: Page, sdr: Any) -> None:
    reply: Any = make_known_contact(sdr)
    page.goto(reverse("admin:sequences_account_change", args=[reply.contact.account_id]))
    expect(page.get_by_role("region", name="Contacts")).to_contain_text("Grace Hopper")
    expect(page.get_by_role("region", name="Sequences")).to_contain_text(reply.enrollment.sequence.name)
    expect(page.get_by_role("region", name="Replies")).to_contain_text("Sounds interesting")
    look(page, "account")


def test_a_contact_is_enrolled_in_three_clicks(page: Page, sdr: Any) -> None:
    workspace = sdr.memberships.get().workspace
    sequence = factories.StepFactory(sequence__workspace=workspace, sequence__name="Warm intro").sequence
    factories.MailboxFactory(workspace=workspace, owner=sdr)
    contact: Any = factories.ContactFactory(workspace=workspace)
    page.goto(reverse("admin:sequences_contact_change", args=[contact.pk]))
    page.get_by_label("Enroll in").select_option(label="Warm intro")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("region", name="Emails")).to_contain_text(
        "Rendered 1 email for 1 contact: all can be sent."
    )
    assert not Enrollment.objects.exists()
    page.get_by_text(contact.email).first.click()
    look(page, "check")
    page.get_by_role("button", name="Enroll 1 contact").click()
    expect(page.get_by_text("Enrolled 1 contact.")).to_be_visible()
    enrolled = Enrollment.objects.get()
    assert (enrolled.sequence_id, enrolled.owner_id) == (sequence.pk, sdr.pk)


def test_contacts_are_filtered_saved_as_a_view_and_found_from_everywhere(page: Page, sdr: Any) -> None:
    reply = make_known_contact(sdr)
    other: Any = factories.ContactFactory(workspace=reply.workspace)
    page.goto(reverse("admin:sequences_contact_changelist"))
    page.locator("a", has_text="Filters").first.click()
    page.get_by_label("Merge field: name").fill("industry")
    page.get_by_label("Merge field: contains").fill("robot")
    shoot(page, "filters")
    assert_accessible(page)
    page.get_by_role("button", name="Apply Filters").click()
    expect(page.get_by_role("row", name=reply.contact.email)).to_be_visible()
    expect(page.get_by_role("row", name=other.email)).to_have_count(0)
    page.get_by_text("Save view").click()
    page.get_by_label("Name", exact=True).fill("Robots")
    page.get_by_role("button", name="Save", exact=True).click()
    views = page.get_by_role("navigation", name="Saved views")
    expect(views.get_by_role("link", name="Robots")).to_have_attribute("aria-current", "page")
    look(page, "views")
    views.get_by_role("link", name="All").click()
    expect(page.get_by_role("row", name=other.email)).to_be_visible()
    page.get_by_role("button", name="Search").first.click()
    page.locator("#search-input-command").press_sequentially("grace hop")
    found = page.get_by_role("link", name="Grace Hopper")
    expect(found).to_be_visible()
    assert_accessible(page)
    shoot(page, "search")
    page.locator("#search-input-command").press("ArrowDown")
    page.locator("#search-input-command").press("Enter")
    expect(page.get_by_role("region", name="Contact")).to_contain_text("Acme Robotics")


def test_an_export_is_imported_in_four_clicks(page: Page, sdr: Any) -> None:
    page.goto(reverse("admin:sequences_contact_changelist"))
    page.get_by_role("link", name="Import CSV").click()
    header = "Vorname,Nachname,E-Mail-Adresse,Firma,Webseite,Plan"
    text = f"{header}\nEva,Braun,eva@acme.example,Acme,https://www.acme.example/de,Gold\n"
    file: FilePayload = {"name": "export.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(files=[file])
    page.get_by_role("button", name="Check file").click()
    expect(page.get_by_text("1 would be created, 0 would be updated, 0 rejected.")).to_be_visible()
    look(page, "import")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("link", name="Show the imported contacts").click()
    expect(page.get_by_role("row", name="eva@acme.example")).to_contain_text("Eva Braun")
    made = Contact.objects.get()
    assert made.account is not None
    assert (made.account.domain, made.fields) == ("acme.example", {"plan": "Gold"})
