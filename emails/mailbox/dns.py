"""Asks DNS, within a few seconds in all. What is not answered in time is `DnsError`, never a wrong answer."""

from __future__ import annotations

import time

import dns.exception
import dns.resolver
from django.conf import settings

from emails.mailbox.records import DnsError

TOTAL_SECONDS = 5.0
_EACH_SECONDS = 2.0


class Dns:
    """One look at DNS; answers are remembered while it lasts. `nameserver` and `port`: another than the machine's."""

    def __init__(self, nameserver: str = "", port: int = 53) -> None:
        self._ends_at = time.monotonic() + TOTAL_SECONDS
        self._known: dict[tuple[str, str], list[str]] = {}
        try:
            self._resolver = dns.resolver.Resolver(configure=not nameserver)
        except dns.resolver.NoResolverConfiguration:
            raise DnsError("this machine has no name server: configure one") from None
        if nameserver:
            self._resolver.nameservers = [nameserver]
            self._resolver.port = port

    def find_texts(self, name: str) -> list[str]:
        """The TXT records of a name, each as one text."""
        return self._ask(name, "TXT")

    def find_mail_hosts(self, name: str) -> list[str]:
        """The hosts of its MX records, the preferred first."""
        return self._ask(name, "MX")

    def find_services(self, name: str) -> list[tuple[str, int]]:
        """(host, port) of its SRV records (RFC 2782), the preferred first; none where it says there is no service."""
        found = (text.split(" ") for text in self._ask(name, "SRV"))
        return [(host, int(port)) for host, port in found if host != "."]

    def find_addresses(self, name: str) -> list[str]:
        """Its IPv4 addresses, else its IPv6 addresses."""
        return self._ask(name, "A") or self._ask(name, "AAAA")

    def _ask(self, name: str, kind: str) -> list[str]:
        key = (name.lower(), kind)
        if key not in self._known:
            self._known[key] = self._resolve(name, kind)
        return self._known[key]

    def _resolve(self, name: str, kind: str) -> list[str]:
        seconds = min(self._ends_at - time.monotonic(), _EACH_SECONDS)
        if seconds <= 0:
            raise DnsError("DNS took longer than five seconds: try again")
        try:
            answer = self._resolver.resolve(name, kind, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel):
            return []
        except dns.exception.DNSException as error:
            raise DnsError(f"DNS did not answer for {name} ({type(error).__name__}): try again") from None
        if kind == "TXT":
            return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
        if kind == "SRV":
            services = sorted(answer, key=lambda record: (record.priority, -record.weight))
            return [f"{str(record.target).rstrip('.') or '.'} {record.port}" for record in services]
        if kind in {"A", "AAAA"}:
            return [record.address for record in answer]
        hosts = sorted((record.preference, str(record.exchange)) for record in answer)
        return [host.rstrip(".") or "." for _, host in hosts]


def make_dns() -> Dns:
    """Asks the name server of `DNS_SERVER`, else that of the machine. Raises `DnsError` where there is none."""
    host, _, port = settings.DNS_SERVER.rpartition(":")
    return Dns(host.strip("[]"), int(port)) if host else Dns()
