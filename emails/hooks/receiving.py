"""One call of a provider: authenticated, read, and stored. A fact is stored once however often it is reported.

What cannot be understood, or is about nothing of ours, is kept as a `HookRecord`; the provider is thanked all the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import requests
from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from common.db import Row, fetch_all
from emails.choices import EventType, Verdict
from emails.facts.events import NewEvent, record_events
from emails.facts.evidence import Proof, resolve_proven
from emails.hooks.providers import Kind, build_view, find_hook, find_secret
from emails.hooks.translating import PROVES_LEFT, ProviderEvent, keep_payload, translate
from emails.inbound.imap import FETCHED_BYTES, FetchedMail
from emails.inbound.polling import note_read, store_mails
from emails.models import HookRecord, Mailbox
from emails.tracking.visits import RULES_VERSION, Visit, VisitVerdict, classify_at_once

log = logging.getLogger(__name__)


class UnauthenticatedError(Exception):
    """The call is not the provider's; one line that names what is wrong, without secrets."""


class TryAgainError(Exception):
    """The rest of the mail could not be fetched from the provider just now."""


def receive_call(mailbox: Mailbox, kind: Kind, request: HttpRequest, url: str, now: datetime) -> None:
    """Check the signature, store what it brings. Nothing is kept after `UnauthenticatedError` and `TryAgainError`."""
    hook = find_hook(mailbox.transport, kind)
    if hook is None:
        raise UnauthenticatedError(f"{mailbox.get_transport_display()} has no {kind} webhook")
    secret = find_secret(mailbox.credentials or {}, hook, kind)
    if not secret:
        raise UnauthenticatedError(
            f"the mailbox has no secret for {kind} webhooks: store webhook_secret in its credentials"
        )
    if not request.body:
        raise UnauthenticatedError("the body is empty")
    try:
        view = build_view(hook, secret, mailbox.credentials or {}, url)
    except (ValueError, TypeError):
        raise UnauthenticatedError("the stored webhook_secret has not the form that this provider uses") from None
    try:
        view.run_validators(request)
    except (
        AnymailWebhookValidationFailure,
        AnymailError,
        MultiPartParserError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ):
        raise UnauthenticatedError("the signature is missing or wrong") from None
    try:
        events = view.parse_events(request)
    except requests.RequestException as error:
        raise TryAgainError(f"the mail could not be fetched: {type(error).__name__}") from None
    except (
        AnymailError,
        AttributeError,
        IndexError,
        KeyError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        log.warning("a webhook of mailbox %s cannot be read: %s", mailbox.pk, type(error).__name__)
        _keep(mailbox, [("cannot be read", {"body": _read_raw(request)})], now)
        return
    if kind is Kind.INBOUND or _brings_mail(events):
        _receive_mails(mailbox, events, now)
    else:
        _receive_news(mailbox, events, now)


def _read_raw(request: HttpRequest) -> Any:
    """The call as far as its form is known: only by its fields can what proves the sender be left out."""
    if request.POST:
        return keep_payload(request.POST)
    try:
        return keep_payload(json.loads(request.body))
    except (ValueError, RecursionError):
        return {"content_type": request.content_type, "bytes": len(request.body)}


def _brings_mail(events: Sequence[Any]) -> bool:
    """Mandrill has one webhook for both."""
    return any(getattr(event, "message", None) is not None for event in events)


def _receive_mails(mailbox: Mailbox, events: Sequence[Any], now: datetime) -> None:
    mails, others = [], []
    for number, event in enumerate(events):
        message = getattr(event, "message", None)
        if message is None:
            others.append((str(event.event_type), keep_payload(event.esp_event)))
        else:
            mails.append(FetchedMail(number, min(event.timestamp or now, now), message.as_bytes()[:FETCHED_BYTES]))
    store_mails(mails, mailbox, now, provider=mailbox.transport)
    note_read(mailbox.pk, now)
    _keep(mailbox, others, now)


def _receive_news(mailbox: Mailbox, events: Sequence[Any], now: datetime) -> None:
    reported = [translate(event) for event in events]
    found = _find_messages(mailbox, reported)
    facts, kept, proofs = [], [], []
    for each in reported:
        message = _match(each, found)
        if message is None:
            kept.append((f"{each.what}: about no message of this mailbox", dict(each.payload)))
        elif each.type is not None:
            facts.append(_fact(each, message, mailbox, now))
        elif each.what in PROVES_LEFT:
            left = Proof(message["id"], each.occurred_at or now, mailbox.transport, f"the provider says {each.what}")
            proofs.append((message["enrollment_id"], left))
        else:
            kept.append((f"{each.what}: nothing that concerns a sequence", dict(each.payload)))
    record_events(facts, now)
    resolve_proven(proofs, now)
    _keep(mailbox, kept, now)


_FIND = """
SELECT m.id, m.enrollment_id, m.handed_over_at, lower(m.recipient) AS recipient,
       trim(BOTH '<>' FROM m.message_id) AS header_id, trim(BOTH '<>' FROM m.provider_message_id) AS provider_id
FROM emails_emailmessage m
WHERE m.mailbox_id = %(mailbox)s AND m.handed_over_at IS NOT NULL
  AND (m.id = ANY(%(messages)s::bigint[]) OR m.message_id = ANY(%(header_ids)s::text[])
       OR trim(BOTH '<>' FROM m.provider_message_id) = ANY(%(ids)s::text[]))
"""


def _find_messages(mailbox: Mailbox, reported: Sequence[ProviderEvent]) -> list[Row]:
    """Of this mailbox alone: the secret of one webhook gives no right to report on other mailboxes' messages."""
    ids = sorted({found for each in reported for found in each.ids})
    messages = sorted({each.message for each in reported if each.message is not None})
    if not ids and not messages:
        return []
    header_ids = [f"<{found}>" for found in ids]
    return fetch_all(_FIND, {"mailbox": mailbox.pk, "messages": messages, "header_ids": header_ids, "ids": ids})


def _match(reported: ProviderEvent, found: Sequence[Row]) -> Row | None:
    fits = [row for row in found if row["id"] == reported.message]
    fits = fits or [row for row in found if {row["header_id"], row["provider_id"]} & set(reported.ids)]
    # one provider's id may stand for several recipients
    exact = [row for row in fits if not reported.recipient or row["recipient"] == reported.recipient]
    return next(iter(exact), None)


def _fact(reported: ProviderEvent, message: Row, mailbox: Mailbox, now: datetime) -> NewEvent:
    verdict = VisitVerdict(Verdict.HUMAN, "", 100)
    occurred_at = min(reported.occurred_at or now, now)
    assert reported.type is not None
    if reported.type in {EventType.OPENED, EventType.CLICKED}:
        verdict = classify_at_once(Visit("GET", reported.user_agent, occurred_at, message["handed_over_at"]))
    elif reported.type is EventType.AUTO_REPLIED:
        verdict = VisitVerdict(Verdict.MACHINE, "an automatic answer", 90)
    return NewEvent(
        type=reported.type,
        provider=mailbox.transport,
        provider_event_id=f"{mailbox.pk}:{reported.event_id}",
        occurred_at=occurred_at,
        message_pk=message["id"],
        mailbox_id=mailbox.pk,
        bounce_type=reported.bounce_type,
        verdict=verdict.verdict,
        verdict_reason=verdict.reason,
        confidence=verdict.confidence,
        rules_version=RULES_VERSION,
        detail=reported.detail,
        payload={
            "user_agent": reported.user_agent[:300],
            "method": "GET",
            "url": reported.url[:2_000],
            "event": reported.payload,
        },
    )


def _keep(mailbox: Mailbox, kept: Sequence[tuple[str, Any]], now: datetime) -> None:
    HookRecord.objects.bulk_create(
        HookRecord(
            workspace_id=mailbox.workspace_id,
            mailbox=mailbox,
            provider=mailbox.transport,
            what=what[:200],
            payload=payload,
            received_at=now,
        )
        for what, payload in kept
    )
