"""What the records of a domain say about mail in its name. Pure: DNS is a function that is given.

SPF is RFC 7208, DKIM RFC 6376, DMARC RFC 7489. Every answer says what to do, for people who have never read those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from enum import StrEnum

# RFC 7208 section 4.6.4
MOST_SPF_LOOKUPS = 10
_SHOWN = 300
_SPF_LOOKUPS = re.compile(r"^[+?~-]?(include:|a$|a[:/]|mx$|mx[:/]|ptr|exists:|redirect=)", re.IGNORECASE)


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `detail` says what to do, `found` is the record, shortened."""

    code: str
    status: Status
    detail: str
    found: str = ""


class DnsError(RuntimeError):
    """DNS did not answer; that says nothing about the domain."""


# The texts of a name's TXT records; none where there is no such name. Raises `DnsError`.
FindTexts = Callable[[str], Sequence[str]]


def check_mx(domain: str, hosts: Sequence[str]) -> Check:
    """Whether answers can arrive."""
    if not hosts:
        return Check("mx", Status.FAILED, f"{domain} takes no mail: answers and bounces are lost; add an MX record")
    if list(hosts) == ["."]:
        return Check("mx", Status.FAILED, f"{domain} says that it takes no mail (RFC 7505): answers are lost", ".")
    return Check("mx", Status.OK, "answers can arrive", ", ".join(hosts)[:_SHOWN])


def check_spf(domain: str, find: FindTexts, wanted_include: str = "") -> Check:
    """Who may send in the name of the domain. `wanted_include` is what the mailbox's provider asks for."""
    records = [text for text in find(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        example = f"v=spf1 include:{wanted_include or 'your-provider.example'} ~all"
        return Check("spf", Status.FAILED, f"{domain} has no SPF record: add the TXT record {example}")
    found = records[0][:_SHOWN]
    if len(records) > 1:
        return Check(
            "spf", Status.FAILED, f"{domain} has {len(records)} SPF records, and one is allowed: join them", found
        )
    terms = records[0].lower().split()[1:]
    lookups = _count_lookups(domain, find, set())
    if lookups > MOST_SPF_LOOKUPS:
        message = (
            f"it needs {lookups} DNS lookups and {MOST_SPF_LOOKUPS} are allowed: remove includes that are not used"
        )
        return Check("spf", Status.FAILED, message, found)
    if "+all" in terms or "all" in terms:
        return Check("spf", Status.FAILED, "it allows any server to send (+all): end it with ~all", found)
    if not any(term.endswith("all") or term.startswith("redirect=") for term in terms):
        return Check("spf", Status.WARNING, "it does not say what holds for all others: end it with ~all", found)
    if wanted_include and wanted_include not in _list_includes(domain, find, set()):
        message = f"it does not name {wanted_include}, through which this mailbox sends: add include:{wanted_include}"
        return Check("spf", Status.WARNING, message, found)
    return Check("spf", Status.OK, f"{lookups} of {MOST_SPF_LOOKUPS} lookups", found)


def check_dkim(domain: str, find: FindTexts, selectors: Sequence[str]) -> Check:
    """Whether a key to check signatures with is published. Selectors cannot be listed, so the usual ones are tried."""
    revoked = ""
    for selector in selectors:
        for text in find(f"{selector}._domainkey.{domain}"):
            tags = _read_tags(text)
            if "p" not in tags:
                continue
            if tags["p"]:
                return Check("dkim", Status.OK, f"selector {selector}", text[:_SHOWN])
            revoked = selector
    if revoked:
        return Check("dkim", Status.FAILED, f"the key of selector {revoked} is revoked: publish a new one")
    tried = ", ".join(selectors[:6])
    message = (
        f"no key under the usual selectors ({tried} …): turn DKIM on at the provider, unless it uses another selector"
    )
    return Check("dkim", Status.UNKNOWN, message)


def check_dmarc(domain: str, find: FindTexts) -> Check:
    """What receivers are asked to do with mail that fails; read at the domain, then at those above it."""
    for name in _walk_up(domain):
        records = [text for text in find(f"_dmarc.{name}") if text.lower().replace(" ", "").startswith("v=dmarc1")]
        if len(records) > 1:
            return Check(
                "dmarc", Status.FAILED, f"_dmarc.{name} has {len(records)} records: keep one", records[0][:_SHOWN]
            )
        if records:
            return _check_dmarc_policy(name, domain, records[0])
    example = f'_dmarc.{domain} with "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"'
    return Check("dmarc", Status.FAILED, f"there is none, and large providers ask for it: add the TXT record {example}")


def check_alignment(domain: str, *, uses_smtp: bool, dkim: Check) -> Check:
    """Whether what passes SPF or DKIM is in the name of the domain that people see (RFC 7489 section 3.1)."""
    if uses_smtp:
        return Check("alignment", Status.OK, "the envelope sender is the address itself, so SPF aligns")
    if dkim.status is Status.OK:
        return Check(
            "alignment", Status.OK, f"bounces go to the provider, so SPF does not align; DKIM of {domain} does"
        )
    message = f"bounces go to the provider, so SPF does not align: sign with DKIM of {domain} at the provider"
    return Check("alignment", Status.WARNING, message)


def check_links(domain: str, base_url: str) -> Check:
    """Whether links in emails lead where readers and one-click unsubscribing (RFC 8058) expect it."""
    scheme, _, rest = base_url.partition("://")
    host = rest.partition("/")[0].partition(":")[0].lower()
    if scheme != "https":
        message = "PUBLIC_BASE_URL is not https: mail programs offer one-click unsubscribing with https only"
        return Check("links", Status.FAILED, message, base_url)
    if host != domain and not host.endswith(f".{domain}") and not domain.endswith(f".{host}"):
        message = f"links lead to {host}, another domain than {domain}: filters trust a name such as link.{domain} more"
        return Check("links", Status.WARNING, message, base_url)
    return Check("links", Status.OK, "links are of the sender's domain and https", base_url)


_MUST_BE_SIGNED = ("list-unsubscribe", "list-unsubscribe-post")


def check_signed_headers(received: bytes) -> Check:
    """Whether a DKIM signature of a mail, as it was received, covers both unsubscribe headers (RFC 8058 section 4)."""
    signatures = message_from_bytes(received, policy=default).get_all("DKIM-Signature") or []
    if not signatures:
        detail = "the mail has no DKIM signature, so one-click unsubscribing is ignored: turn DKIM on at the provider"
        return Check("signed", Status.FAILED, detail)
    covered = [_read_tags(str(signature)).get("h", "").lower() for signature in signatures]
    names = [{name.strip() for name in headers.split(":")} for headers in covered]
    if any(each.issuperset(_MUST_BE_SIGNED) for each in names):
        return Check("signed", Status.OK, "DKIM covers the unsubscribe headers", covered[0][:_SHOWN])
    missing = " and ".join(name for name in _MUST_BE_SIGNED if not any(name in each for each in names))
    named = missing or "both unsubscribe headers at once"
    detail = f"DKIM does not cover {named}: add them to the signed headers (h=) at the provider"
    return Check("signed", Status.FAILED, detail, covered[0][:_SHOWN])


def check_postal_address(postal_address: str) -> Check:
    """Whether emails can carry the postal address that CAN-SPAM and similar laws ask for."""
    found = " ".join(postal_address.split())[:_SHOWN]
    if found:
        return Check("postal", Status.OK, "stands in the footer of every email", found)
    detail = "the workspace has none, so no sequence with emails can be activated: fill it in at the workspace"
    return Check("postal", Status.FAILED, detail)


def _check_dmarc_policy(name: str, domain: str, text: str) -> Check:
    tags = _read_tags(text)
    policy = tags.get("sp", tags.get("p", "")) if name != domain else tags.get("p", "")
    found = text[:_SHOWN]
    if policy not in {"none", "quarantine", "reject"}:
        return Check("dmarc", Status.FAILED, f"{policy!r} is no policy: write p=none, quarantine or reject", found)
    if not tags.get("rua"):
        return Check("dmarc", Status.WARNING, f"p={policy}, but no address gets reports: add rua=mailto:…", found)
    if policy == "none":
        return Check("dmarc", Status.WARNING, "p=none only watches: go to quarantine once the reports are clean", found)
    return Check("dmarc", Status.OK, f"p={policy}", found)


def _walk_up(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        yield ".".join(labels[start:])


def _read_tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _spf_terms(domain: str, find: FindTexts) -> list[str]:
    records = [text for text in find(domain) if text.lower().split(" ")[0] == "v=spf1"]
    return records[0].lower().split()[1:] if records else []


def _count_lookups(domain: str, find: FindTexts, seen: set[str]) -> int:
    """Of the record and of all that it includes; a loop counts once."""
    if domain in seen or len(seen) > 2 * MOST_SPF_LOOKUPS:
        return 0
    seen.add(domain)
    number = 0
    for term in _spf_terms(domain, find):
        number += bool(_SPF_LOOKUPS.match(term))
        if inner := _included(term):
            number += _count_lookups(inner, find, seen)
    return number


def _list_includes(domain: str, find: FindTexts, seen: set[str]) -> set[str]:
    if domain in seen or len(seen) > 2 * MOST_SPF_LOOKUPS:
        return set()
    seen.add(domain)
    found = {inner for term in _spf_terms(domain, find) if (inner := _included(term))}
    return found.union(*(_list_includes(inner, find, seen) for inner in sorted(found)))


def _included(term: str) -> str:
    for start in ("include:", "redirect="):
        if term.lstrip("+?~-").startswith(start):
            return term.lstrip("+?~-").removeprefix(start)
    return ""
