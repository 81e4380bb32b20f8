"""From what mails say to the facts that are stored: what has a permanent effect, and what only a note. No database.

A report has a permanent effect only when it names one of our messages and that message's recipient; a mail whose From
domain disowns it (`dmarc=fail`) never has one. What lacks the proof is kept as a soft bounce or a note, with its
reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, tzinfo

from emails.choices import BounceType, EventType, Verdict
from emails.facts.events import NewEvent
from emails.inbound.authentication import Authentication
from emails.inbound.findings import Finding, MailKind
from emails.inbound.match import Concern
from emails.inbound.parse import InboundMail
from emails.inbound.written import read_written

_FORGED = "the sender's domain disowns the mail (dmarc=fail)"
_UNPROVEN = "the report names no message of ours to this recipient"
_BOUNCES = {
    MailKind.HARD_BOUNCE: BounceType.HARD,
    MailKind.BLOCKED: BounceType.BLOCKED,
    MailKind.SOFT_BOUNCE: BounceType.SOFT,
}
_REPLIES = frozenset({MailKind.REPLY, MailKind.CALENDAR, MailKind.POSSIBLE_OPT_OUT})
_TEXT_KEPT = 500
_BODY_KEPT = 20_000
_MACHINES = frozenset({EventType.AUTO_REPLIED, EventType.AUTOMATED, EventType.LEFT_COMPANY})


def build_event(concern: Concern, mailbox_id: int, provider: str, zone: tzinfo) -> NewEvent | None:
    """The fact that one finding becomes; None where nothing is stored. `zone`: in which a day of return is meant."""
    mail, finding = concern.received.mail, concern.finding
    authentication = concern.received.authentication
    objection = _find_objection(concern, authentication)
    kind = _choose_type(finding, is_unproven=bool(objection))
    if kind is None:
        return None
    bounce_type = _choose_bounce(finding, is_unproven=bool(objection)) if kind is EventType.BOUNCED else None
    is_machine = kind in _MACHINES
    until_at = None
    if kind is EventType.AUTO_REPLIED and finding.until is not None and not finding.until_is_assumed:
        until_at = datetime.combine(finding.until, time.min, tzinfo=zone)
    return NewEvent(
        type=kind,
        provider=provider,
        provider_event_id=_event_id(mailbox_id, mail, kind, finding.recipient),
        occurred_at=concern.received.received_at,
        message_pk=concern.message_pk,
        contact_id=concern.contact_id,
        mailbox_id=mailbox_id,
        bounce_type=bounce_type.value if bounce_type else "",
        verdict=Verdict.MACHINE if is_machine else Verdict.HUMAN,
        verdict_reason="an automatic answer" if is_machine else "",
        until_at=until_at,
        detail=_detail(mail, finding, kind, objection),
        payload=_payload(mail, finding, authentication, objection, concern),
        written=read_written(mail, finding, authentication, is_forged=authentication.is_forged),
    )


def _event_id(mailbox_id: int, mail: InboundMail, kind: EventType, recipient: str) -> str:
    # several facts of one mail differ by kind and recipient
    suffix = "" if kind is EventType.REPLIED else f":{kind}:{recipient}".rstrip(":")
    return f"{mailbox_id}:{mail.identity}{suffix}"[:255]


def _find_objection(concern: Concern, authentication: Authentication) -> str:
    """Why the mail has no permanent effect; empty when it may have one."""
    if authentication.is_forged:
        return _FORGED
    return _UNPROVEN if concern.finding.is_report and not concern.is_proven else ""


def _choose_type(finding: Finding, *, is_unproven: bool) -> EventType | None:
    kind = finding.kind
    if kind in _BOUNCES:
        return EventType.BOUNCED
    if kind in _REPLIES:
        return EventType.REPLIED
    if finding.is_delivery:
        return EventType.DELIVERED
    match kind:
        case MailKind.OPT_OUT if is_unproven:
            return EventType.AUTOMATED if finding.is_report else EventType.REPLIED
        case MailKind.OPT_OUT:
            return EventType.UNSUBSCRIBED
        case MailKind.LEFT_COMPANY:
            return EventType.AUTO_REPLIED if is_unproven else EventType.LEFT_COMPANY
        case MailKind.OUT_OF_OFFICE:
            return EventType.AUTO_REPLIED
        case MailKind.COMPLAINT if not is_unproven:
            return EventType.COMPLAINED
        case MailKind.LIST:
            return None
    return EventType.AUTOMATED


def _choose_bounce(finding: Finding, *, is_unproven: bool) -> BounceType:
    return BounceType.SOFT if is_unproven else _BOUNCES[finding.kind]


def _detail(mail: InboundMail, finding: Finding, kind: EventType, objection: str) -> str:
    """One line for the timeline."""
    if kind in {EventType.REPLIED, EventType.UNSUBSCRIBED} and not finding.is_report:
        return (mail.new_text or mail.subject)[:_TEXT_KEPT]
    said = finding.reason
    if finding.status and finding.status not in said:
        said = f"{finding.status} {said}"
    if kind is EventType.AUTOMATED:
        said = f"{finding.kind.replace('_', ' ')}: {said}"
    if finding.successor:
        said = f"{said}; names {finding.successor} instead"
    return f"{said}; no permanent effect: {objection}"[:_TEXT_KEPT] if objection else said[:_TEXT_KEPT]


def _payload(
    mail: InboundMail, finding: Finding, authentication: Authentication, objection: str, concern: Concern
) -> Mapping[str, object]:
    intent = "possible_opt_out" if objection and finding.kind is MailKind.OPT_OUT else finding.intent
    kept: dict[str, object] = {
        "from": mail.sender,
        "subject": mail.subject[:500],
        "message_id": mail.header("Message-ID")[:500],
        "date": mail.header("Date")[:100],
        "names": list(mail.named_ids[:10]),
        "kind": finding.kind.value,
        "reason": finding.reason[:_TEXT_KEPT],
        "text": mail.new_text[:_BODY_KEPT],
        "authentication": {
            "header": authentication.header,
            "spf": authentication.spf,
            "dkim": authentication.dkim,
            "dmarc": authentication.dmarc,
            "is_authenticated": authentication.is_authenticated,
        },
    }
    found: dict[str, object] = {
        "quoted": mail.quoted_text[:_BODY_KEPT],
        "intent": intent,
        "until": finding.until.isoformat() if finding.until else "",
        "until_is_assumed": finding.until_is_assumed,
        "referral": finding.referral,
        "successor": finding.successor,
        "status": finding.status,
        "recipient": finding.recipient,
        "no_permanent_effect": objection,
        "limits": list(mail.limits),
        "reply_to": mail.header("Reply-To")[:500],
    }
    return kept | {name: value for name, value in found.items() if value}
