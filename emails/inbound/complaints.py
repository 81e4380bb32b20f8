"""Complaints: feedback reports (ARF, RFC 5965) and the forms that providers send instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from emails.inbound.delivery_status import Fields, list_groups
from emails.inbound.findings import Finding, MailKind
from emails.inbound.parse import (
    InboundMail,
    find_addresses,
    list_children,
    read_address,
    read_header,
    read_headers,
    read_text,
    walk_parts,
)

# Microsoft's Junk Mail Reporting Program names the recipient in a header of the mail that it sends on.
_MICROSOFT = "X-HmXmrOriginalRecipient"
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "miscategorized", "phishing", "spam"})
_PROVIDER = re.compile(
    r"^(?:fbl|feedback|feedback-?loop|complaints?|scomp|arf|jmrp|abuse-?report\w*|"
    r"spam-?report\w*)(?:[-+._][^@]*)?@|^staff@hotmail\.",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^\W*(?:complaint about message|e-?mail feedback report|abuse (?:report|complaint)|spam (?:report|complaint)|"
    r"feedback report|\[?(?:fbl|arf)\b)",
    re.IGNORECASE,
)
_MOST_RECIPIENTS = 20


def read_complaint(mail: InboundMail) -> tuple[Finding, ...] | None:
    """What a complaint says, one finding per recipient; None when the mail is none."""
    fields = _feedback_fields(mail)
    if fields is not None:
        return _read_fields(mail, fields)
    named = [each for value in _header_anywhere(mail, _MICROSOFT) for each in find_addresses(value)]
    if named:
        return _complaints(named, "a Microsoft junk mail report")
    if _carries_mail(mail) and (_PROVIDER.match(mail.sender) or _SUBJECT.search(mail.subject)) and not mail.named_ids:
        return _complaints(list(_original_recipients(mail)), "a provider's report about a message that it carries")
    return None


def _feedback_fields(mail: InboundMail) -> Fields | None:
    for kind, part in walk_parts(mail.message):
        if kind == "message/feedback-report":
            merged: Fields = {}
            for group in list_groups(part):
                merged |= {name: value for name, value in group.items() if name not in merged}
            return merged
    return None


def _read_fields(mail: InboundMail, fields: Fields) -> tuple[Finding, ...]:
    kind = fields.get("feedback-type", "abuse").strip().lower()
    named = read_address(fields.get("original-rcpt-to", "").rpartition(";")[2])
    recipients = [named] if named else list(_original_recipients(mail))
    if kind in {"opt-out", "opt-out-list"}:
        reason = f"feedback report: {kind}"
        return tuple(Finding(MailKind.OPT_OUT, reason, each, True, intent="opt_out") for each in recipients or [""])
    if kind not in _COMPLAINTS:
        return (
            Finding(MailKind.OTHER, f"a feedback report of type {kind[:40]}, which is no complaint", is_report=True),
        )
    return _complaints(recipients, f"feedback report: {kind}")


def _complaints(recipients: list[str], reason: str) -> tuple[Finding, ...]:
    named = list(dict.fromkeys(recipients))[:_MOST_RECIPIENTS]
    return tuple(Finding(MailKind.COMPLAINT, reason, each, True) for each in named or [""])


def _header_anywhere(mail: InboundMail, name: str) -> Iterator[str]:
    for _, part in walk_parts(mail.message):
        yield from read_headers(part, name)


def _carries_mail(mail: InboundMail) -> bool:
    return any(
        kind in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}
        for kind, part in walk_parts(mail.message)
        if part is not mail.message
    )


def _original_recipients(mail: InboundMail) -> Iterator[str]:
    """The recipients of the message that the report carries."""
    for kind, part in walk_parts(mail.message):
        if kind == "message/rfc822" and part is not mail.message:
            for child in list_children(part)[:1]:
                yield from find_addresses(read_header(child, "To"))
        elif kind in {"text/rfc822-headers", "message/rfc822-headers"}:
            lines = read_text(part).splitlines()[:100]
            yield from find_addresses(" ".join(line[3:] for line in lines if line.lower().startswith("to:")))
