"""Answers to invitations: `text/calendar` with METHOD:REPLY or COUNTER (RFC 5546). A person's act. Pure."""

from __future__ import annotations

import re

from emails.inbound.findings import Finding, MailKind
from emails.inbound.parse import InboundMail, own_parts, read_text

_TYPES = frozenset({"text/calendar", "application/ics", "text/x-vcalendar", "application/calendar"})
_METHOD = re.compile(r"^METHOD\s*:\s*(\w+)", re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]")
_ATTENDEE = re.compile(r"^ATTENDEE([^\r\n]{0,1000})", re.IGNORECASE | re.MULTILINE)
_PARTSTAT = re.compile(r"PARTSTAT\s*=\s*\"?([A-Z-]+)", re.IGNORECASE)
_LONGEST = 20_000
_ANSWERS = frozenset({"REPLY", "COUNTER", "DECLINECOUNTER"})
_INTERESTED = frozenset({"ACCEPTED", "TENTATIVE"})


def read_calendar_answer(mail: InboundMail) -> Finding | None:
    """The answer to an invitation; None when the mail is none. It wins over `Auto-Submitted`."""
    for part in own_parts(mail.message):
        if part.get_content_type() not in _TYPES:
            continue
        text = _FOLD.sub("", read_text(part)[:_LONGEST])
        method = _METHOD.search(text)
        name = (method[1] if method else str(part.get_param("method") or "")).upper()
        if name in _ANSWERS:
            return _read(mail, text, name)
    return None


def _read(mail: InboundMail, text: str, method: str) -> Finding:
    lines = [found[1] for found in _ATTENDEE.finditer(text)]
    own = [line for line in lines if mail.sender and mail.sender in line.lower()] or lines
    states = [found[1].upper() for line in own if (found := _PARTSTAT.search(line))]
    state = states[0] if states else ""
    is_positive = state in _INTERESTED or method == "COUNTER"
    said = state.lower().replace("-", " ") if state else "answered"
    if method == "COUNTER":
        said = "another time is proposed"
    return Finding(MailKind.CALENDAR, f"calendar answer: {said}", intent="interested" if is_positive else "unclear")
