"""Provider webhooks: every provider passes the same security cases and yields the same facts."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from emails.hooks.providers import HOOKS, Kind
from emails.hooks.translating import keep_payload
from emails.models import EmailEvent, EmailMessage, HookRecord, Mailbox, Suppression
from emails.tracking.reclassify import classify_pending_visits
from tests.factories import NOW, EmailMessageFactory, EnrollmentFactory, MailboxFactory, SequenceFactory, StepFactory
from tests.support.hook_calls import (
    INBOUND_SECRETS,
    SECRET,
    SECRETS,
    SIGNERS,
    Call,
    bounce,
    unknown_event,
)

pytestmark = pytest.mark.django_db

PROVIDERS = sorted(HOOKS)
TO = "jo@prospect.example"
PROVIDER_ID = "<provider-id-1@esp.example>"


@pytest.fixture(params=PROVIDERS)
def mailbox(request: pytest.FixtureRequest) -> Mailbox:
    return make_mailbox(request.param)


def make_mailbox(provider: str) -> Mailbox:
    secret = SECRETS.get(provider, SECRET)
    credentials = {"webhook_secret": secret, "inbound_webhook_secret": INBOUND_SECRETS.get(provider, secret)}
    credentials["api_key"] = SECRET
    made: Mailbox = MailboxFactory(transport=provider, inbound="webhook", credentials=credentials)
    return made


def send_message(mailbox: Mailbox, **fields: Any) -> EmailMessage:
    step = StepFactory(sequence=SequenceFactory(workspace=mailbox.workspace))
    enrollment = EnrollmentFactory(
        sequence=step.sequence, mailbox=mailbox, contact__email=TO, contact__workspace=mailbox.workspace
    )
    given = {"status": "sent", "handed_over_at": NOW, "sent_at": NOW, "provider_message_id": PROVIDER_ID} | fields
    message: EmailMessage = EmailMessageFactory(enrollment=enrollment, mailbox=mailbox, recipient=TO, **given)
    return message


def post(mailbox: Mailbox, call: Call, kind: Kind = Kind.TRACKING, provider: str = "") -> Any:
    path = reverse("hook", args=[provider or mailbox.transport, mailbox.hook_key])
    path += "/inbound" if kind is Kind.INBOUND else ""
    return Client().post(path, call.body, content_type=call.content_type, headers=dict(call.headers))


def tell(mailbox: Mailbox, event: Any, kind: Kind = Kind.TRACKING) -> Any:
    return post(mailbox, SIGNERS[mailbox.transport](json.dumps(event).encode(), mailbox, kind), kind)


def test_a_bounce_event_suppresses_and_exits_and_its_repetition_changes_nothing(mailbox: Mailbox) -> None:
    message = send_message(mailbox)
    for _ in range(3):
        assert tell(mailbox, bounce(mailbox.transport, PROVIDER_ID, TO)).status_code == 200

    (event,) = EmailEvent.objects.all()
    if mailbox.transport == "postal":
        # it says nothing of the reason, and what is unknown is never permanent
        assert (event.bounce_type, Suppression.objects.count()) == ("soft", 0)
        return
    assert (event.type, event.bounce_type, event.provider) == ("bounced", "hard", mailbox.transport)
    assert (event.message_id, event.verdict) == (message.pk, "human")
    assert event.payload["event"]
    assert Suppression.objects.get().email == TO
    message.enrollment.refresh_from_db()
    assert message.enrollment.wake_at is not None
    assert not HookRecord.objects.exists()


def test_an_unsigned_or_wrongly_signed_event_is_refused(mailbox: Mailbox) -> None:
    send_message(mailbox)
    body = json.dumps(bounce(mailbox.transport, PROVIDER_ID, TO)).encode()
    good = SIGNERS[mailbox.transport](body, mailbox, Kind.TRACKING)
    bad = {name: value[:-4] + ("AAA=" if value.endswith("=") else "0000") for name, value in good.headers.items()}
    bad["x-amz-sns-message-type"] = "Notification"
    # Mailgun and Unisender Go sign within the body
    tampered = good.body.replace(b"tok", b"tik").replace(b'"auth": "', b'"auth": "0')
    for headers in ({}, bad):
        answer = post(mailbox, Call(tampered, headers, good.content_type))
        assert answer.status_code in {400, 401}, answer.content
        assert SECRET not in answer.content.decode()
    assert not EmailEvent.objects.exists()
    assert not HookRecord.objects.exists()


def test_a_mailbox_without_a_secret_accepts_no_events(mailbox: Mailbox) -> None:
    mailbox.credentials = {}
    mailbox.save()
    answer = tell(mailbox, bounce(mailbox.transport, PROVIDER_ID, TO))
    assert answer.status_code == 400
    assert "store webhook_secret" in answer.content.decode()


def test_unknown_events_are_stored_and_acknowledged(mailbox: Mailbox) -> None:
    send_message(mailbox)
    assert tell(mailbox, unknown_event(mailbox.transport, PROVIDER_ID, TO)).status_code == 200
    assert not EmailEvent.objects.exists()
    record = HookRecord.objects.get()
    assert (record.workspace_id, record.mailbox, record.provider) == (
        mailbox.workspace_id, mailbox, mailbox.transport,
    )  # fmt: skip
    assert SECRET not in json.dumps(record.payload)


def test_an_unreadable_event_is_stored_without_its_signature() -> None:
    mailbox = make_mailbox("mailgun")
    assert tell(mailbox, {"event": "delivered", "timestamp": "yesterday"}).status_code == 200
    record = HookRecord.objects.get()
    assert record.what == "cannot be read"
    assert "signature" not in json.dumps(record.payload)
    assert "yesterday" in json.dumps(record.payload)


def test_events_about_another_mailboxs_message_are_stored_and_change_nothing(mailbox: Mailbox) -> None:
    message = send_message(make_mailbox(mailbox.transport))
    event = bounce(mailbox.transport, PROVIDER_ID, TO)
    assert tell(mailbox, event).status_code == 200
    assert not EmailEvent.objects.exists()
    assert "about no message of this mailbox" in HookRecord.objects.get().what
    message.enrollment.refresh_from_db()
    assert not Suppression.objects.exists()


DEEP = pytest.param(b"[" * 100_000, id="deep")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[[[[", b'{"a": 1}', DEEP])
def test_an_empty_or_invalid_body_is_a_client_error(mailbox: Mailbox, body: bytes) -> None:
    signer = SIGNERS[mailbox.transport]
    try:
        call = signer(body, mailbox, Kind.TRACKING)
    except (ValueError, TypeError, RecursionError):  # not even this provider's envelope can be made of it
        call = Call(body)
    answer = post(mailbox, call if body else Call(b"", call.headers, call.content_type))
    assert answer.status_code in ({400, 401} if not body else {200, 400, 401})
    assert not EmailEvent.objects.exists()


def test_a_huge_body_is_refused_before_it_is_read(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "HOOK_MOST_BYTES", 1_000)
    answer = post(mailbox, Call(b"x" * 1_001))
    assert answer.status_code == 413
    assert "larger than 1000 bytes" in answer.content.decode()


def test_the_key_belongs_to_one_mailbox_and_one_provider(mailbox: Mailbox) -> None:
    other = next(provider for provider in PROVIDERS if provider != mailbox.transport)
    assert post(mailbox, Call(b"{}"), provider=other).status_code == 404
    unknown = f"/hooks/{mailbox.transport}/00000000-0000-4000-8000-000000000000"
    assert Client().post(unknown, b"{}", content_type="application/json").status_code == 404


def test_a_test_request_changes_nothing(mailbox: Mailbox) -> None:
    path = reverse("hook", args=[mailbox.transport, mailbox.hook_key])
    assert Client().get(path).status_code == Client().head(path + "/").status_code == 200


def _news(status: str, **fields: Any) -> dict[str, Any]:
    return {"RecordType": status, "MessageID": PROVIDER_ID, "Recipient": TO, "Email": TO, **fields}


def test_opens_and_clicks_are_classified(db: None) -> None:
    mailbox = make_mailbox("postmark")
    send_message(mailbox)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
    tell(mailbox, _news("Open", ReceivedAt="2026-03-02T11:00:00Z", UserAgent=agent))
    tell(mailbox, _news("Click", ReceivedAt="2026-03-02T11:01:00Z", UserAgent=agent, OriginalLink="https://x.example/"))
    tell(mailbox, _news("Open", ReceivedAt="2026-03-02T11:02:00Z", UserAgent="Barracuda Sentinel"))
    classify_pending_visits(NOW + timedelta(days=1))
    found = list(EmailEvent.objects.order_by("occurred_at").values_list("type", "verdict"))
    assert found == [("opened", "human"), ("clicked", "human"), ("opened", "machine")]
    assert EmailEvent.objects.get(type="clicked").detail == "https://x.example/"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (_news("Bounce", Type="SoftBounce", ID=1), ("bounced", "soft")),
        (_news("Bounce", Type="HardBounce", ID=1, Description="552 5.2.2 mailbox full"), ("bounced", "soft")),
        (_news("Bounce", Type="HardBounce", ID=1, Details="550 5.7.1 blocked by policy"), ("bounced", "blocked")),
        (_news("Bounce", Type="SoftBounce", ID=1, Details="550 5.1.1 user unknown"), ("bounced", "hard")),
        (_news("Bounce", Type="HardBounce", ID=1), ("bounced", "hard")),
        (_news("Bounce", Type="SoftBounce", ID=1, Details="host 5.1.1.20 is busy"), ("bounced", "soft")),
        (_news("SpamComplaint", Type="SpamComplaint", ID=2), ("complained", "")),
        (
            _news("SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"),
            ("unsubscribed", ""),
        ),
        (_news("Delivery", DeliveredAt="2026-03-02T10:00:05Z"), ("delivered", "")),
        (_news("Bounce", Type="AutoResponder", ID=3), ("auto_replied", "")),
    ],
)
def test_each_provider_event_becomes_the_matching_fact(event: dict[str, Any], expected: tuple[str, str]) -> None:
    mailbox = make_mailbox("postmark")
    send_message(mailbox)
    assert tell(mailbox, event).status_code == 200
    assert EmailEvent.objects.values_list("type", "bounce_type").get() == expected
    is_stopping = expected in {("bounced", "hard"), ("complained", ""), ("unsubscribed", "")}
    assert Suppression.objects.exists() is is_stopping


def test_a_provider_event_resolves_an_unknown_outcome() -> None:
    mailbox = make_mailbox("mandrill")
    message = send_message(mailbox, status="unknown", sent_at=None, unknown_at=NOW)
    event = [{"event": "send", "ts": 1_772_445_600, "_id": PROVIDER_ID, "msg": {"email": TO}}]
    assert tell(mailbox, event).status_code == 200
    message.refresh_from_db()
    assert (message.status, message.resolved_by) == ("sent", "evidence:mandrill")


def test_our_own_id_in_the_metadata_finds_the_message() -> None:
    mailbox = make_mailbox("postmark")
    message = send_message(mailbox, provider_message_id="")
    event = _news("Delivery", DeliveredAt="2026-03-02T10:00:05Z", Metadata={"message": str(message.pk)})
    tell(mailbox, event)
    assert EmailEvent.objects.get().message == message


def test_a_reply_by_webhook_stops_like_one_by_imap() -> None:
    mailbox = make_mailbox("mailgun")
    message = send_message(mailbox)
    raw = (
        f"From: Jo <{TO}>\r\nTo: {mailbox.address}\r\nSubject: Re: Hello\r\nMessage-ID: <re1@prospect.example>\r\n"
        f"In-Reply-To: {message.message_id}\r\nContent-Type: text/plain\r\n\r\nYes, please call me.\r\n"
    )
    for _ in range(2):
        answer = tell(mailbox, {"body-mime": raw, "recipient": mailbox.address, "sender": TO}, Kind.INBOUND)
        assert answer.status_code == 200, answer.content
    event = EmailEvent.objects.get()
    assert (event.type, event.provider, event.message_id) == ("replied", "mailgun", message.pk)
    mailbox.refresh_from_db()
    assert mailbox.inbox_read_at is not None


def test_a_stored_payload_is_bounded_and_contains_no_signature() -> None:
    kept = keep_payload({"signature": "s", "deep": [[[[[[[[1]]]]]]]], "long": "x" * 9_000, "many": list(range(900))})
    assert "signature" not in kept
    assert len(kept["long"]) == 2_000
    assert len(kept["many"]) == 60


@pytest.mark.django_db(transaction=True)
def test_the_same_event_many_times_at_once_is_one_fact() -> None:
    mailbox = make_mailbox("postmark")
    send_message(mailbox)
    event = bounce("postmark", PROVIDER_ID, TO)

    def call() -> None:
        try:
            assert tell(mailbox, event).status_code == 200
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert EmailEvent.objects.count() == 1
    assert Suppression.objects.count() == 1
