"""Translates anymail's events into the events of this product. Reads no database; imports the words of anymail.

Must not decide what a fact means for an enrollment: the engine does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anymail.signals import EventType as Anymail
from anymail.signals import RejectReason

from common.addresses import normalize_for_search
from emails.choices import BounceType, EventType
from emails.transport.reasons.cause import find_cause
from emails.transport.reasons.matching import find_reply_class, find_status, match_status
from emails.transport.reasons.rule import Outcome

_TYPES = {
    Anymail.DELIVERED: EventType.DELIVERED,
    Anymail.OPENED: EventType.OPENED,
    Anymail.CLICKED: EventType.CLICKED,
    Anymail.COMPLAINED: EventType.COMPLAINED,
    Anymail.UNSUBSCRIBED: EventType.UNSUBSCRIBED,
    Anymail.AUTORESPONDED: EventType.AUTO_REPLIED,
    Anymail.BOUNCED: EventType.BOUNCED,
}
# The ESP took the message and then did not send it, because of something it knows about the recipient.
_REJECTED = {
    RejectReason.SPAM: EventType.COMPLAINED,
    RejectReason.UNSUBSCRIBED: EventType.UNSUBSCRIBED,
    RejectReason.BOUNCED: EventType.BOUNCED,
    RejectReason.INVALID: EventType.BOUNCED,
}
# Facts that only a message which has left can have; a rejection says nothing of the kind.
PROVES_LEFT = frozenset({Anymail.SENT, Anymail.QUEUED, Anymail.DEFERRED})
_KIND_NAMES = frozenset({"event", "type", "Type", "bounceType", "severity", "error", "delivery_status"})
# https://support.sparkpost.com/docs/deliverability/bounce-classification-codes
_SPARKPOST_SOFT = dict.fromkeys(("20", "21", "22", "23", "24", "25", "40", "50", "51", "52", "53", "54", "70"), "soft")
_NOT_ADDRESS = frozenset({"5.2.2", "4.2.2", "5.2.3", "5.3.4"})
_BLOCKED = re.compile(r"block|spam|reputation|policy", re.IGNORECASE)
_HARD = re.compile(r"hard|permanent", re.IGNORECASE)
_SOFT = re.compile(r"soft|transient|tempor|full|quota|defer|delay|timed?[ _-]?out|throttl|greylist", re.IGNORECASE)
_DROPPED = {"signature", "token", "auth", "api_key", "apikey", "secret", "password", "authorization"}
_LONGEST_TEXT, _MOST_ITEMS, _DEEPEST = 2_000, 60, 6
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event that a provider reports. `type` None: nothing that concerns a sequence, `what` says what it is.

    `event_id` is the same whenever the provider reports it again. `message` is our own id if the
    provider returns it.
    """

    type: EventType | None
    what: str
    event_id: str
    occurred_at: datetime | None
    message: int | None
    ids: tuple[str, ...]
    recipient: str
    bounce_type: str
    detail: str
    user_agent: str
    url: str
    payload: Mapping[str, object]


def translate(event: Any) -> ProviderEvent:
    """One of anymail's tracking events."""
    type_ = _TYPES.get(event.event_type)
    if event.event_type in {Anymail.REJECTED, Anymail.FAILED}:
        type_ = _REJECTED.get(event.reject_reason)
    recipient = normalize_for_search(str(event.recipient or ""))
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    ids = [str(found) for found in (event.message_id, metadata.get("message_id")) if found]
    reason_text = " ".join(str(text) for text in (event.description, event.mta_response) if text)
    return ProviderEvent(
        type=type_,
        what=str(event.event_type),
        event_id=_event_id(event, recipient),
        occurred_at=_aware(event.timestamp),
        message=_number(metadata.get("message")),
        ids=tuple(found.strip("<> ") for found in ids),
        recipient=recipient,
        bounce_type=_choose_bounce_type(event, reason_text).value if type_ is EventType.BOUNCED else "",
        detail=(str(event.click_url or "") or reason_text)[:_LONGEST_TEXT],
        user_agent=str(event.user_agent or ""),
        url=str(event.click_url or ""),
        payload=keep_payload(event.esp_event),
    )


def _choose_bounce_type(event: Any, text: str) -> BounceType:
    """By the words of the refusing server, as for reports by mail; else by what the provider itself calls it.

    Unknown never means permanent: a provider's "permanent" counts only where no server's words say otherwise.
    """
    words = " ".join(_kinds(event.esp_event))
    cause = find_cause("", text) if text else None
    if cause is not None and cause.is_certain:
        return BounceType(cause.outcome.value)
    by_status = match_status(find_status(text))
    if by_status.outcome is not Outcome.SOFT:
        return BounceType(by_status.outcome.value)
    if _BLOCKED.search(words) or event.reject_reason in {RejectReason.SPAM, RejectReason.BLOCKED}:
        return BounceType.BLOCKED
    if cause is not None and cause.outcome is Outcome.BLOCKED:
        return BounceType.BLOCKED
    says_hard = bool(_HARD.search(words)) or event.reject_reason == RejectReason.INVALID
    is_final = find_reply_class(text) != "4" and not _SOFT.search(words) and by_status.status not in _NOT_ADDRESS
    return BounceType.HARD if says_hard and is_final else BounceType.SOFT


def _kinds(raw: Any, depth: int = 0) -> Iterator[str]:
    """The words by which providers tell kinds of bounces apart, wherever in their event they stand."""
    if not isinstance(raw, Mapping) or depth > _DEEPEST:
        return
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from _kinds(value, depth + 1)
        elif name == "bounce_class":
            yield _SPARKPOST_SOFT.get(str(value), "")
        elif name == "hard_bounce":
            yield "hard" if value in {True, "true", "1"} else "soft"
        elif name in _KIND_NAMES:
            yield str(value)


def _event_id(event: Any, recipient: str) -> str:
    """The provider's own id with what it may share it between; without one, what makes the event itself."""
    raw = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    inner = raw.get("event-data")
    # Mailgun's id of the event, where anymail takes that of the call
    own = str((inner.get("id") if isinstance(inner, Mapping) else None) or event.event_id or "")
    parts: Iterable[object] = (
        (own, event.event_type, recipient)
        if own
        else (event.event_type, event.message_id, recipient, event.timestamp, event.click_url)
    )
    text = ":".join(str(part or "") for part in parts)
    return text if own and len(text) <= _LONGEST_ID else hashlib.sha256(text.encode()).hexdigest()


def keep_payload(raw: Any, depth: int = 0) -> Any:
    """What a provider sent, bounded, as JSON can hold it, and without what proves that it was the provider."""
    if hasattr(raw, "lists"):
        raw = {name: values[0] if len(values) == 1 else list(values) for name, values in raw.lists()}
    match raw:
        case Mapping() if depth < _DEEPEST:
            return {
                str(name)[:200]: keep_payload(value, depth + 1)
                for name, value in list(raw.items())[:_MOST_ITEMS]
                if str(name).lower() not in _DROPPED
            }
        case list() | tuple() if depth < _DEEPEST:
            return [keep_payload(value, depth + 1) for value in raw[:_MOST_ITEMS]]
        case bool() | int() | float() | None:
            return raw
        case _:
            return str(raw)[:_LONGEST_TEXT]


def _aware(at: Any) -> datetime | None:
    if not isinstance(at, datetime):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isdigit() and len(text) < 19 else None
