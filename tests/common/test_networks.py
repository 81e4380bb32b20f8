"""Which addresses a member's host may have."""

from __future__ import annotations

import ipaddress
import socket
import threading

import pytest

from common.deadlines import Deadline
from common.dialler import Dialler, RefusedHostError, UnknownHostError
from common.networks import EVERYWHERE, is_reachable

INSIDE = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"), ipaddress.ip_network("169.254.0.0/16"))


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_reachable(text: str) -> None:
    assert is_reachable(text, ())


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::1", "169.254.7.7"])
def test_a_network_of_the_operator_is_reachable(text: str) -> None:
    assert not is_reachable(text, ())
    assert is_reachable(text, INSIDE)
    assert is_reachable(text, EVERYWHERE)


@pytest.mark.parametrize(
    "text", ["192.168.1.1", "127.0.0.1", "::1", "::ffff:0:10.1.2.3", "5f00::1", "fe80::1%eth0", "fec0::1"]
)
def test_other_private_networks_stay_closed(text: str) -> None:
    assert not is_reachable(text, INSIDE)


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "fd00:ec2::254",
        "::169.254.169.254", "64:ff9b:1::169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254%1",
    ],
)  # fmt: skip
def test_metadata_services_are_refused_however_much_is_open(text: str) -> None:
    assert not is_reachable(text, (*INSIDE, *EVERYWHERE))


def test_a_metadata_service_is_reachable_only_when_it_is_listed_by_itself() -> None:
    assert is_reachable("169.254.169.254", (ipaddress.ip_network("169.254.169.254/32"),))


@pytest.mark.parametrize("host", ["", "a b.example", "a\r\nb.example", "x" * 254, "a\0b"])
def test_an_invalid_host_name_is_refused_before_the_lookup(host: str) -> None:
    with pytest.raises(RefusedHostError, match="not the name of a host"):
        Dialler().check(host, 25, Deadline(5))


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_has_sixteen_bits(port: int) -> None:
    with pytest.raises(RefusedHostError, match="not a port"):
        Dialler().check("8.8.8.8", port, Deadline(5))


def test_an_unknown_name_is_no_refusal() -> None:
    with pytest.raises(UnknownHostError, match="not known"):
        Dialler().check("nowhere.invalid", 25, Deadline(5))


def test_a_silent_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answered.wait(30) and [])
    with pytest.raises(TimeoutError):
        Dialler().check("slow.example", 25, Deadline(0.05))
    answered.set()
