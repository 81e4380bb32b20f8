"""Whether a domain takes email, by DNS alone: no mail server is talked to.

RFC 5321 section 5.1: its MX records, else its own address. RFC 7505: a single MX record with an empty name says that it
takes none. What DNS does not answer is unknown, never bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from emails.choices import AddressState
from emails.facts.addresses import DomainAnswer, claim_domains, store_answers
from emails.mailbox.dns import Dns, make_dns
from emails.mailbox.records import DnsError

#: DNS is asked for so many domains at a time, each within `emails.mailbox.dns.TOTAL_SECONDS`.
AT_ONCE = 8
# Of a domain with more MX records than these.
_MOST_HOSTS = 5


def check_due_domains(now: datetime) -> int:
    """Ask DNS for some of the domains that are due. Returns how many; no transaction may be open."""
    domains = claim_domains(now, AT_ONCE)
    if domains:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dns") as threads:
            store_answers(list(threads.map(_check, domains)), now)
    return len(domains)


def check_domain(domain: str, dns: Dns) -> DomainAnswer:
    """What DNS says of a domain, in words for users."""
    try:
        hosts = dns.find_mail_hosts(domain)
        named = [host for host in hosts if host != "."]
        if hosts and not named:
            return DomainAnswer(domain, AddressState.BAD, f"{domain} says that it takes no email (null MX)")
        if not hosts and not dns.find_addresses(domain):
            return DomainAnswer(domain, AddressState.BAD, f"{domain} has no mail server: DNS has no MX and no address")
        if named and not _has_address(named[:_MOST_HOSTS], dns) and len(named) <= _MOST_HOSTS:
            return DomainAnswer(domain, AddressState.BAD, f"the mail servers of {domain} have no address in DNS")
    except DnsError as error:
        return DomainAnswer(domain, AddressState.UNKNOWN, str(error))
    return DomainAnswer(domain, AddressState.GOOD, "")


def _check(domain: str) -> DomainAnswer:
    try:
        return check_domain(domain, make_dns())
    except DnsError as error:
        return DomainAnswer(domain, AddressState.UNKNOWN, str(error))


def _has_address(hosts: Sequence[str], dns: Dns) -> bool:
    """Whether one of them has an address. Raises `DnsError` when that is not known of any, and not refuted of all."""
    failure: DnsError | None = None
    for host in hosts:
        try:
            if dns.find_addresses(host):
                return True
        except DnsError as error:
            failure = error
    if failure is not None:
        raise failure
    return False
