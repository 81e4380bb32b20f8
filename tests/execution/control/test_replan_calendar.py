"""Changed holidays and time zones replan waiting enrollments at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import EmailMessage, Mailbox
from execution.control import replan_calendar as calendar_changes
from execution.control.enrollments import move_enrollments, snooze_enrollments
from execution.control.replan_calendar import replanning
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.insight.explain import explain_enrollments
from execution.models import ExecutionLog
from sequences.models import Enrollment, Step, Workspace
from tests.api.conftest import log_in
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    PausedEnrollmentFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.support.admin_pages import ROOT_EMAIL, log_in_root, shown_messages
from tests.support.counting import count_statements
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def client(clock: Any) -> Client:
    return log_in_root()


@pytest.fixture
def workspace() -> Workspace:
    """It rests on Tuesday."""
    made: Workspace = WorkspaceFactory(extra_holidays=[TUESDAY])
    return made


@pytest.fixture
def api(workspace: Workspace) -> APIClient:
    return log_in(MembershipFactory(workspace=workspace).user)


@pytest.fixture
def manager_api(workspace: Workspace) -> APIClient:
    return log_in(MembershipFactory(workspace=workspace, role="manager").user)


@pytest.fixture
def second(workspace: Workspace) -> Step:
    """The second step of a sequence that sends by day, in each contact's own zone, a day after the first."""
    sequence = SequenceFactory(workspace=workspace, window={"timezone": "contact", "mon-sun": ["09:00-17:00"]})
    StepFactory(sequence=sequence)
    made: Step = StepFactory(sequence=sequence, delay_days=1)
    return made


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return NOW.replace(day=day, hour=hour, minute=minute)


def waits(step: Step, due: datetime, **fields: Any) -> Enrollment:
    """The first email left at `NOW`, on Monday at 10:00."""
    given = {"current_step": step, "next_step_at": due, "wake_at": due, "visit": 2, "emails_sent": 1}
    made: Enrollment = EnrollmentFactory(sequence=step.sequence, **(given | fields))
    return made


def save(client: Client, row: Any, **changes: Any) -> Any:
    """Change these fields on the row's page of the admin."""
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    page = client.get(url)
    form = page.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for formset in page.context["inline_admin_formsets"]:
        managing = formset.formset.management_form
        data |= {managing[name].html_name: managing[name].value() for name in managing.fields}
    sent = {name: value for name, value in (data | changes).items() if value is not None and value is not False}
    answer = client.post(url, sent)
    assert answer.status_code == 302, answer.context["errors"]
    return answer


def times(row: Enrollment) -> tuple[datetime | None, datetime | None]:
    row.refresh_from_db()
    return row.next_step_at, row.wake_at


def replanned(row: Enrollment) -> list[tuple[str, str]]:
    logs = ExecutionLog.objects.filter(enrollment=row, action="replanned").order_by("pk")
    return list(logs.values_list("message", "actor"))


def test_a_removed_holiday_holds_no_enrollment(client: Client, workspace: Any, second: Any) -> None:
    person = waits(second, at(4, 9))
    answer = save(client, workspace, extra_holidays="")
    assert times(person) == (at(3, 10), at(3, 10))
    assert replanned(person) == [("the holidays of the workspace changed: due 2026-03-03 10:00 UTC", ROOT_EMAIL)]
    assert "1 enrollment was replanned." in shown_messages(answer)
    holds = explain_enrollments([person.pk], NOW)[person.pk]
    assert [(hold.code, hold.until) for hold in holds if hold.code != "no_worker"] == [("not_due", at(3, 10))]


def test_a_new_holiday_moves_due_times_after_it(client: Client, workspace: Any, second: Any) -> None:
    person = waits(second, at(4, 9))
    elsewhere = waits(StepFactory(sequence__workspace__timezone="UTC", delay_days=1), at(4, 9))
    save(client, workspace, extra_holidays=f"{TUESDAY},{WEDNESDAY}")
    assert times(person) == (at(5, 9), at(5, 9))
    assert times(elsewhere) == (at(4, 9), at(4, 9))


def test_the_holidays_of_another_country_count_at_once(client: Client, workspace: Any, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    # Three Kings' Day, which Berlin works on and Bavaria does not
    person = waits(second, datetime(2027, 1, 6, 10, tzinfo=NOW.tzinfo), previous_ended_at=at(2, 10).replace(2027, 1, 5))
    save(client, workspace, holiday_country="DE-BY")
    assert times(person)[0] == datetime(2027, 1, 7, 9, tzinfo=NOW.tzinfo)
    save(client, workspace, holiday_country="DE-BE", timezone=BERLIN)
    assert times(person)[0] == datetime(2027, 1, 6, 10, tzinfo=NOW.tzinfo)
    assert replanned(person)[-1][0].startswith(
        "the time zone and the holidays of the workspace changed: due 2027-01-06"
    )


def test_an_enrollment_deferred_for_a_removed_holiday_runs_today(
    client: Client, workspace: Any, second: Any, clock: Any
) -> None:
    person = waits(second, at(3, 10))
    clock.move_to(at(3, 10))
    run_tick(at(3, 10), 10, engine_policy())
    assert times(person) == (at(4, 9), at(4, 9))
    clock.move_to(at(3, 11))
    save(client, workspace, extra_holidays="")
    assert times(person) == (at(3, 11), at(3, 11))
    run_tick(at(3, 11), 10, engine_policy())
    assert EmailMessage.objects.get().enrollment_id == person.pk


def test_a_snoozed_enrollment_is_only_moved_off_a_new_holiday(client: Client, workspace: Any, second: Any) -> None:
    person = waits(second, at(4, 9))
    snooze_enrollments([person.pk], until=at(6, 12), actor="ada", now=NOW)
    save(client, workspace, extra_holidays="")
    assert (times(person), replanned(person)) == ((at(6, 12), at(6, 12)), [])
    save(client, workspace, extra_holidays="2026-03-06")
    assert times(person) == (at(7, 9), at(7, 9))


def test_a_moved_enrollment_does_not_wait_for_the_delay_again(
    client: Client, workspace: Any, second: Any, clock: Any
) -> None:
    first = second.sequence.steps.get(number=1)
    person = waits(first, at(2, 20))
    clock.move_to(at(2, 20))
    move_enrollments([person.pk], step_id=second.pk, actor="ada", now=at(2, 20))
    assert times(person)[0] == at(4, 9)
    Step.objects.filter(pk=second.pk).update(delay_days=5)
    save(client, workspace, extra_holidays="")
    assert times(person) == (at(3, 9), at(3, 9))


def test_begun_and_paused_steps_keep_their_state(client: Client, workspace: Any, second: Any) -> None:
    queued = waits(second, at(2, 10), wake_at=None)
    EmailMessageFactory(enrollment=queued)
    paused = PausedEnrollmentFactory(sequence=second.sequence, current_step=second, next_step_at=at(4, 9), visit=2)
    split = SplitStepFactory(sequence=second.sequence, delay_days=1)
    asked = waits(split, at(2, 10), previous_ended_at=at(1, 10), wake_at=at(4, 10))
    save(client, workspace, extra_holidays="", timezone=BERLIN)
    assert times(queued) == (at(2, 10), None)
    assert times(paused) == (at(3, 10), None)
    assert times(asked) == (at(2, 10), at(4, 10))


def test_a_queued_email_leaves_once_its_holiday_is_removed(client: Client, workspace: Any, second: Any) -> None:
    person = waits(second, at(2, 10), wake_at=None)
    held = EmailMessageFactory(enrollment=person, send_after_at=at(4, 9), held_by="holiday: Custom")
    capped = EmailMessageFactory(
        enrollment=waits(second, at(2, 10), wake_at=None),
        send_after_at=at(4, 9),
        held_by="recipient_domain_cap: 5/5",
    )
    Mailbox.objects.update(lane_at=at(4, 9))
    save(client, workspace, extra_holidays="")
    messages = EmailMessage.objects.in_bulk()
    assert (messages[held.pk].send_after_at, messages[held.pk].held_by) == (NOW, "")
    assert messages[capped.pk].send_after_at == at(4, 9)
    assert dict(Mailbox.objects.values_list("pk", "lane_at")) == {held.mailbox_id: NOW, capped.mailbox_id: at(4, 9)}


def test_other_workspace_settings_replan_no_enrollment(client: Client, workspace: Any, second: Any) -> None:
    person = waits(second, at(4, 12))
    before = Enrollment.objects.values().get(pk=person.pk)
    assert not any(
        "replanned" in line for line in shown_messages(save(client, workspace, postal_address="2 Side Street"))
    )
    assert Enrollment.objects.values().get(pk=person.pk) == before


def test_a_corrected_time_zone_replans_the_contact(api: APIClient, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    person = waits(second, at(3, 10), contact=ContactFactory(workspace=second.workspace, timezone=BERLIN))
    assert api.patch(f"/api/contacts/{person.contact_id}", {"timezone": NEW_YORK}).status_code == 200
    # 09:00 in New York
    assert times(person) == (at(3, 14), at(3, 14))
    [(message, _)] = replanned(person)
    assert message == "the time zone of the contact changed: due 2026-03-03 14:00 UTC"


def test_correcting_a_zone_in_the_admin_replans_too(client: Client, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    person = waits(second, at(3, 10))
    answer = save(client, person.contact, timezone=NEW_YORK, fields="{}")
    assert times(person) == (at(3, 14), at(3, 14))
    assert "1 enrollment was replanned." in shown_messages(answer)


def test_what_is_due_by_now_in_the_new_zone_runs_today_and_not_in_the_past(api: APIClient, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    contact = ContactFactory(workspace=second.workspace, timezone=NEW_YORK)
    late = waits(second, at(2, 14), previous_ended_at=at(1, 3), contact=contact)
    api.patch(f"/api/contacts/{contact.pk}", {"timezone": BERLIN})
    assert times(late) == (NOW, NOW)


def test_an_accounts_zone_replans_only_contacts_without_own_zone(api: APIClient, client: Client, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    account = AccountFactory(workspace=second.workspace)
    follows = waits(second, at(3, 10), contact=ContactFactory(workspace=second.workspace, account=account))
    own = ContactFactory(workspace=second.workspace, account=account, timezone="UTC")
    has_own = waits(second, at(3, 10), contact=own)
    api.patch(f"/api/accounts/{account.pk}", {"timezone": NEW_YORK})
    assert (times(follows)[0], times(has_own)[0]) == (at(3, 14), at(3, 10))
    account.refresh_from_db()
    save(client, account, timezone="UTC")
    assert times(follows)[0] == at(3, 10)
    assert [message for message, _ in replanned(follows)] == [
        "the time zone of the account changed: due 2026-03-03 14:00 UTC",
        "the time zone of the account changed: due 2026-03-03 10:00 UTC",
    ]


def test_moving_a_contact_to_another_account_uses_its_zone(api: APIClient, second: Any) -> None:
    Workspace.objects.update(extra_holidays=[])
    person = waits(second, at(3, 10))
    account = AccountFactory(workspace=second.workspace, timezone=NEW_YORK)
    api.patch(f"/api/contacts/{person.contact_id}", {"account": account.pk})
    assert times(person) == (at(3, 14), at(3, 14))
    assert replanned(person)[0][0] == "the account of the contact changed: due 2026-03-03 14:00 UTC"


@pytest.mark.parametrize("way", ["admin", "api", "command"])
def test_a_mailboxs_zone_counts_for_contacts_without_a_known_zone(
    way: str, client: Client, manager_api: APIClient, shell: Shell, second: Any
) -> None:
    Workspace.objects.update(extra_holidays=[])
    mailbox = MailboxFactory(workspace=second.workspace)
    person = waits(second, at(3, 10), mailbox=mailbox)
    of_another = waits(second, at(3, 10))
    queued = waits(second, at(2, 10), mailbox=mailbox, wake_at=None)
    held = EmailMessageFactory(enrollment=queued, send_after_at=at(3, 9), held_by="window: outside the sending window")
    match way:
        case "admin":
            save(client, mailbox, timezone=NEW_YORK)
        case "api":
            assert manager_api.patch(f"/api/mailboxes/{mailbox.pk}", {"timezone": NEW_YORK}).status_code == 200
        case "command":
            slug = second.workspace.slug
            ended = shell("create_mailbox", mailbox.address, "--workspace", slug, "--timezone", NEW_YORK)
            assert ended.status == 0, ended.err
    assert (times(person), times(of_another)[0]) == ((at(3, 14), at(3, 14)), at(3, 10))
    [(message, _)] = replanned(person)
    assert message == "the time zone of the mailbox changed: due 2026-03-03 14:00 UTC"
    held.refresh_from_db()
    mailbox.refresh_from_db()
    assert (held.send_after_at, mailbox.lane_at) == (NOW, NOW)


def bring(file: str) -> Any:
    return SimpleUploadedFile("contacts.csv", file.encode())


@pytest.mark.parametrize("way", ["admin", "api", "command"])
def test_time_zones_from_a_file_replan_at_once(
    way: str, client: Client, api: APIClient, shell: Shell, second: Any, tmp_path: Path
) -> None:
    Workspace.objects.update(extra_holidays=[])
    workspace = second.workspace
    AccountFactory(workspace=workspace, domain="acme.example", timezone=NEW_YORK)
    known = ContactFactory(workspace=workspace, email="known@prospect.example", timezone=BERLIN)
    joins = ContactFactory(workspace=workspace, email="joins@prospect.example")
    same = ContactFactory(workspace=workspace, email="same@prospect.example", timezone=BERLIN)
    rows = [waits(second, at(3, 10), contact=contact) for contact in (known, joins, same)]
    file = f"email,timezone,domain\n{known.email},{NEW_YORK},\n{joins.email},,acme.example\n{same.email},{BERLIN},\n"
    url = reverse("admin:sequences_contact_import_file")
    match way:
        case "admin":
            shown = client.post(url, {"workspace": workspace.pk, "file": bring(file)})
            assert [times(row)[0] for row in rows] == [at(3, 10)] * 3
            sent = {name: shown.context[name] for name in ("name", "content")}
            mapping = {f"column_{place}": name for place, name in enumerate(("email", "timezone", "domain"))}
            answer = client.post(url, {"workspace": workspace.pk, "store": "1", **sent, **mapping})
            assert "2 enrollments were replanned." in shown_messages(answer)
        case "api":
            values = {"workspace": workspace.pk}
            tried = api.post("/api/contacts/import?dry_run=1", {**values, "file": bring(file)}, format="multipart")
            assert (tried.status_code, times(rows[0])[0]) == (200, at(3, 10))
            api.post("/api/contacts/import", {**values, "file": bring(file)}, format="multipart")
        case "command":
            path = tmp_path / "contacts.csv"
            path.write_text(file)
            assert shell("import_contacts", path, "--workspace", workspace.slug).status == 0
    assert [times(row) for row in rows] == [(at(3, 14), at(3, 14)), (at(3, 14), at(3, 14)), (at(3, 10), at(3, 10))]
    assert [message for row in rows for message, _ in replanned(row)] == [
        "the time zone of the contact changed: due 2026-03-03 14:00 UTC",
        "the account of the contact changed: due 2026-03-03 14:00 UTC",
    ]


def test_replanning_takes_the_same_statements_for_any_number_of_enrollments(workspace: Any, second: Any) -> None:
    def change(days: list[date]) -> int:
        with (
            count_statements() as statements,
            replanning(workspace, {"extra_holidays": days}, actor="ada", now=NOW),
        ):
            Workspace.objects.update(extra_holidays=days)
        return statements.count

    waits(second, at(4, 9))
    one = change([])
    assert Enrollment.objects.get().next_step_at == at(3, 10)
    for _ in range(20):
        waits(second, at(3, 10))
    assert change([TUESDAY]) == one
    assert set(Enrollment.objects.values_list("next_step_at", flat=True)) == {at(4, 9)}


def test_replanning_covers_more_enrollments_than_one_batch(workspace: Any, second: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(calendar_changes, "BATCH", 2)
    people = [waits(second, at(4, 9)) for _ in range(5)]
    with replanning(workspace, {"extra_holidays": []}, actor="ada", now=NOW) as followed:
        Workspace.objects.update(extra_holidays=[])
    assert (followed.planned, {times(person)[0] for person in people}) == (5, {at(3, 10)})
