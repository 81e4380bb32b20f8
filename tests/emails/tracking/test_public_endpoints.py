"""The public endpoints: their responses without a login, and what a link may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from emails.facts.suppressions import remove_suppressions
from emails.models import EmailEvent, EmailMessage, Suppression
from emails.tracking import links as tracking
from emails.tracking.reclassify import classify_pending_visits
from emails.tracking.visits import CLASSIFIED_AFTER, RULES_VERSION
from execution.engine.policy import engine_policy
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from tests.emails.tracking.conftest import FIREFOX, LATER, path_of
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory

pytestmark = pytest.mark.django_db

SETTLED = LATER + CLASSIFIED_AFTER
TARGET = "https://sender.example/pricing?plan=a&b=ü#top"


@pytest.fixture
def browser() -> Client:
    """Without cookies, and with the protection against forged requests that a browser meets."""
    return Client(enforce_csrf_checks=True, headers={"User-Agent": FIREFOX})


def bent(path: str) -> str:
    """The same link with one letter of its signature changed."""
    body, dot, end = path.partition(".gif")
    return body[:-1] + ("A" if body[-1] != "A" else "B") + dot + end


def test_a_get_of_the_unsubscribe_page_unsubscribes_no_contact(browser: Client, message: EmailMessage) -> None:
    path = path_of(tracking.unsubscribe_url(message.pk))
    for ask in (browser.get, browser.head):
        answer = ask(path)
        assert answer.status_code == 200
    page = browser.get(path).content.decode()
    assert message.recipient in page
    assert 'method="post"' in page
    assert not EmailEvent.objects.exists()
    assert not Suppression.objects.exists()


def test_one_click_unsubscribes_at_once_without_a_cookie(browser: Client, message: EmailMessage) -> None:
    follow_up = EmailMessageFactory(
        enrollment=EnrollmentFactory(sequence__workspace=message.workspace, contact=message.contact)
    )
    path = path_of(tracking.unsubscribe_url(message.pk))

    answer = browser.post(path, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert message.recipient in answer.content.decode()
    suppression = Suppression.objects.get()
    assert (suppression.email, suppression.reason) == (message.recipient, "unsubscribed")
    run_until_idle(Options(policy=engine_policy(), stage=Stage.DECIDE), lambda: LATER)
    message.enrollment.refresh_from_db()
    follow_up.refresh_from_db()
    assert (message.enrollment.status, message.enrollment.auto_exit_reason) == ("auto_exited", "unsubscribed")
    assert (follow_up.status, follow_up.withheld_reason) == ("withheld", "unsubscribed")


def test_unsubscribing_twice_is_once(browser: Client, message: EmailMessage) -> None:
    path = path_of(tracking.unsubscribe_url(message.pk))
    assert [browser.post(path).status_code for _ in range(3)] == [200, 200, 200]
    assert EmailEvent.objects.count() == Suppression.objects.count() == 1


@pytest.mark.parametrize("in_time", [True, False])
def test_a_contact_can_unsubscribe_again_by_the_same_link(
    browser: Client, message: EmailMessage, in_time: bool
) -> None:
    path = path_of(tracking.unsubscribe_url(message.pk))
    browser.post(path)
    if in_time:
        Suppression.objects.update(expires_at=LATER + timedelta(days=30))
    else:
        ids = list(Suppression.objects.values_list("id", flat=True))
        remove_suppressions(ids, actor="ada", reason="she asked to get our emails again", now=LATER)
    again = EnrollmentFactory(sequence__workspace=message.workspace, contact=message.contact, at=LATER)
    assert [browser.post(path).status_code for _ in range(2)] == [200, 200]
    assert Suppression.objects.get().expires_at is None
    assert EmailEvent.objects.filter(type="unsubscribed").count() == 2
    run_until_idle(Options(policy=engine_policy(), stage=Stage.DECIDE), lambda: LATER)
    again.refresh_from_db()
    assert (again.status, again.auto_exit_reason) == ("auto_exited", "unsubscribed")


def test_unsubscribing_works_in_every_enrollment_state(browser: Client, message: EmailMessage) -> None:
    enrollment = message.enrollment
    enrollment.status, enrollment.completed_at, enrollment.next_step_at = "completed", NOW, None
    enrollment.save()
    assert browser.post(path_of(tracking.unsubscribe_url(message.pk))).status_code == 200
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_altered_unsubscribe_link_is_not_found(browser: Client, message: EmailMessage, method: str) -> None:
    path = bent(path_of(tracking.unsubscribe_url(message.pk)))
    answer = getattr(browser, method)(path)
    assert answer.status_code == 404
    assert b"not complete" in answer.content
    assert not Suppression.objects.exists()


def test_the_link_of_a_message_that_is_gone_is_not_found(browser: Client, message: EmailMessage) -> None:
    path = path_of(tracking.unsubscribe_url(message.pk))
    message.delete()
    assert browser.get(path).status_code == browser.post(path).status_code == 404


def test_a_token_is_valid_for_its_own_endpoint_only(browser: Client, message: EmailMessage) -> None:
    token = tracking.open_pixel_url(message.pk, NOW).rpartition("/")[2].removesuffix(".gif")
    assert browser.post(f"/u/{token}").status_code == 404
    assert browser.get(f"/t/c/{token}").status_code == 404
    assert not EmailEvent.objects.exists()


def test_a_click_leads_to_the_signed_target_and_is_kept(browser: Client, message: EmailMessage) -> None:
    answer = browser.get(path_of(tracking.click_url(message.pk, TARGET, NOW)))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://sender.example/pricing?plan=a&b=")
    event = EmailEvent.objects.get()
    assert (event.type, event.verdict, event.detail, event.message) == ("clicked", "pending", TARGET, message)
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at is None

    assert classify_pending_visits(SETTLED - timedelta(microseconds=1)) == 0
    assert classify_pending_visits(SETTLED) == 1
    event.refresh_from_db()
    assert (event.verdict, event.confidence, event.rules_version) == ("human", 80, RULES_VERSION)
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at == SETTLED


@pytest.mark.parametrize("suffix", ["", "?url=https://evil.example", "?next=//evil.example"])
def test_a_click_never_redirects_to_an_unsigned_target(browser: Client, message: EmailMessage, suffix: str) -> None:
    path = path_of(tracking.click_url(message.pk, TARGET, NOW))
    assert "evil" not in browser.get(path + suffix).headers["Location"]
    refused = browser.get(bent(path) + suffix)
    assert refused.status_code == 404
    assert "Location" not in refused.headers


def test_clicks_of_one_minute_on_one_link_are_one(browser: Client, message: EmailMessage) -> None:
    first, second = (
        path_of(tracking.click_url(message.pk, url, NOW)) for url in (TARGET, "https://sender.example/two")
    )
    for path in (first, first, second):
        browser.get(path)
    assert EmailEvent.objects.count() == 2


def test_the_pixel_is_an_image_and_is_kept(browser: Client, message: EmailMessage) -> None:
    answer = browser.get(path_of(tracking.open_pixel_url(message.pk, NOW)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert "no-store" in answer.headers["Cache-Control"]
    classify_pending_visits(SETTLED)
    event = EmailEvent.objects.get()
    assert (event.type, event.verdict) == ("opened", "human")


@pytest.mark.parametrize("path", ["/t/o/x.gif", "/t/o/a:b:c.gif", "/t/o/%00%ff.gif"])
def test_a_pixel_that_we_do_not_know_is_still_an_image(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.content.startswith(b"GIF89a")
    assert not EmailEvent.objects.exists()


def test_a_machine_visit_does_not_hide_a_human_one(message: EmailMessage) -> None:
    path = path_of(tracking.open_pixel_url(message.pk, NOW))
    Client(headers={"User-Agent": "Barracuda Sentinel"}).get(path)
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at is None
    Client(headers={"User-Agent": FIREFOX}).get(path)
    classify_pending_visits(SETTLED)
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at == SETTLED
    assert sorted(EmailEvent.objects.values_list("verdict", flat=True)) == ["human", "machine"]


@pytest.mark.parametrize("endpoint", ["/t/o/x.gif", "/t/c/x"])
def test_read_only_endpoints_refuse_post(browser: Client, endpoint: str) -> None:
    assert browser.post(endpoint).status_code in {403, 405}


@pytest.mark.parametrize("endpoint", ["/u/x", "/u/x/", "/t/c/x", "/t/c/x/"])
def test_a_link_with_or_without_a_slash_at_its_end_is_the_same(browser: Client, endpoint: str) -> None:
    answer = browser.get(endpoint)
    assert answer.status_code == 404
    assert b"Link not found" in answer.content
