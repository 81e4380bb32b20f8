"""What the server of an inbox found out about the sender of a mail (RFC 8601), in words that say what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emails.inbound.authentication import Authentication
from emails.mailbox.records import Check, Status

_AGAIN = "the receiver could not look the record up at that moment: test again"
_SHOWN = 300
# RFC 8601 section 2.7; RFC 7208 section 2.6
_SPF = {
    "pass": (Status.OK, "the server that sent it may send for the domain"),
    "fail": (Status.FAILED, "the SPF record forbids the server that sent it: add the include of your provider to it"),
    "softfail": (
        Status.WARNING,
        "the SPF record does not name the server that sent it: add the include of your provider",
    ),
    "neutral": (
        Status.WARNING,
        "the SPF record says nothing about the server that sent it: add the include of your provider",
    ),
    "none": (Status.FAILED, "the domain has no SPF record: add the one that your provider gives you"),
    "policy": (Status.WARNING, "a rule of the receiver does not accept the result: ask its administrator"),
    "temperror": (Status.UNKNOWN, _AGAIN),
    "permerror": (Status.FAILED, "the SPF record cannot be read: Check set-up names the fault"),
}
_DKIM = {
    "pass": (Status.OK, "the signature is right: nothing was changed on the way"),
    "fail": (
        Status.FAILED,
        "the signature does not fit: publish the key that the provider names, and look for what changes emails",
    ),
    "none": (Status.FAILED, "the email was not signed: turn DKIM on at the provider"),
    "policy": (Status.WARNING, "a rule of the receiver does not accept the signature, such as one with a short key"),
    "neutral": (Status.WARNING, "the signature cannot be evaluated: have the provider make a new key"),
    "temperror": (Status.UNKNOWN, _AGAIN),
    "permerror": (Status.FAILED, "no usable key is published: publish the one that the provider names"),
}
_DMARC = {
    "pass": (Status.OK, "SPF or DKIM passed for the domain that readers see"),
    "fail": (
        Status.FAILED,
        "neither SPF nor DKIM passed for the domain that readers see: sign with DKIM of this domain",
    ),
    "none": (Status.WARNING, "the domain has no DMARC record: Check set-up names one to add"),
    "bestguesspass": (
        Status.WARNING,
        "it would pass, but the domain has no DMARC record: Check set-up names one to add",
    ),
    "temperror": (Status.UNKNOWN, _AGAIN),
    "permerror": (Status.FAILED, "the DMARC record cannot be read: Check set-up names the fault"),
}
_MISSING = (
    "the server of the inbox added no Authentication-Results (RFC 8601), so nothing is known of SPF, DKIM and DMARC:"
    " send the test to an inbox at another provider"
)


def explain_authentication(found: Authentication) -> Iterator[Check]:
    """One check for each of SPF, DKIM and DMARC; or a single one where the server says nothing."""
    if not found.header:
        yield Check("authentication", Status.UNKNOWN, _MISSING)
        return
    yield _explain("spf", found.spf, _SPF, found.header)
    yield _explain("dkim", found.dkim, _DKIM, found.header)
    yield _explain("dmarc", found.dmarc, _DMARC, found.header)


def _explain(code: str, result: str, known: Mapping[str, tuple[Status, str]], header: str) -> Check:
    if not result:
        return Check(code, Status.UNKNOWN, "the receiver does not say what it found", header[:_SHOWN])
    status, detail = known.get(result, (Status.UNKNOWN, "this is no result that the standard knows"))
    return Check(code, status, detail, f"{code}={result}")
