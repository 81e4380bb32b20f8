"""Wrong passwords and wrong API keys are limited, over all processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from sequences.access.login_limits import LOCKED
from sequences.models import LoginFailure
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PASSWORD = "a-right-Password-7"


@pytest.fixture
def username() -> str:
    user = UserFactory(is_staff=True)
    user.set_password(PASSWORD)
    user.save()
    return str(user.username)


def log_in(username: str, password: str, address: str = "192.0.2.1", at: datetime = NOW) -> str:
    """What the page says; empty when it lets the user in."""
    with mock.patch("django.utils.timezone.now", return_value=at):
        form = {"username": username, "password": password}
        answer = Client(REMOTE_ADDR=address).post(reverse("admin:login"), form)
    return "" if answer.status_code == 302 else answer.content.decode()


def test_five_wrong_passwords_lock_the_login_for_fifteen_minutes(
    username: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):
        assert LOCKED not in log_in(username, "wrong")
    assert LOCKED in log_in(username, "wrong")
    assert LOCKED in log_in(username, PASSWORD)
    assert LOCKED in log_in(username.upper(), PASSWORD)
    assert log_in(username, PASSWORD, at=NOW + timedelta(minutes=14, seconds=59))
    assert log_in(username, PASSWORD, at=NOW + timedelta(minutes=15)) == ""
    assert sum("login locked" in record for record in caplog.messages) == 1


def test_other_accounts_and_addresses_are_not_locked(username: str) -> None:
    for _ in range(6):
        log_in(username, "wrong")
    assert log_in(username, PASSWORD, address="192.0.2.2") == ""
    other = UserFactory(is_staff=True)
    other.set_password(PASSWORD)
    other.save()
    assert log_in(other.username, PASSWORD) == ""


def test_the_addresses_of_one_ipv6_network_count_as_one(username: str) -> None:
    for number in range(5):
        log_in(username, "wrong", address=f"2001:db8:1:2:{number:x}::1")
    assert LOCKED in log_in(username, PASSWORD, address="2001:db8:1:2:ffff::9")
    assert log_in(username, PASSWORD, address="2001:db8:1:3::1") == ""
    for number in range(20):
        Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}").get("/api/me", headers={"Authorization": "Token wrong"})
    answer = Client(REMOTE_ADDR="2001:db8:1:2::ff").get("/api/me", headers={"Authorization": "Token wrong"})
    assert answer.status_code == 429


def test_addresses_of_ipv4_count_alone_however_they_are_written(username: str) -> None:
    for address in ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:c000:201", "192.0.2.1"):
        log_in(username, "wrong", address=address)
    assert LOCKED in log_in(username, PASSWORD, address="::ffff:192.0.2.1")
    assert log_in(username, PASSWORD, address="::ffff:192.0.2.2") == ""


def test_a_right_password_forgets_the_wrong_ones(username: str) -> None:
    for _ in range(3):
        for _ in range(4):
            log_in(username, "wrong")
        assert log_in(username, PASSWORD) == ""
    assert not LoginFailure.objects.exists()


def test_an_account_that_does_not_exist_is_locked_the_same() -> None:
    answers = [log_in("missing@a.example", "wrong") for _ in range(5)]
    assert [LOCKED in answer for answer in answers] == [False] * 4 + [True]


def test_wrong_keys_are_answered_429_for_a_minute() -> None:
    def ask(seconds: int = 0, address: str = "192.0.2.1") -> int:
        with mock.patch("django.utils.timezone.now", return_value=NOW + timedelta(seconds=seconds)):
            client = APIClient(REMOTE_ADDR=address)
            return int(client.get("/api/me", headers={"Authorization": f"Token {'0' * 64}"}).status_code)

    assert [ask() for _ in range(21)] == [401] * 20 + [429]
    assert ask(address="192.0.2.2") == 401
    assert ask(seconds=59) == 429
    assert ask(seconds=60) == 401
