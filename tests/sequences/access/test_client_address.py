"""The address of a visitor: that of the connection, or what trusted proxies say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from sequences.access.client_address import find_client
from sequences.access.login_limits import LOCKED
from sequences.models import SecurityEvent
from tests.factories import MembershipFactory, UserFactory

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PROXIES = [ip_network("10.0.0.0/24"), ip_network("fd00::/64")]


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, <script>", "10.0.0.1"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_says(peer: str, header: str, address: str) -> None:
    assert find_client(peer, header.split(","), PROXIES) == address


@pytest.mark.parametrize("peer", ["10.0.0.1", ""])
def test_without_trusted_proxies_the_header_counts_for_nothing(peer: str) -> None:
    assert find_client(peer, ["203.0.113.7"], []) == peer


@pytest.mark.django_db
def test_behind_a_trusted_proxy_a_lock_is_for_one_visitor(settings: Any) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    user = MembershipFactory(user=UserFactory(password="a-right-Password-7")).user

    def log_in(password: str, visitor: str, proxy: str = "10.0.0.1") -> str:
        client = Client(REMOTE_ADDR=proxy, headers={"X-Forwarded-For": f"192.0.2.{len(password)}, {visitor}"})
        answer = client.post(reverse("admin:login"), {"username": user.username, "password": password})
        return "" if answer.status_code == 302 else answer.content.decode()

    with time_machine.travel(NOW, tick=False) as clock:
        for length in range(5):
            log_in("x" * (length + 1), "203.0.113.7")
        assert LOCKED in log_in("a-right-Password-7", "203.0.113.7")
        assert log_in("a-right-Password-7", "203.0.113.8") == ""
        # who comes without the proxy cannot claim another address
        for _ in range(5):
            log_in("wrong", "203.0.113.8", proxy="198.51.100.9")
        assert LOCKED in log_in("a-right-Password-7", "203.0.113.9", proxy="198.51.100.9")
        clock.shift(timedelta(minutes=15))
        assert log_in("a-right-Password-7", "203.0.113.7") == ""
    assert SecurityEvent.objects.latest("pk").address == "203.0.113.7"
