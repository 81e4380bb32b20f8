"""From a mail that a person wrote to what is kept of it: text, quoted text, HTML as text, a list of attachments.

Automatic mail, reports and the opt-outs that mail programs send by themselves are not written by a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.utils import parseaddr
from typing import Any

from emails.choices import ReplyIntent
from emails.facts.replies import Attachment, WrittenMail
from emails.inbound.authentication import Authentication
from emails.inbound.automatic import find_automatic_mark, is_program_opt_out
from emails.inbound.body import html_as_text, read_bodies
from emails.inbound.findings import Finding, MailKind
from emails.inbound.parse import InboundMail, decode_text, own_parts, read_text, walk_parts

_WRITTEN = frozenset({MailKind.REPLY, MailKind.CALENDAR, MailKind.OPT_OUT, MailKind.POSSIBLE_OPT_OUT})
_MOST_ATTACHMENTS = 100
_MOST_COMMENTS = 20
_MOST_IDS = 50
_INTENTS = frozenset(intent.value for intent in ReplyIntent)


def read_written(
    mail: InboundMail, finding: Finding, authentication: Authentication, *, is_forged: bool = False
) -> WrittenMail | None:
    """What is kept of the mail; None when no person wrote it.

    `is_forged`: the From domain disowns it, so that an opt-out in it is one that a user has to decide about.
    """
    if not _is_by_person(mail, finding):
        return None
    html = read_bodies(own_parts(mail.message), read_text)[1]
    intent = ReplyIntent(finding.intent) if finding.intent in _INTENTS else ReplyIntent.UNCLEAR
    if is_forged and intent is ReplyIntent.OPT_OUT:
        intent = ReplyIntent.POSSIBLE_OPT_OUT
    return WrittenMail(
        sender=mail.sender,
        sender_name=_read_name(mail.header("From")),
        subject=mail.subject,
        header_id=mail.identity if mail.identity.startswith("<") else "",
        answered_ids=tuple(reversed(mail.named_ids[:_MOST_IDS])),
        header_date=mail.header("Date"),
        text=mail.new_text,
        quoted=mail.quoted_text,
        html_text=html_as_text(html) if html.strip() else "",
        attachments=tuple(_list_attachments(mail)),
        kind=finding.kind.value,
        intent=intent,
        intent_reason=finding.reason,
        until=finding.until if intent is ReplyIntent.NOT_NOW else None,
        referral=finding.referral or finding.successor,
        authentication={
            "spf": authentication.spf,
            "dkim": authentication.dkim,
            "dmarc": authentication.dmarc,
            "is_authenticated": authentication.is_authenticated,
        },
    )


def _read_name(header: str) -> str:
    """The display name of a From header, "" behind more comments than people write: `parseaddr` recurses into each."""
    return parseaddr(header)[0] if header.count("(") <= _MOST_COMMENTS else ""


def _is_by_person(mail: InboundMail, finding: Finding) -> bool:
    if finding.is_report:
        return False
    if finding.kind is MailKind.LEFT_COMPANY:
        return not find_automatic_mark(mail)
    return finding.kind in _WRITTEN and not is_program_opt_out(mail)


def _list_attachments(mail: InboundMail) -> Iterator[Attachment]:
    found = 0
    for kind, part in walk_parts(mail.message):
        name = _file_name(part)
        if part is mail.message or part.get_content_maintype() == "multipart" or not (name or _is_file(part, kind)):
            continue
        found += 1
        if found > _MOST_ATTACHMENTS:
            return
        yield Attachment(name or kind, kind, _size(part))


def _is_file(part: Message[Any, Any], kind: str) -> bool:
    return kind == "message/rfc822" or str(part.get("Content-Disposition", "")).lower().startswith("attachment")


def _file_name(part: Message[Any, Any]) -> str:
    try:
        return decode_text(str(part.get_filename() or ""))
    except (LookupError, ValueError, TypeError, AttributeError):
        # a damaged parameter
        return ""


def _size(part: Message[Any, Any]) -> int:
    payload = part.get_payload(decode=True)
    return len(payload) if isinstance(payload, bytes) else 0
