"""Opens and clicks are classified as human or machine."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from emails.choices import Verdict
from emails.tracking.visits import (
    BURST_LINKS,
    PREFETCH,
    NearbyVisits,
    Visit,
    classify_at_once,
    classify_visit,
)
from tests.support.inbound_mails import RECEIVED

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LATER = RECEIVED + timedelta(minutes=5)


def visit(agent: str = FIREFOX, at: datetime = LATER, method: str = "GET", sent: datetime | None = RECEIVED) -> Visit:
    return Visit(method, agent, at, sent)


@pytest.mark.parametrize(
    "user_agent",
    [
        FIREFOX,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro)",
    ],
)
def test_an_ordinary_visit_is_human(user_agent: str) -> None:
    found = classify_visit(visit(user_agent))
    assert (found.verdict, found.reason) == (Verdict.HUMAN, "")
    assert 50 < found.confidence < 100
    assert classify_at_once(visit(user_agent)).verdict is Verdict.PENDING


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "   ",
        "Mozilla/5.0",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "Barracuda Sentinel (EE)",
        "Mozilla/5.0 HeadlessChrome/120.0",
        "Mimecast URL scanner",
    ],
)
def test_a_scanner_is_a_machine_and_the_reason_is_given(user_agent: str) -> None:
    found = classify_visit(visit(user_agent))
    assert found.verdict is Verdict.MACHINE
    assert found.reason
    assert found.confidence >= 85
    assert classify_at_once(visit(user_agent)) == found


def test_a_visit_within_seconds_of_sending_is_a_machine() -> None:
    just_before = RECEIVED + PREFETCH - timedelta(microseconds=1)
    assert classify_visit(visit(at=just_before)).verdict is Verdict.MACHINE
    assert classify_visit(visit(at=RECEIVED + PREFETCH)).verdict is Verdict.HUMAN


def test_asking_for_the_headers_alone_is_a_machine() -> None:
    assert classify_visit(visit(method="HEAD")).verdict is Verdict.MACHINE


def test_a_message_without_a_send_time_is_classified_by_the_other_signs() -> None:
    assert classify_visit(visit(sent=None)).verdict is Verdict.HUMAN


def test_many_links_at_once_are_a_scanners() -> None:
    assert classify_visit(visit(), NearbyVisits(links_in_burst=BURST_LINKS - 1)).verdict is Verdict.HUMAN
    found = classify_visit(visit(), NearbyVisits(links_in_burst=BURST_LINKS))
    assert (found.verdict, found.reason) == (Verdict.MACHINE, "3 links within 10 seconds")


def test_two_links_in_two_seconds_are_a_scanners() -> None:
    found = classify_visit(visit(), NearbyVisits(links_in_burst=2, links_in_rush=2))
    assert (found.verdict, found.reason) == (Verdict.MACHINE, "2 links within 2 seconds")


def test_an_agent_that_also_asks_for_headers_is_a_machine() -> None:
    assert classify_visit(visit(), NearbyVisits(agent_asked_for_headers=True)).verdict is Verdict.MACHINE
