"""Finds the mail servers of an address: known providers, MX, the domain's autoconfig file, SRV records. Stores nothing.

The order is that of trust: an MX of a known provider comes before the autoconfig file, because hosts of websites
publish one for domains whose mail is elsewhere. Only servers of the domain itself learn of the address, as the format
asks for; no directory of others is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urljoin, urlsplit

import requests

from common.addresses import parse_address
from common.deadlines import Deadline
from common.dialler import members_dialler
from common.guarded_http import Wire, guard_session
from common.user_exchanges import user_exchange
from emails.choices import AuthMethod, Security
from emails.mailbox.autoconfig import AutoconfigError, Server, read_autoconfig
from emails.mailbox.dns import Dns
from emails.mailbox.mail_providers import MailProvider, find_by_domain, find_by_mail_hosts
from emails.mailbox.records import DnsError

# a web worker is held for both at most, and for `emails.mailbox.dns.TOTAL_SECONDS`
_HTTP_SECONDS = 6.0
_EACH_SECONDS = 3.0
_MOST_REDIRECTS = 2
_SERVICES = {
    "smtp": (("_submissions._tcp", Security.TLS), ("_submission._tcp", Security.STARTTLS)),
    "imap": (("_imaps._tcp", Security.TLS), ("_imap._tcp", Security.STARTTLS)),
}


class Source(StrEnum):
    """Where a setting was found."""

    PROVIDER = "provider"
    MX = "mx"
    AUTOCONFIG = "autoconfig"
    SRV = "srv"


@dataclass(frozen=True, slots=True)
class Found:
    """One server, and where it was found: `detail` names the domain, the record or the file."""

    server: Server
    source: Source
    detail: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One place that was asked, and what came of it."""

    source: Source
    detail: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """None: no such server was found. `note`: what the provider asks for before a login works."""

    address: str
    provider: str = ""
    auth_method: AuthMethod = AuthMethod.PASSWORD
    smtp: Found | None = None
    imap: Found | None = None
    note: str = ""
    tried: tuple[Tried, ...] = ()


def discover_servers(address: str, workspace_id: int, dns: Dns | None = None) -> Discovered:
    """Within eleven seconds in all. No transaction may be open: servers are talked to.

    Raises `AddressError`, and `BusyError` while this process talks to the servers of others.
    """
    parsed = parse_address(address)
    domain = parsed.rpartition("@")[2].lower()
    if known := find_by_domain(domain):
        return _of_provider(parsed, known, Source.PROVIDER, f"addresses of {domain} are of {known.label}")
    with user_exchange(workspace_id):
        return _ask_domain(parsed, domain, dns)


def _ask_domain(address: str, domain: str, dns: Dns | None) -> Discovered:
    tried: list[Tried] = []
    try:
        asking = dns or Dns()
        hosts = asking.find_mail_hosts(domain)
    except DnsError as error:
        return Discovered(address, tried=(Tried(Source.MX, str(error)),))
    if known := find_by_mail_hosts(hosts):
        return _of_provider(address, known, Source.MX, f"the mail of {domain} goes to {hosts[0]}")
    tried.append(Tried(Source.MX, f"{hosts[0]} is of no known provider" if hosts else f"{domain} takes no mail"))
    found: dict[str, Found] = {}
    for url, outcome in _read_files(address, domain):
        if isinstance(outcome, str):
            tried.append(Tried(Source.AUTOCONFIG, f"{url}: {outcome}"))
            continue
        found |= {kind: Found(server, Source.AUTOCONFIG, url) for kind, server in outcome.items()}
        break
    for kind in _SERVICES:
        if kind not in found:
            service = _find_service(kind, address, domain, asking, tried)
            found |= {kind: service} if service else {}
    return Discovered(address, smtp=found.get("smtp"), imap=found.get("imap"), tried=tuple(tried))


def _of_provider(address: str, known: MailProvider, source: Source, detail: str) -> Discovered:
    smtp = Server(known.smtp_host, known.smtp_port, known.smtp_security, address)
    imap = Server(known.imap_host, 993, Security.TLS, address) if known.imap_host else None
    return Discovered(
        address, known.label, known.auth_method, Found(smtp, source, detail),
        Found(imap, source, detail) if imap else None, known.note, (Tried(source, detail),),
    )  # fmt: skip


def _find_service(kind: str, address: str, domain: str, dns: Dns, tried: list[Tried]) -> Found | None:
    """By RFC 6186 and RFC 8314: what is encrypted from the first byte comes first."""
    for service, security in _SERVICES[kind]:
        name = f"{service}.{domain}"
        try:
            records = dns.find_services(name)
        except DnsError as error:
            tried.append(Tried(Source.SRV, str(error)))
            return None
        if records:
            host, port = records[0]
            return Found(Server(host, port, security, address), Source.SRV, name)
    tried.append(Tried(Source.SRV, f"{domain} publishes no SRV record for {kind.upper()}"))
    return None


def list_files(address: str, domain: str) -> tuple[str, ...]:
    """Where a domain publishes its autoconfig file; by https alone, because it says where passwords go."""
    return (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(address)}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )


def _read_files(address: str, domain: str) -> Iterator[tuple[str, dict[str, Server] | str]]:
    """Each file by its URL: its servers, or why there are none."""
    deadline = Deadline(_HTTP_SECONDS)
    for url in list_files(address, domain):
        shown = url.partition("?")[0]
        try:
            servers = read_autoconfig(_fetch(url, deadline), address)
        except (AutoconfigError, requests.RequestException, OSError) as error:
            yield shown, str(error) if isinstance(error, AutoconfigError) else "no answer"
            continue
        yield shown, servers or "it names no server with encryption that takes a password"


def _fetch(url: str, deadline: Deadline) -> bytes:
    """By https alone, with at most two redirects. Raises `AutoconfigError`, RequestException, OSError."""
    for _ in range(_MOST_REDIRECTS + 1):
        wire, seconds = Wire(members_dialler()), deadline.remaining(_EACH_SECONDS)
        with requests.Session() as session, wire.exchange(seconds):
            guard_session(session, wire)
            answer = session.get(url, timeout=seconds, allow_redirects=False)
        if answer.status_code not in {301, 302, 303, 307, 308}:
            break
        url = urljoin(url, answer.headers.get("Location", ""))
        if urlsplit(url).scheme != "https":
            raise AutoconfigError("it leads to an address without https")
    if answer.status_code != requests.codes.ok:
        raise AutoconfigError(f"there is no file (HTTP {answer.status_code})")
    return answer.content
