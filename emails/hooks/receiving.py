"""One call of a provider: believed or not, read, and stored. Facts are stored once however often they are told.

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
from emails.hooks.translating import PROVES_LEFT, Told, keep_payload, translate
from emails.inbound.imap import FETCHED_BYTES, FetchedMail
from emails.inbound.polling import note_read, store_mails
from emails.models import HookRecord, Mailbox
from emails.tracking.visits import RULES_VERSION, Visit, VisitVerdict, classify_at_once

log = logging.getLogger(__name__)


class DisbelievedError(Exception):
    """The call is not the provider's; one line that names what is wrong, without secrets."""


class TryAgainError(Exception):
    """The rest of the mail could not be fetched from the provider just now."""


def take_call(mailbox: Mailbox, kind: Kind, request: HttpRequest, url: str, now: datetime) -> None:
    """Check the signature, store what it brings. Nothing is kept after `DisbelievedError` and `TryAgainError`."""
    hook = find_hook(mailbox.transport, kind)
    if hook is None:
        raise DisbelievedError(f"{mailbox.get_transport_display()} has no {kind} webhook")
    secret = find_secret(mailbox.credentials or {}, hook, kind)
    if not secret:
        raise DisbelievedError(
            f"the mailbox has no secret for {kind} webhooks: store webhook_secret in its credentials"
        )
    if not request.body:
        raise DisbelievedError("the body is empty")
    try:
        view = build_view(hook, secret, mailbox.credentials or {}, url)
    except (ValueError, TypeError):
        raise DisbelievedError("the stored webhook_secret has not the form that this provider uses") from None
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
        raise DisbelievedError("the signature is missing or wrong") from None
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
        _take_mails(mailbox, events, now)
    else:
        _take_news(mailbox, events, now)


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


def _take_mails(mailbox: Mailbox, events: Sequence[Any], now: datetime) -> None:
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


def _take_news(mailbox: Mailbox, events: Sequence[Any], now: datetime) -> None:
    told = [translate(event) for event in events]
    found = _find_messages(mailbox, told)
    facts, kept, proofs = [], [], []
    for each in told:
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


def _find_messages(mailbox: Mailbox, told: Sequence[Told]) -> list[Row]:
    """Of this mailbox alone: whoever knows one webhook's secret must not speak about others' messages."""
    ids = sorted({found for each in told for found in each.ids})
    messages = sorted({each.message for each in told if each.message is not None})
    if not ids and not messages:
        return []
    header_ids = [f"<{found}>" for found in ids]
    return fetch_all(_FIND, {"mailbox": mailbox.pk, "messages": messages, "header_ids": header_ids, "ids": ids})


def _match(told: Told, found: Sequence[Row]) -> Row | None:
    fits = [row for row in found if row["id"] == told.message]
    fits = fits or [row for row in found if {row["header_id"], row["provider_id"]} & set(told.ids)]
    # one provider's id may stand for several recipients
    exact = [row for row in fits if not told.recipient or row["recipient"] == told.recipient]
    return next(iter(exact), None)


def _fact(told: Told, message: Row, mailbox: Mailbox, now: datetime) -> NewEvent:
    judged = VisitVerdict(Verdict.HUMAN, "", 100)
    occurred_at = min(told.occurred_at or now, now)
    assert told.type is not None
    if told.type in {EventType.OPENED, EventType.CLICKED}:
        judged = classify_at_once(Visit("GET", told.user_agent, occurred_at, message["handed_over_at"]))
    elif told.type is EventType.AUTO_REPLIED:
        judged = VisitVerdict(Verdict.MACHINE, "an automatic answer", 90)
    return NewEvent(
        type=told.type,
        provider=mailbox.transport,
        provider_event_id=f"{mailbox.pk}:{told.event_id}",
        occurred_at=occurred_at,
        message_pk=message["id"],
        mailbox_id=mailbox.pk,
        bounce_type=told.bounce_type,
        verdict=judged.verdict,
        verdict_reason=judged.reason,
        confidence=judged.confidence,
        rules_version=RULES_VERSION,
        detail=told.detail,
        payload={"user_agent": told.user_agent[:300], "method": "GET", "url": told.url[:2_000], "event": told.payload},
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
