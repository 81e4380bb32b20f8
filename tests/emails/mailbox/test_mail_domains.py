"""Whether a domain takes email, over real DNS packets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dns.resolver
import pytest

from emails.facts.addresses import claim_domains, request_domains
from emails.mailbox import dns as asking
from emails.mailbox.dns import Dns
from emails.mailbox.mail_domains import check_domain, check_due_domains
from emails.models import MailDomain
from tests.factories import NOW
from tests.fakes.name_server import NameServer

ZONE = {
    ("good.example", "MX"): ["10 mx.good.example."],
    ("mx.good.example", "A"): ["192.0.2.1"],
    ("six.example", "MX"): ["10 gone.six.example.", "20 mx.six.example."],
    ("mx.six.example", "AAAA"): ["2001:db8::1"],
    ("none.example", "MX"): ["0 ."],
    ("both.example", "MX"): ["0 .", "10 mx.good.example."],
    ("implicit.example", "A"): ["192.0.2.2"],
    ("implicit6.example", "AAAA"): ["2001:db8::2"],
    ("parked.example", "TXT"): ['"v=spf1 -all"'],
    ("dangling.example", "MX"): ["10 gone.dangling.example."],
    ("alias.example", "MX"): ["10 192.0.2.9."],
    ("halfway.example", "MX"): ["10 gone.halfway.example.", "20 broken.halfway.example."],
    ("open.example", "MX"): ["10 broken.open.example.", "20 mx.good.example."],
    ("many.example", "MX"): [f"{number} gone{number}.many.example." for number in range(1, 8)],
}


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    with NameServer(ZONE) as started:
        settings.DNS_SERVER = f"127.0.0.1:{started.port}"
        yield started


@pytest.mark.parametrize(
    ("domain", "state", "words"),
    [
        ("good.example", "good", ""),
        ("six.example", "good", ""),
        ("both.example", "good", ""),
        ("implicit.example", "good", ""),
        ("implicit6.example", "good", ""),
        ("open.example", "good", ""),
        # only the first five are looked up, which refutes nothing
        ("many.example", "good", ""),
        ("none.example", "bad", "null MX"),
        ("parked.example", "bad", "no MX and no address"),
        ("missing.example", "bad", "no MX and no address"),
        ("dangling.example", "bad", "have no address"),
        ("alias.example", "bad", "have no address"),
        ("halfway.example", "unknown", "did not answer"),
        ("broken.example", "unknown", "did not answer"),
    ],
)
def test_what_dns_says_of_a_domain(names: NameServer, domain: str, state: str, words: str) -> None:
    found = check_domain(domain, Dns("127.0.0.1", names.port))
    assert (found.domain, found.state.value) == (domain, state)
    assert words in found.detail
    assert not found.detail or domain in found.detail


def test_a_server_that_does_not_answer_leaves_it_unknown(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_EACH_SECONDS", 0.2)
    assert check_domain("silent.example", Dns("127.0.0.1", names.port)).state.value == "unknown"


@pytest.mark.django_db(transaction=True)
def test_what_an_email_waits_for_is_asked_first_and_once(names: NameServer) -> None:
    later = [f"later{number}.example" for number in range(20)]
    request_domains([*later, "good.example"], NOW - timedelta(minutes=1), is_awaited=False)
    request_domains(["none.example", "none.example", "good.example"], NOW, is_awaited=True)
    assert check_due_domains(NOW) == 8
    assert {("good.example", "MX"), ("none.example", "MX")} <= set(names.asked)
    found = dict(MailDomain.objects.filter(checked_at=NOW).values_list("domain", "state"))
    assert (found["good.example"], found["none.example"], len(found)) == ("good", "bad", 8)
    names.asked.clear()
    # what is known is not asked ahead again
    request_domains(["good.example"], NOW, is_awaited=False)
    while check_due_domains(NOW):
        pass
    assert "good.example" not in {name for name, _ in names.asked}
    assert not MailDomain.objects.filter(due_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_a_domain_belongs_to_one_executor_for_a_minute(names: NameServer) -> None:
    request_domains(["good.example"], NOW, is_awaited=True)
    assert claim_domains(NOW, 8) == ["good.example"]
    assert claim_domains(NOW, 8) == []
    # its executor is gone
    assert claim_domains(NOW + timedelta(minutes=2), 8) == ["good.example"]


@pytest.mark.django_db(transaction=True)
def test_a_machine_without_a_name_server_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(configure: bool) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", refuse)
    request_domains(["good.example"], NOW, is_awaited=True)
    assert check_due_domains(NOW) == 1
    stored = MailDomain.objects.get()
    assert (stored.state, stored.valid_until) == ("unknown", NOW + timedelta(hours=1))
    assert "no name server" in stored.detail
