"""The main tasks at the desk in a browser, and every page checked by axe."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import FilePayload, Page, expect

from execution.models import DeadLetter
from sequences.models import Contact, Enrollment
from tasks_app.models import Task
from tests import factories
from tests.browser.test_admin_by_hand import desk, side_bar  # noqa: F401
from tests.browser.test_builder import assert_accessible, find_faults
from tests.support.admin_pages import make_one_of_each

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def choose(page: Page, action: str) -> None:
    page.get_by_label("Select action to run").select_option(action)
    page.get_by_role("button", name="Run").click()


def test_contacts_are_imported_from_a_file_chosen_once(desk: Page) -> None:  # noqa: F811
    factories.WorkspaceFactory()
    side_bar(desk).get_by_role("link", name="Contacts").click()
    desk.get_by_role("link", name="Import CSV").click()
    text = "Where,Called\nbob@prospect.example,Bob\nno-address,No\n"
    file: FilePayload = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
    desk.locator("input[type=file]").set_input_files(files=[file])
    desk.get_by_role("button", name="Check file").click()
    expect(desk.get_by_text("the column email is missing")).to_be_visible()
    desk.get_by_label("Where").select_option("email")
    desk.get_by_label("Called").select_option("first_name")
    desk.get_by_role("button", name="Check again").click()
    expect(desk.get_by_text("1 would be created, 0 would be updated, 1 rejected.")).to_be_visible()
    assert_accessible(desk)
    desk.get_by_role("button", name="Import").click()
    expect(desk.get_by_text("Imported people.csv: 1 created, 0 updated.")).to_be_visible()
    with desk.expect_download() as rejects:
        desk.get_by_role("link", name="Download the rejected rows").click()
    assert "no-address,No,row 3" in rejects.value.path().read_text(encoding="utf-8")
    assert Contact.objects.get().first_name == "Bob"


def test_contacts_are_enrolled_after_a_check(desk: Page) -> None:  # noqa: F811
    step: Any = factories.StepFactory(sequence__name="Warm intro")
    workspace = step.sequence.workspace
    mailbox: Any = factories.MailboxFactory(workspace=workspace)
    factories.SendLimitFactory(mailbox=mailbox, maximum=1)
    emails = [factories.ContactFactory(workspace=workspace).email for _ in range(2)]
    desk.goto(reverse("admin:sequences_enrollment_add"))
    desk.locator("#id_sequence").select_option(label="Warm intro", force=True)
    desk.locator("#id_mailbox").select_option(label=mailbox.address, force=True)
    desk.get_by_label("Contacts").fill("\n".join(emails))
    desk.get_by_role("button", name="Check").click()
    expect(desk.get_by_text("1 of 2 will not fit the caps on their day")).to_be_visible()
    assert not Enrollment.objects.exists()
    desk.get_by_role("button", name="Enroll 2 contacts").click()
    expect(desk.get_by_text("Enrolled 2 contacts.")).to_be_visible()


def test_similar_failures_are_replayed_together(desk: Page) -> None:  # noqa: F811
    step: Any = factories.StepFactory()
    for number in range(3):
        factories.DeadLetterFactory(enrollment__sequence=step.sequence, step=step, error=f"row {number} is odd")
    kind = DeadLetter.objects.latest("pk").pk
    desk.goto(f"{reverse('admin:execution_deadletter_changelist')}?similar_to={kind}")
    desk.locator("#action-toggle").check()
    choose(desk, "Replay")
    expect(desk.get_by_role("heading", name="Replay 3 failed enrollments")).to_be_visible()
    desk.get_by_role("button", name="Replay").click()
    expect(desk.get_by_text("Replayed 3 failed enrollments.")).to_be_visible()
    assert not DeadLetter.objects.filter(resolved_at__isnull=True).exists()


def test_a_task_is_completed_with_its_outcome(desk: Page) -> None:  # noqa: F811
    task: Any = factories.TaskFactory()
    side_bar(desk).get_by_role("link", name="Tasks").click()
    desk.get_by_role("link", name=task.title).click()
    desk.get_by_role("link", name="Complete").click()
    desk.get_by_label("Outcome").fill("will call back")
    desk.get_by_role("button", name="Complete").click()
    expect(desk.get_by_text("Completed 1 task.")).to_be_visible()
    assert Task.objects.get().outcome == "will call back"


APPS = ("auth", "django_q", "emails", "execution", "sequences", "tasks_app")


def test_the_apps_below_are_all_of_the_admin(desk: Page) -> None:  # noqa: F811
    assert {model._meta.app_label for model in admin.site._registry} == set(APPS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("app", APPS)
def test_no_page_has_a_serious_fault_of_accessibility(desk: Page, app: str) -> None:  # noqa: F811
    make_one_of_each(factories.WorkspaceFactory())
    found: dict[str, list[str]] = {}
    for model in [model for model in admin.site._registry if model._meta.app_label == app]:
        name = f"{app}_{model._meta.model_name}"
        row = model._default_manager.first()
        for path in (f"admin:{name}_changelist", f"admin:{name}_change"):
            url = reverse(path, args=[row.pk] if row and path.endswith("_change") else [])
            desk.goto(url)
            found[url] = find_faults(desk)
            desk.evaluate("() => document.documentElement.classList.add('dark')")
            found[f"{url} in the dark"] = find_faults(desk)
    assert found
    assert {url: faults for url, faults in found.items() if faults} == {}
