"""Reads the reports of machines: delivery status notifications (RFC 3464) and the bounces that look like none, and
complaints (ARF, RFC 5965). Pure.

A bounce never suppresses on a guess: a mailbox that is full, or a policy that refused the text, is a soft one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

from flufl.bounce import all_failures

from emails.choices import BounceType, ErrorClass, EventType
from emails.inbound.findings import Finding
from emails.inbound.parse import InboundMail, list_children, read_address, read_header, read_text, walk_parts
from emails.transport.errors import Stage, classify_smtp, tidy_error

_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_FULL_STATUS = re.compile(r"(?<![\d.])([45])\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_DAEMON = re.compile(r"^(mailer-daemon|postmaster|mail-?daemon|mdaemon|microsoftexchange[0-9a-f]*|bounces?)@", re.I)
_FAILURE_SUBJECT = re.compile(
    r"undeliver|delivery (status notification|failure|has failed|failed|error)|failure notice|returned mail|"
    r"mail delivery (failed|system)|message not delivered|could not be delivered|unzustellbar|nicht zugestellt|"
    r"non remis|échec de (la )?remise|no se puede entregar|no entregado|mancato recapito|niet bezorgd|onbestelbaar",
    re.IGNORECASE,
)
# "Re: Returned mail" is somebody talking about it.
_ANSWERS = re.compile(r"^\W*(re|aw|antw|sv|vs|rv|res|rif|fwd?|wg|tr|enc|doorst)\s*(\[\d+\])?\s*:", re.IGNORECASE)
_DELAY = re.compile(
    r"\(delay\)|\bdelayed\b|warning message only|will be retried|(will|to) (keep|continue) (on )?(trying|to try)|"
    r"not yet been delivered|could not be delivered yet|do not need to resend|verzögert|retardé",
    re.IGNORECASE,
)
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "miscategorized"})
_LONGEST_DETAIL = 300
_ASCII = bytes(range(128)) + b"?" * 128
_FIELDS_TEXT = 20_000
_DELAY_TEXT = 1_000


def read_complaint(mail: InboundMail) -> tuple[Finding, ...] | None:
    """What a feedback report says; None when the mail is none. Reports of other matters say nothing."""
    for kind, part in walk_parts(mail.message):
        if kind != "message/feedback-report":
            continue
        fields = _read_fields(part)
        subject = fields.get("feedback-type", "abuse").lower()
        recipient = read_address(fields.get("original-rcpt-to", "").removeprefix("rfc822;"))
        if subject == "opt-out":
            return (Finding(EventType.UNSUBSCRIBED, recipient, is_report=True, detail="feedback report: opt-out"),)
        if subject not in _COMPLAINTS:
            return ()
        return (Finding(EventType.COMPLAINED, recipient, is_report=True, detail=f"feedback report: {subject}"),)
    return None


def read_bounce(mail: InboundMail) -> tuple[Finding, ...] | None:
    """What a delivery report says, one finding per recipient; None when the mail is none. Delays say nothing."""
    reports = [part for kind, part in walk_parts(mail.message) if kind == "message/delivery-status"]
    groups = [group for part in reports for group in _groups(part)]
    if groups:
        return tuple(finding for group in groups if (finding := _read_recipient(group)) is not None)
    is_daemon = bool(_DAEMON.match(mail.sender))
    says_so = bool(_FAILURE_SUBJECT.search(mail.subject)) and not _ANSWERS.match(mail.subject)
    if not (is_daemon or says_so or mail.has("X-Failed-Recipients")):
        return None
    found = _read_free_text(mail)
    # people write about undelivered mail too, some of them as postmaster: a missed answer is worse than a wrong one
    return None if not found and (mail.named_ids or not is_daemon) and not _is_delay(mail) else found


def _groups(part: Message[Any, Any]) -> Iterator[dict[str, str]]:
    for fields in list_children(part):
        yield {name.lower(): read_header(fields, name) for name in fields}


def _read_recipient(fields: dict[str, str]) -> Finding | None:
    """One recipient's fields (RFC 3464 section 2.3); None for the fields of the whole message and for delays."""
    named = fields.get("original-recipient") or fields.get("final-recipient") or ""
    recipient = read_address(named.partition(";")[2].strip())
    action = fields.get("action", "").lower()
    if action == "delivered":
        return Finding(EventType.DELIVERED, recipient, is_report=True, detail="delivery report")
    status = _STATUS.search(fields.get("status", ""))
    if action != "failed" and not (status and not action and status[1] in "45"):
        return None
    said = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get("diagnostic-code", "")
    return _judge(recipient, status[0] if status else "", said)


def _judge(recipient: str, status: str, said: str) -> Finding:
    """5.x.x is hard unless it is certainly not about the address; 4.x.x and what has no status are soft."""
    cited = _FULL_STATUS.search(said)
    # the reporting server's own status is often the vague 5.0.0 when the refusing server was precise
    status = cited[0] if cited and (not status or status.endswith(".0.0")) else status
    detail = tidy_error(" ".join(filter(None, [status, said.removeprefix(status)])), limit=_LONGEST_DETAIL)
    is_hard = False
    if status.startswith("5"):
        code = re.search(r"\b5\d\d\b", said)
        verdict = classify_smtp(int(code[0]) if code else 550, f"{status} {said}", Stage.RCPT).error_class
        is_hard = verdict in {ErrorClass.RECIPIENT_PERMANENT, ErrorClass.UNCLASSIFIED}
    return Finding(
        EventType.BOUNCED,
        recipient,
        is_report=True,
        bounce_type=BounceType.HARD if is_hard else BounceType.SOFT,
        detail=detail,
    )


def _read_free_text(mail: InboundMail) -> tuple[Finding, ...]:
    text = "\n".join(read_text(part)[:_FIELDS_TEXT] for kind, part in walk_parts(mail.message) if kind == "text/plain")
    cited = _FULL_STATUS.search(text)
    status = cited[0] if cited else ""
    line = next((line.strip() for line in text.split("\n") if status and status in line), mail.subject)
    temporary, permanent = _find_failures(mail)
    if not permanent and _is_delay(mail):
        return ()
    findings = [
        _judge(address.decode(errors="replace").lower(), status or ("5.0.0" if is_permanent else "4.0.0"), line)
        for addresses, is_permanent in ((permanent, True), (temporary - permanent, False))
        for address in sorted(addresses)
    ]
    if findings:
        return tuple(findings)
    failed = read_address(mail.header("X-Failed-Recipients"))
    return (_judge(failed, status, line),) if status or failed else ()


def _find_failures(mail: InboundMail) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """(temporary, permanent) failures that the shapes of known servers give away."""
    # its detectors want the older kind of parser, and fail on headers that are not ASCII
    try:
        temporary, permanent = all_failures(message_from_bytes(mail.raw.translate(_ASCII)))
    except (LookupError, ValueError, AttributeError, TypeError):
        # some take for granted what a damaged mail has not
        return frozenset(), frozenset()
    return temporary, permanent


def _is_delay(mail: InboundMail) -> bool:
    """It is still being tried; that says nothing yet."""
    return bool(_DELAY.search(f"{mail.subject}\n{mail.new_text[:_DELAY_TEXT]}"))


def _read_fields(part: Message[Any, Any]) -> dict[str, str]:
    """The fields of a feedback report, whether the parser took it for a mail or for text."""
    source = next(iter(list_children(part)), part)
    if source is not part and (fields := {name.lower(): read_header(source, name) for name in source}):
        return fields
    text = read_text(source) or str(source.get_payload())
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
