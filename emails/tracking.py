"""Signed links that lead back to us: open pixel, click, unsubscribe. Signs and reads tokens, stores what they bring.

A click's token carries its signed target, so the redirect is never an open one.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core import signing

from emails.choices import EventType, Verdict
from emails.events import NewEvent, record_events
from emails.models import EmailMessage
from emails.verdicts import judge_visit

_OPEN, _CLICK, _UNSUBSCRIBE = "emails.open", "emails.click", "emails.unsubscribe"


class BadTokenError(ValueError):
    """Not one of our links, or cut off on its way."""


def open_pixel_url(message_pk: int) -> str:
    return f"{_base()}/t/o/{_sign(_OPEN, [message_pk])}.gif"


def click_url(message_pk: int, url: str) -> str:
    return f"{_base()}/t/c/{_sign(_CLICK, [message_pk, url])}"


def unsubscribe_url(message_pk: int) -> str:
    return f"{_base()}/u/{_sign(_UNSUBSCRIBE, [message_pk])}"


def _base() -> str:
    return str(settings.PUBLIC_BASE_URL).rstrip("/")


def _sign(salt: str, value: list[object]) -> str:
    return signing.Signer(salt=salt).sign_object(value, compress=True)


def _read(salt: str, token: str) -> list[object]:
    try:
        value: list[object] = signing.Signer(salt=salt).unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise BadTokenError("this link is not complete: copy it again from the email") from None
    return value


def record_open(token: str, method: str, user_agent: str, now: datetime) -> None:
    """Store that the pixel was fetched, once a minute. Raises `BadTokenError`."""
    message_pk = _message_pk(_read(_OPEN, token))
    _record_visit(EventType.OPENED, message_pk, f"open:{message_pk}:{now:%Y%m%d%H%M}", method, user_agent, now, "")


def record_click(token: str, method: str, user_agent: str, now: datetime) -> str:
    """Store the click, once a minute and link, and return where it leads. Raises `BadTokenError`."""
    value = _read(_CLICK, token)
    message_pk, url = _message_pk(value), str(value[1])
    event_id = f"click:{message_pk}:{now:%Y%m%d%H%M}:{token[-16:]}"
    _record_visit(EventType.CLICKED, message_pk, event_id, method, user_agent, now, url)
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

    Raises `BadTokenError`.
    """
    recipient = find_unsubscribing(token)
    message_pk = _message_pk(_read(_UNSUBSCRIBE, token))
    record_events(
        [
            NewEvent(
                type=EventType.UNSUBSCRIBED,
                provider="link",
                provider_event_id=f"unsubscribe:{message_pk}",
                occurred_at=now,
                message_pk=message_pk,
                detail="the unsubscribe link",
            )
        ],
        now,
    )
    return recipient


def _message_pk(value: list[object]) -> int:
    if not value or not isinstance(value[0], int):
        raise BadTokenError("this link is not complete: copy it again from the email")
    return value[0]


def _record_visit(
    kind: EventType, message_pk: int, event_id: str, method: str, user_agent: str, now: datetime, url: str
) -> None:
    handed_over_at = EmailMessage.objects.filter(pk=message_pk).values_list("handed_over_at", flat=True).first()
    verdict, reason = judge_visit(method, user_agent, now, handed_over_at)
    # A machine's visit must not take the place of a person's in the same minute.
    suffix = ":machine" if verdict is Verdict.MACHINE else ""
    event = NewEvent(
        type=kind,
        provider="tracking",
        provider_event_id=event_id + suffix,
        occurred_at=now,
        message_pk=message_pk,
        verdict=verdict,
        verdict_reason=reason,
        detail=url,
        payload={"user_agent": user_agent[:300]},
    )
    record_events([event], now)
