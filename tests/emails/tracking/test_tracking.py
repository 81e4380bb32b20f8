"""Tracking: links that expire and survive a new key, Do-Not-Track, scanners, and classifying again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from emails.models import EmailEvent, EmailMessage
from emails.rendering.compose import Composed, compose
from emails.tracking import links as tracking
from emails.tracking.reclassify import classify_pending_visits, next_classification_at
from emails.tracking.visits import CLASSIFIED_AFTER, RULES_VERSION
from sequences.models import Enrollment
from tests.emails.tracking.conftest import FIREFOX, LATER, path_of
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, StepFactory
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db

TARGET = "https://sender.example/pricing"


@pytest.fixture
def browser() -> Client:
    return Client(headers={"User-Agent": FIREFOX})


def verdicts() -> list[str]:
    return list(EmailEvent.objects.order_by("pk").values_list("verdict", flat=True))


def test_a_click_of_long_ago_is_not_counted_and_shows_where_it_led(browser: Client, message: EmailMessage) -> None:
    old = LATER - timedelta(days=settings.TRACKING_LINK_DAYS + 2)
    answer = browser.get(path_of(tracking.click_url(message.pk, TARGET, old)))
    assert answer.status_code == 410
    assert "Location" not in answer.headers
    assert f'href="{TARGET}"' in answer.content.decode()
    assert browser.get(path_of(tracking.open_pixel_url(message.pk, old))).status_code == 200
    assert not EmailEvent.objects.exists()

    young = LATER - timedelta(days=settings.TRACKING_LINK_DAYS - 1)
    assert browser.get(path_of(tracking.click_url(message.pk, TARGET, young))).status_code == 302
    assert EmailEvent.objects.count() == 1


def test_an_unsubscribe_link_never_expires(browser: Client, message: EmailMessage, clock: Any) -> None:
    path = path_of(tracking.unsubscribe_url(message.pk))
    clock.move_to(LATER + timedelta(days=4_000))
    assert browser.post(path).status_code == 200


def test_links_survive_a_new_secret_key(browser: Client, message: EmailMessage, settings: Any) -> None:
    urls = [
        tracking.open_pixel_url(message.pk, NOW),
        tracking.click_url(message.pk, TARGET, NOW),
        tracking.unsubscribe_url(message.pk),
    ]
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key that is as long as keys should be, and longer"
    assert [browser.get(path_of(url)).status_code for url in urls] == [404, 404, 404]
    settings.SECRET_KEY_FALLBACKS = [old]
    assert [browser.get(path_of(url)).status_code for url in urls] == [200, 302, 200]


def test_links_are_signed_as_django_signs(message: EmailMessage) -> None:
    long = f"https://sender.example/{'price/' * 40}"
    for url in (TARGET, long):
        token = tracking.click_url(message.pk, url, NOW).rpartition("/")[2]
        value = signing.Signer(salt="emails.click").unsign_object(token)
        assert value[:2] == [message.pk, url]
        assert token == signing.Signer(salt="emails.click").sign_object(value, compress=True)
    token = tracking.unsubscribe_url(message.pk).rpartition("/")[2]
    assert token == signing.Signer(salt="emails.unsubscribe").sign_object([message.pk], compress=True)


def test_a_link_of_an_earlier_release_still_works(browser: Client, message: EmailMessage) -> None:
    token = signing.Signer(salt="emails.click").sign_object([message.pk, TARGET], compress=True)
    assert browser.get(f"/t/c/{token}").headers["Location"] == TARGET
    token = signing.Signer(salt="emails.open").sign_object([message.pk], compress=True)
    assert browser.get(f"/t/o/{token}.gif").status_code == 200
    assert EmailEvent.objects.count() == 2


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Sec-GPC": "1"}])
def test_do_not_track_redirects_without_storing_a_visit(message: EmailMessage, headers: dict[str, str]) -> None:
    browser = Client(headers={"User-Agent": FIREFOX, **headers})
    assert browser.get(path_of(tracking.click_url(message.pk, TARGET, NOW))).headers["Location"] == TARGET
    assert browser.get(path_of(tracking.open_pixel_url(message.pk, NOW))).status_code == 200
    assert not EmailEvent.objects.exists()


def click(browser: Client, message: EmailMessage, name: str) -> None:
    browser.get(path_of(tracking.click_url(message.pk, f"https://sender.example/{name}", NOW)))


def test_a_scanner_with_a_browser_user_agent_is_recognized_by_its_many_links(
    browser: Client, message: EmailMessage, clock: Any
) -> None:
    for name in "abc":
        click(browser, message, name)
        clock.shift(timedelta(seconds=2))
    assert verdicts() == ["pending"] * 3
    assert next_classification_at() == LATER + CLASSIFIED_AFTER
    assert classify_pending_visits(LATER + timedelta(minutes=1)) == 0
    assert verdicts() == ["machine"] * 3
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at is None


def test_slow_clicks_are_human(browser: Client, message: EmailMessage, clock: Any) -> None:
    for name in "abc":
        click(browser, message, name)
        clock.shift(timedelta(seconds=11))
    assert classify_pending_visits(LATER + timedelta(minutes=1)) == 3


def test_two_simultaneous_clicks_are_a_machine(browser: Client, message: EmailMessage, clock: Any) -> None:
    click(browser, message, "a")
    clock.shift(timedelta(seconds=1))
    click(browser, message, "b")
    assert classify_pending_visits(LATER + timedelta(minutes=1)) == 0
    assert verdicts() == ["machine"] * 2


def test_a_scanner_that_asks_for_headers_first_is_known(browser: Client, message: EmailMessage, clock: Any) -> None:
    url = path_of(tracking.click_url(message.pk, TARGET, NOW))
    browser.head(url)
    clock.shift(timedelta(seconds=20))
    browser.get(url)
    clock.shift(timedelta(seconds=20))
    Client(headers={"User-Agent": f"{FIREFOX} other"}).get(url)
    assert classify_pending_visits(LATER + timedelta(minutes=2)) == 1
    assert verdicts() == ["machine", "machine", "human"]


def test_a_human_visit_after_a_scanner_with_a_browser_user_agent_counts(
    browser: Client, message: EmailMessage, clock: Any
) -> None:
    for name in "abc":
        click(browser, message, name)
    clock.shift(timedelta(seconds=40))
    click(browser, message, "a")
    assert classify_pending_visits(LATER + timedelta(minutes=1)) == 1
    assert verdicts() == ["machine"] * 3 + ["human"]


def compose_with(**fields: Any) -> str:
    step = StepFactory(body="[Look](https://sender.example/pricing)", **fields)
    enrollment = EnrollmentFactory(sequence=step.sequence, current_step=step)
    message = EmailMessageFactory(enrollment=enrollment)
    (composed,) = compose([message.pk], NOW)
    assert isinstance(composed, Composed), composed
    return composed.rendered.html


@pytest.mark.parametrize(
    ("workspace", "sequence", "expected"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_a_sequence_may_differ_from_its_workspace(workspace: bool, sequence: bool | None, expected: bool) -> None:
    html = compose_with(
        sequence__workspace__track_opens=workspace,
        sequence__workspace__track_clicks=workspace,
        sequence__track_opens=sequence,
        sequence__track_clicks=sequence,
    )
    assert [path in html for path in ("/t/o/", "/t/c/")] == [expected] * 2
    assert ('href="https://sender.example/pricing"' in html) is not expected
    assert "/u/" in html


def test_nothing_is_hidden_in_a_tracked_email() -> None:
    html = compose_with()
    assert not re.search(r"display\s*:\s*none|aria-hidden|tabindex|visibility|font-size:\s*0", html)
    assert html.count("<img") == 1
    assert len(re.findall("<a ", html)) == 2, "the author's link and the unsubscribe link"


@pytest.fixture
def classified_long_ago(message: EmailMessage) -> EmailEvent:
    """What an older release took for a person."""
    return EmailEvent.objects.create(
        workspace=message.workspace, message=message, enrollment=message.enrollment, contact=message.contact,
        type="opened", provider="tracking", provider_event_id="old", occurred_at=LATER, recorded_at=LATER,
        verdict="human", payload={"user_agent": "Barracuda Sentinel"}, rules_version=1,
    )  # fmt: skip


def test_backfilling_reclassifies_wakes_and_ends(shell: Shell, classified_long_ago: EmailEvent) -> None:
    dry = shell("backfill_engagement", "--dry-run", "--json").data
    assert dry == {"classified": 1, "changed": {"human → machine": 1}, "woken": 1}
    assert verdicts() == ["human"]
    assert shell("backfill_engagement", "--json").data == dry
    classified_long_ago.refresh_from_db()
    assert (classified_long_ago.verdict, classified_long_ago.rules_version) == ("machine", RULES_VERSION)
    assert classified_long_ago.confidence == 97
    assert Enrollment.objects.get().wake_at == LATER
    assert shell("backfill_engagement", "--json").data == {"classified": 0, "changed": {}, "woken": 0}


def test_backfilling_can_be_kept_to_a_time_and_a_workspace(shell: Shell, classified_long_ago: EmailEvent) -> None:
    later = (LATER + timedelta(days=1)).isoformat()
    assert shell("backfill_engagement", "--since", later, "--json").data["classified"] == 0
    slug = classified_long_ago.workspace.slug
    assert shell("backfill_engagement", "--workspace", slug, "--json").data["classified"] == 1
