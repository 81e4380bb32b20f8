"""How the records of a domain are read: SPF, DKIM, DMARC, MX, alignment and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from emails.mailbox.records import (
    Check,
    Status,
    check_alignment,
    check_dkim,
    check_dmarc,
    check_links,
    check_mx,
    check_spf,
)

DOMAIN = "mail.acme.example"
MANY = {f"n{number}.example": [f"v=spf1 include:n{number + 1}.example -all"] for number in range(12)}


def find(zone: Mapping[str, Sequence[str]]) -> object:
    return lambda name: zone.get(name, [])


@pytest.mark.parametrize(
    ("texts", "others", "status", "text"),
    [
        ([], {}, "failed", "has no SPF record: add the TXT record v=spf1 include:_spf.google.com ~all"),
        (["google-site-verification=x"], {}, "failed", "has no SPF record"),
        (["v=spf1 include:_spf.google.com ~all"], {}, "ok", "1 of 10 lookups"),
        (["v=SPF1 include:_SPF.google.com -ALL"], {}, "ok", "1 of 10"),
        (["v=spf1 ip4:1.2.3.4 -all"], {}, "warning", "add include:_spf.google.com"),
        (["v=spf1 include:a.example ~all"], {"a.example": ["v=spf1 include:_spf.google.com -all"]}, "ok", "2 of 10"),
        (["v=spf1 redirect=_spf.google.com"], {}, "ok", "1 of 10"),
        (["v=spf1 include:_spf.google.com"], {}, "warning", "end it with ~all"),
        (["v=spf1 +all"], {}, "failed", "allows any server"),
        (["v=spf1 -all", "v=spf1 ~all"], {}, "failed", "2 SPF records"),
        (["v=spf1 include:n0.example ~all"], MANY, "failed", "DNS lookups and 10 are allowed"),
        (["v=spf1 a mx include:mail.acme.example ~all"], {}, "warning", "add include:_spf.google.com"),
    ],
)
def test_spf_record_results(texts: list[str], others: dict[str, list[str]], status: str, text: str) -> None:
    check = check_spf(DOMAIN, find({DOMAIN: texts, **others}), "_spf.google.com")  # type: ignore[arg-type]
    assert (check.code, check.status) == ("spf", status)
    assert text in check.detail


@pytest.mark.parametrize(
    ("zone", "status", "text"),
    [
        ({}, "failed", "add the TXT record _dmarc.mail.acme.example"),
        ({"_dmarc.mail.acme.example": ["v=DMARC1; p=reject; rua=mailto:a@b.example"]}, "ok", "p=reject"),
        ({"_dmarc.acme.example": ["v=DMARC1; p=reject; rua=mailto:a@b.example"]}, "ok", "p=reject"),
        ({"_dmarc.acme.example": ["v=DMARC1; p=reject; sp=none; rua=mailto:a@b.example"]}, "warning", "only watches"),
        ({"_dmarc.acme.example": ["v=DMARC1;p=quarantine"]}, "warning", "no address gets reports"),
        ({"_dmarc.acme.example": ["v=DMARC1; rua=mailto:a@b.example"]}, "failed", "is no policy"),
        ({"_dmarc.acme.example": ["v=DMARC1; p=none", "v=DMARC1; p=none"]}, "failed", "keep one"),
        ({"_dmarc.example": ["v=DMARC1; p=reject; rua=x"]}, "failed", "there is none"),
    ],
)
def test_dmarc_record_results(zone: dict[str, list[str]], status: str, text: str) -> None:
    check = check_dmarc(DOMAIN, find(zone))  # type: ignore[arg-type]
    assert check.status == status
    assert text in check.detail


@pytest.mark.parametrize(
    ("zone", "status", "text"),
    [
        ({}, "unknown", "no key under the usual selectors"),
        ({f"s2._domainkey.{DOMAIN}": ["v=DKIM1; k=rsa; p=MIIB"]}, "ok", "selector s2"),
        ({f"s1._domainkey.{DOMAIN}": ["v=DKIM1; p="]}, "failed", "s1 is revoked"),
        ({f"s1._domainkey.{DOMAIN}": ["v=DKIM1; p="], f"s2._domainkey.{DOMAIN}": ["p=MIIB"]}, "ok", "selector s2"),
        ({f"s1._domainkey.{DOMAIN}": ["something else"]}, "unknown", "no key"),
    ],
)
def test_dkim_record_results(zone: dict[str, list[str]], status: str, text: str) -> None:
    check = check_dkim(DOMAIN, find(zone), ("s1", "s2"))  # type: ignore[arg-type]
    assert check.status == status
    assert text in check.detail


def test_mx_alignment_and_link_results() -> None:
    assert check_mx(DOMAIN, []).status is Status.FAILED
    assert check_mx(DOMAIN, ["."]).status is Status.FAILED
    assert check_mx(DOMAIN, ["mx1.example", "mx2.example"]).found == "mx1.example, mx2.example"
    good, bad = Check("dkim", Status.OK, ""), Check("dkim", Status.UNKNOWN, "")
    assert check_alignment(DOMAIN, uses_smtp=True, dkim=bad).status is Status.OK
    assert check_alignment(DOMAIN, uses_smtp=False, dkim=good).status is Status.OK
    assert check_alignment(DOMAIN, uses_smtp=False, dkim=bad).status is Status.WARNING
    assert check_links(DOMAIN, "http://mail.acme.example").status is Status.FAILED
    assert check_links(DOMAIN, "https://link.mail.acme.example/x").status is Status.OK
    assert check_links(DOMAIN, "https://acme.example").status is Status.OK
    assert check_links(DOMAIN, "https://other.example").status is Status.WARNING
