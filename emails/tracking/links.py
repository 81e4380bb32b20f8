"""Signed links that lead back to us: open pixel, click, unsubscribe. Signs and reads tokens, stores what they bring.

A click's token carries its signed target, so the redirect is never an open one. Pixel and click expire; the link to
unsubscribe never does, since the law wants it to work. A key that was replaced keeps verifying as long as it stands in
`SECRET_KEY_FALLBACKS`.
"""

from __future__ import annotations

import hmac
import html
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from urllib.parse import quote

from django.conf import settings
from django.core import signing
from django.utils.encoding import force_bytes

from emails.choices import EventType, Verdict
from emails.facts.events import NewEvent, record_events
from emails.models import EmailMessage, Suppression
from emails.tracking.visits import CLASSIFIED_AFTER, RULES_VERSION, Visit, classify_at_once

_OPEN, _CLICK, _UNSUBSCRIBE = "emails.open", "emails.click", "emails.unsubscribe"
_UNSUBSCRIBE_LINK = re.compile(r"/u/([A-Za-z0-9_:.-]+)>")
_UNSUBSCRIBE_SUBJECT = re.compile(r"\bunsubscribe\s+([A-Za-z0-9_.-]+:[A-Za-z0-9_-]{20,})", re.IGNORECASE)
_CLICK_LINK = re.compile(r'href="[^"]*/t/c/([A-Za-z0-9_:.-]+)/?"')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadTokenError(ValueError):
    """Not one of our links, or cut off on its way."""


class ExpiredError(ValueError):
    """One of our links, and too old; `url` is where it led."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        super().__init__(f"this link is older than {settings.TRACKING_LINK_DAYS} days")


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is looked at of a request, and all that is kept of it: no address, no cookie.

    `is_private`: asked not to be tracked (Sec-GPC, DNT); then nothing is kept.
    """

    method: str
    user_agent: str
    is_private: bool = False


def open_pixel_url(message_pk: int, now: datetime) -> str:
    return f"{_base()}/t/o/{_sign(_OPEN, [message_pk, _day(now)])}.gif"


def click_url(message_pk: int, url: str, now: datetime) -> str:
    return f"{_base()}/t/c/{_sign(_CLICK, [message_pk, url, _day(now)])}"


def unsubscribe_url(message_pk: int) -> str:
    return f"{_base()}/u/{_sign(_UNSUBSCRIBE, [message_pk])}"


def unsubscribe_mailto(message_pk: int, mailbox_address: str) -> str:
    """A mail to our own mailbox whose subject opts the recipient out (RFC 2369); inbound reads it."""
    subject = f"unsubscribe {_sign(_UNSUBSCRIBE, [message_pk])}"
    return f"mailto:{quote(mailbox_address, safe='@')}?subject={quote(subject, safe=':')}"


def find_unsubscribed_message(subject: str) -> int | None:
    """The message that a mail with this subject opts out of, as `unsubscribe_mailto` asked for; None for other mails.

    The signature proves that the writer had the email, whatever address the mail comes from.
    """
    found = _UNSUBSCRIBE_SUBJECT.search(subject)
    try:
        return _message_pk(_read(_UNSUBSCRIBE, found[1])) if found else None
    except BadTokenError:
        return None


def lead_straight(document: str) -> str:
    """An email for display with its original links: its viewer is not its recipient."""
    return _CLICK_LINK.sub(_lead_straight, document)


def _lead_straight(link: re.Match[str]) -> str:
    try:
        return f'href="{html.escape(str(_read(_CLICK, link[1])[1]))}"'
    except BadTokenError:
        return link[0]


def _base() -> str:
    return str(settings.PUBLIC_BASE_URL).rstrip("/")


def _day(now: datetime) -> int:
    return (now - _EPOCH).days


def _moment(now: datetime) -> int:
    """Visits within it are one; a person who comes after a scanner was classified is not taken for it."""
    return int(now.timestamp() // CLASSIFIED_AFTER.total_seconds())


class _QuickSigner(signing.Signer):
    """Django's signatures, byte for byte, with the key derived once instead of once a link."""

    @cached_property
    def _derived(self) -> bytes:
        return sha256(force_bytes(self.salt) + b"signer" + force_bytes(self.key)).digest()

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        if key is not None:
            return super().signature(value, key)
        return signing.b64_encode(hmac.digest(self._derived, force_bytes(value), "sha256")).decode()


@lru_cache(maxsize=16)
def _signer(salt: str, secret_key: str) -> _QuickSigner:
    return _QuickSigner(salt=salt, key=secret_key)


def _sign(salt: str, value: list[object]) -> str:
    # numbers alone never get shorter
    return _signer(salt, settings.SECRET_KEY).sign_object(value, compress=any(isinstance(v, str) for v in value))


def _read(salt: str, token: str) -> list[object]:
    try:
        value: list[object] = signing.Signer(salt=salt).unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise BadTokenError("this link is not complete: copy it again from the email") from None
    return value


def _is_expired(day: object, now: datetime) -> bool:
    # links of before there was an expiry carry no day
    return isinstance(day, int) and now > _EPOCH + timedelta(days=day + settings.TRACKING_LINK_DAYS)


def record_open(token: str, visitor: Visitor, now: datetime) -> None:
    """Store that the pixel was fetched, once in 15 seconds. Raises `BadTokenError`; an expired one stores nothing."""
    value = _read(_OPEN, token)
    message_pk = _message_pk(value)
    if not _is_expired(value[1] if len(value) > 1 else None, now):
        _record_visit(EventType.OPENED, message_pk, f"open:{message_pk}:{_moment(now)}", visitor, now, "")


def record_click(token: str, visitor: Visitor, now: datetime) -> str:
    """Store the click, once in 15 seconds and link; return where it leads. Raises `BadTokenError`, `ExpiredError`."""
    value = _read(_CLICK, token)
    message_pk, url = _message_pk(value), str(value[1])
    if _is_expired(value[2] if len(value) > 2 else None, now):
        raise ExpiredError(url)
    event_id = f"click:{message_pk}:{_moment(now)}:{token[-16:]}"
    _record_visit(EventType.CLICKED, message_pk, event_id, visitor, now, url)
    return url


def find_unsubscribing(token: str) -> str:
    """The address that a link unsubscribes. Raises `BadTokenError`."""
    message_pk = _message_pk(_read(_UNSUBSCRIBE, token))
    recipient: str | None = EmailMessage.objects.filter(pk=message_pk).values_list("recipient", flat=True).first()
    if recipient is None:
        raise BadTokenError("this email is not known any more: reply to it with the word unsubscribe")
    return recipient


def unsubscribe(token: str, now: datetime) -> str:
    """Suppress the address and stop its sequences, at once (RFC 8058). Twice is once. Returns the address.

    Who was taken off the list since, by a person or in time, is put there again. Raises `BadTokenError`.
    """
    recipient = find_unsubscribing(token)
    message_pk = _message_pk(_read(_UNSUBSCRIBE, token))
    event = NewEvent(
        type=EventType.UNSUBSCRIBED,
        provider="link",
        provider_event_id=f"unsubscribe:{message_pk}",
        occurred_at=now,
        message_pk=message_pk,
        detail="the unsubscribe link",
    )
    if not record_events([event], now) and not _is_suppressed(message_pk):
        record_events([replace(event, provider_event_id=f"unsubscribe:{message_pk}:{now.timestamp():.6f}")], now)
    return recipient


def _is_suppressed(message_pk: int) -> bool:
    """For good, that is."""
    workspace_id, recipient = EmailMessage.objects.values_list("workspace_id", "recipient").get(pk=message_pk)
    rows = Suppression.objects.filter(workspace=workspace_id, email=recipient.lower(), expires_at=None)
    return rows.exists()


def is_ours(list_unsubscribe: str) -> bool:
    """Whether a mail with this List-Unsubscribe header is one that we sent, whatever became of its Message-ID."""
    found = _UNSUBSCRIBE_LINK.search(list_unsubscribe)
    if found is None:
        return False
    try:
        _read(_UNSUBSCRIBE, found[1])
    except BadTokenError:
        return False
    return True


def _message_pk(value: list[object]) -> int:
    if not value or not isinstance(value[0], int):
        raise BadTokenError("this link is not complete: copy it again from the email")
    return value[0]


def _record_visit(kind: EventType, message_pk: int, event_id: str, visitor: Visitor, now: datetime, url: str) -> None:
    if visitor.is_private:
        return
    handed_over_at = EmailMessage.objects.filter(pk=message_pk).values_list("handed_over_at", flat=True).first()
    found = classify_at_once(Visit(visitor.method, visitor.user_agent, now, handed_over_at))
    # A machine's visit must not take the place of a person's in the same minute.
    suffix = ":machine" if found.verdict is Verdict.MACHINE else ""
    event = NewEvent(
        type=kind,
        provider="tracking",
        provider_event_id=event_id + suffix,
        occurred_at=now,
        message_pk=message_pk,
        verdict=found.verdict,
        verdict_reason=found.reason,
        confidence=found.confidence,
        rules_version=RULES_VERSION,
        detail=url,
        payload={"user_agent": visitor.user_agent[:300], "method": visitor.method},
    )
    record_events([event], now)
