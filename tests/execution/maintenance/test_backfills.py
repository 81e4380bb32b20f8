"""Repairs of stored data: `backfill_next_steps` and `backfill_timezones`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from execution.models import ControlLog, ExecutionLog
from sequences.contacts.zone_guess import guess_by_domain, guess_by_phone
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    DelayStepFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    PausedEnrollmentFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_now() -> Any:
    with freeze_time(NOW):
        yield


def put(row: Enrollment, **values: Any) -> Enrollment:
    Enrollment.objects.filter(pk=row.pk).update(**values)
    return row


def times(row: Enrollment) -> tuple[datetime | None, datetime | None]:
    row.refresh_from_db()
    return row.next_step_at, row.wake_at


@pytest.fixture
def second() -> Any:
    """The second step of a sequence, two days after the first."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence)
    return StepFactory(sequence=sequence, delay_days=2)


def test_what_has_no_due_time_or_one_too_early_is_planned_from_the_end_of_its_previous_step(
    shell: Shell, second: Any
) -> None:
    place = {"sequence": second.sequence, "current_step": second, "previous_ended_at": NOW - DAY}
    missing = put(EnrollmentFactory(**place), next_step_at=None, wake_at=None)
    early = put(EnrollmentFactory(**place), next_step_at=NOW, wake_at=NOW)
    sound = put(EnrollmentFactory(**place), next_step_at=NOW + DAY, wake_at=NOW + DAY)
    snoozed = put(EnrollmentFactory(**place), next_step_at=NOW + 7 * DAY, wake_at=NOW + 7 * DAY)
    moved = put(EnrollmentFactory(**place), next_step_at=NOW, wake_at=NOW)
    ExecutionLogFactory(enrollment=moved, action="moved", at=NOW - DAY)
    tried = shell("backfill_next_steps", "--dry-run", "--json").data
    assert times(missing) == (None, None)
    result = shell("backfill_next_steps", "--json").data
    assert result == tried
    assert (result["examined"], result["repaired"]) == (5, 2)
    assert result["reasons"] == {"due_missing": 1, "due_too_early": 1}
    assert result["examples"][0] == {
        "enrollment": missing.pk, "reason": "due_missing", "next_step_at": "2026-03-03T10:00:00Z",
    }  # fmt: skip
    assert times(missing) == times(early) == times(sound) == (NOW + DAY, NOW + DAY)
    assert times(snoozed)[0] == NOW + 7 * DAY
    assert times(moved)[0] == NOW
    line = ExecutionLog.objects.get(enrollment=missing)
    assert line.action == "replanned" and line.message == "it had no due time: due 2026-03-03 10:00 UTC"
    assert line.actor.startswith("command line")
    assert shell("backfill_next_steps", "--json").data["repaired"] == 0


def test_a_missing_wake_time_is_repaired_unless_a_fact_wakes_it(shell: Shell) -> None:
    email = StepFactory()
    unseen = put(EnrollmentFactory(sequence=email.sequence), wake_at=None)
    overslept = put(EnrollmentFactory(sequence=email.sequence), wake_at=NOW + 5 * DAY)
    failed = put(EnrollmentFactory(sequence=email.sequence), wake_at=None)
    EmailMessageFactory(enrollment=failed, status="failed", error_class="recipient_temporary", failed_at=NOW)
    rests = PausedEnrollmentFactory(resume_at=NOW + DAY)
    put(rests, wake_at=None)
    queued = put(EnrollmentFactory(sequence=email.sequence), wake_at=None)
    EmailMessageFactory(enrollment=queued)
    in_a_paused_sequence = put(
        EnrollmentFactory(sequence=SequenceFactory(status="paused", pause_reason="holidays")), wake_at=None
    )
    sequence = SequenceFactory()
    split = SplitStepFactory(sequence=sequence, condition_config={"wait_hours": 48})
    waiting = EnrollmentFactory(sequence=sequence, current_step=split)
    put(waiting, wake_at=NOW + 2 * DAY)
    before = [times(each) for each in (queued, in_a_paused_sequence, waiting)]
    result = shell("backfill_next_steps", "--json").data
    assert result["reasons"] == {"wake_missing": 3, "wake_too_late": 1}
    assert times(unseen)[1] == times(overslept)[1] == NOW
    assert times(failed)[1] == NOW
    assert times(rests)[1] == NOW + DAY
    assert [times(each) for each in (queued, in_a_paused_sequence, waiting)] == before


def test_the_backfill_works_in_batches_within_its_workspace(
    shell: Shell, second: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execution.maintenance.repair_due_times.BATCH", 2)
    place = {"sequence": second.sequence, "current_step": second, "previous_ended_at": NOW}
    mine = [put(EnrollmentFactory(**place), next_step_at=None) for _ in range(5)]
    other = put(EnrollmentFactory(), next_step_at=None)
    result = shell("backfill_next_steps", "--workspace", second.workspace.slug, "--json").data
    assert result["repaired"] == result["examined"] == 5
    assert {times(each)[0] for each in mine} == {NOW + 2 * DAY}
    assert times(other)[0] is None


@pytest.mark.parametrize(
    ("phone", "domain", "zone"),
    [
        ("+1 212 555 0123", "", "America/New_York"),
        ("+34 612 345 678", "", "Europe/Madrid"),
        ("030 12345678", "firma.de", "Europe/Berlin"),
        ("030 12345678", "firma.com", ""),
        ("+1 800 555 0123", "", ""),
        ("+61 412 345 678", "", ""),
        ("call me", "firma.de", ""),
        ("", "", ""),
    ],
)
def test_an_unambiguous_phone_number_gives_a_time_zone(phone: str, domain: str, zone: str) -> None:
    assert guess_by_phone(phone, domain, NOW) == zone


@pytest.mark.parametrize(
    ("domain", "zone"),
    [
        ("firma.de", "Europe/Berlin"),
        ("shop.co.uk", "Europe/London"),
        ("firma.pt", "Europe/Lisbon"),
        ("firm.com.au", ""),
        ("firm.us", ""),
        ("startup.io", ""),
        ("firm.com", ""),
        ("de", ""),
        ("", ""),
    ],
)
def test_a_country_domain_gives_a_time_zone(domain: str, zone: str) -> None:
    assert guess_by_domain(domain, NOW) == zone


def test_missing_zones_are_filled_in_and_known_ones_never_touched(shell: Shell) -> None:
    workspace = WorkspaceFactory()
    account = AccountFactory(workspace=workspace, domain="firma.de", timezone="")
    uncertain = AccountFactory(workspace=workspace, domain="firm.us", timezone="")
    follows = ContactFactory(workspace=workspace, account=account, timezone="")
    by_phone = ContactFactory(workspace=workspace, account=uncertain, timezone="", phone="+1 212 555 0123")
    by_email = ContactFactory(workspace=workspace, account=None, timezone="", email="a@firma.fr", phone="")
    known = ContactFactory(workspace=workspace, account=None, timezone="Asia/Tokyo", email="b@firma.fr")
    unknown = ContactFactory(workspace=workspace, account=None, timezone="", email="c@firma.com", phone="")
    elsewhere = ContactFactory(account=None, timezone="", email="d@firma.fr")
    rows = (account, uncertain, follows, by_phone, by_email, known, unknown, elsewhere)
    tried = shell("backfill_timezones", "--workspace", workspace.slug, "--dry-run", "--json").data
    for row in rows:
        row.refresh_from_db()
    assert [row.timezone for row in rows] == ["", "", "", "", "", "Asia/Tokyo", "", ""]
    result = shell("backfill_timezones", "--workspace", workspace.slug, "--json").data
    assert result == tried
    assert result["sources"] == {"domain": 1, "phone": 1, "email_domain": 1}
    assert (result["accounts"], result["contacts"], result["undecided"]) == (1, 2, 2)
    for row in rows:
        row.refresh_from_db()
    assert [row.timezone for row in rows] == [
        "Europe/Berlin", "", "", "America/New_York", "Europe/Paris", "Asia/Tokyo", "", "",
    ]  # fmt: skip
    log = ControlLog.objects.get(target="contact", target_id=by_phone.pk)
    assert log.reason == "time zone filled in from the phone number"
    assert log.changes == [{"what": "row", "field": "timezone", "before": "", "after": "America/New_York"}]
    assert shell("backfill_timezones", "--workspace", workspace.slug, "--json").data["contacts"] == 0


def test_a_new_zone_replans(shell: Shell) -> None:
    """Planned for nine in UTC; in New York that is outside the window, and the step waits for it to open."""
    sequence = SequenceFactory(window={"mon-sun": ["00:00-24:00"]})
    StepFactory(sequence=sequence)
    step = DelayStepFactory(sequence=sequence, delay_days=1, send_time="09:00")
    contact = ContactFactory(workspace=sequence.workspace, account=None, timezone="", phone="+1 212 555 0123")
    row = EnrollmentFactory(sequence=sequence, contact=contact, current_step=step, previous_ended_at=NOW - 2 * HOUR)
    put(row, next_step_at=datetime(2026, 3, 3, 9, tzinfo=UTC), wake_at=datetime(2026, 3, 3, 9, tzinfo=UTC))
    shell("backfill_timezones", "--dry-run")
    assert times(row)[0] == datetime(2026, 3, 3, 9, tzinfo=UTC)
    shell("backfill_timezones")
    assert times(row) == (datetime(2026, 3, 3, 14, tzinfo=UTC), datetime(2026, 3, 3, 14, tzinfo=UTC))
    log = ExecutionLog.objects.get(enrollment=row, action="replanned")
    assert log.message == "the time zone of the contact changed: due 2026-03-03 14:00 UTC"
    assert shell("backfill_next_steps", "--json").data["reasons"] == {}


def test_a_new_time_zone_of_an_account_replans_its_contacts(shell: Shell) -> None:
    sequence = SequenceFactory(window={"mon-sun": ["09:00-17:00"]})
    account = AccountFactory(workspace=sequence.workspace, domain="firma.de", timezone="")
    contact = ContactFactory(workspace=sequence.workspace, account=account, timezone="")
    step = StepFactory(sequence=sequence, delay_days=1)
    row = EnrollmentFactory(sequence=sequence, contact=contact, current_step=step, previous_ended_at=NOW + 10 * HOUR)
    put(row, next_step_at=datetime(2026, 3, 4, 9, tzinfo=UTC), wake_at=datetime(2026, 3, 4, 9, tzinfo=UTC))
    shell("backfill_timezones")
    assert times(row)[0] == datetime(2026, 3, 4, 8, tzinfo=UTC)
