"""Calls of every provider's webhooks, signed the way each of them signs. The keys are made up for the tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from svix.webhooks import Webhook

from emails.hooks.providers import Kind
from emails.hooks.views import hook_url
from emails.models import Mailbox

BASIC = "hook:open-sesame"
SECRET = "a-shared-secret"
SVIX = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
_RSA = rsa.generate_private_key(65_537, 2_048)
_EC = ec.generate_private_key(ec.SECP256R1())
AT = 1_772_445_600  # Monday 2 March 2026, 10:00 UTC
AT_ISO = "2026-03-02T10:00:00Z"


@dataclass(frozen=True)
class Call:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def _pem(key: Any) -> str:
    text = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "".join(text.decode().splitlines()[1:-1])


def _basic(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    return Call(body, {"Authorization": "Basic " + base64.b64encode(BASIC.encode()).decode()})


def _hmac_header(name: str) -> Callable[[bytes, Mailbox, Kind], Call]:
    def sign(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
        return Call(body, {name: hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})

    return sign


def _mailgun(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    token, at = "tok" * 10, str(AT)
    signature = hmac.new(SECRET.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    fields = {"token": token, "timestamp": at, "signature": signature}
    if kind is Kind.INBOUND:
        text = urlencode({**json.loads(body), **fields}).encode()
        return Call(text, content_type="application/x-www-form-urlencoded")
    return Call(json.dumps({"signature": fields, **json.loads(body)}).encode())


def _mandrill(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    signed = hook_url(mailbox, kind) + "mandrill_events" + body.decode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    form = urlencode({"mandrill_events": body.decode()}).encode()
    return Call(form, {"X-Mandrill-Signature": signature}, "application/x-www-form-urlencoded")


def _postal(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    signature = _RSA.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Call(body, {"X-Postal-Signature": base64.b64encode(signature).decode()})


def _resend(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    # the library refuses what is older than five minutes by the machine's own clock
    at = datetime.now(UTC).replace(microsecond=0)
    signature = Webhook(SVIX).sign("msg_1", at, body.decode())
    return Call(body, {"svix-id": "msg_1", "svix-timestamp": f"{at.timestamp():.0f}", "svix-signature": signature})


def _sendgrid(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    if kind is Kind.INBOUND:
        return Call(
            urlencode(json.loads(body)).encode(),
            _basic(body, mailbox, kind).headers,
            "application/x-www-form-urlencoded",
        )
    signature = base64.b64encode(_EC.sign(str(AT).encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    name = "X-Twilio-Email-Event-Webhook"
    return Call(body, {f"{name}-Signature": signature, f"{name}-Timestamp": str(AT)})


def _ses(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    envelope = {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:topic",
        "Timestamp": AT_ISO,
        "Message": body.decode(),
    }
    names = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "sns-1"}
    return Call(json.dumps(envelope).encode(), {**_basic(body, mailbox, kind).headers, **names}, "text/plain")


def _unisender(body: bytes, mailbox: Mailbox, kind: Kind) -> Call:
    text = json.dumps({"auth": SECRET, **json.loads(body)})
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return Call(text.replace(SECRET, digest).encode())


Signer = Callable[[bytes, Mailbox, Kind], Call]
SIGNERS: dict[str, Signer] = {
    "amazon_ses": _ses,
    "brevo": _basic,
    "mailersend": _hmac_header("Signature"),
    "mailgun": _mailgun,
    "mailjet": _basic,
    "mailtrap": _hmac_header("Mailtrap-Signature"),
    "mandrill": _mandrill,
    "postal": _postal,
    "postmark": _basic,
    "resend": _resend,
    "sendgrid": _sendgrid,
    "sparkpost": _basic,
    "unisender_go": _unisender,
}
SECRETS = {
    "amazon_ses": BASIC, "brevo": BASIC, "mailjet": BASIC, "postmark": BASIC, "sparkpost": BASIC,
    "postal": _pem(_RSA), "sendgrid": _pem(_EC), "resend": SVIX,
}  # fmt: skip
INBOUND_SECRETS = {"sendgrid": BASIC}

NO_USER = "smtp; 550 5.1.1 <jo@prospect.example>: no such user"


def bounce(provider: str, provider_id: str, to: str) -> Any:
    """A hard bounce of the message that the provider calls `provider_id`, as it tells it."""
    return {
        "amazon_ses": {
            "eventType": "Bounce",
            "mail": {"messageId": provider_id, "destination": [to], "headers": []},
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": to, "diagnosticCode": NO_USER}],
            },
        },
        "brevo": {"event": "hard_bounce", "email": to, "message-id": provider_id, "ts_epoch": AT * 1000},
        "mailersend": {
            "type": "activity.hard_bounced",
            "data": {
                "id": "act1", "type": "hard_bounced", "created_at": AT_ISO,
                "email": {"message": {"id": provider_id}, "recipient": {"email": to}},
                "morph": {"object": "recipient_bounce", "reason": "unknown user"},
            },
        },
        "mailgun": {
            "event-data": {
                "id": "ev1", "event": "failed", "severity": "permanent", "reason": "bounce", "timestamp": AT,
                "recipient": to, "message": {"headers": {"message-id": provider_id.strip("<>")}},
                "delivery-status": {"message": "5.1.1 no such user"},
            }
        },
        "mailjet": [
            {
                "event": "bounce", "time": AT, "MessageID": provider_id, "email": to, "hard_bounce": True,
                "error": "user unknown",
            }
        ],
        "mailtrap": {
            "events": [
                {
                    "event": "bounce", "timestamp": AT, "message_id": provider_id, "email": to, "event_id": "e1",
                    "response": "550 5.1.1 no such user",
                }
            ]
        },
        "mandrill": [{"event": "hard_bounce", "ts": AT, "_id": provider_id, "msg": {"email": to, "diag": NO_USER}}],
        "postal": {
            "timestamp": AT, "uuid": "u1",
            "payload": {
                "original_message": {"id": provider_id, "to": to},
                "bounce": {"id": 1, "subject": "Undelivered Mail Returned to Sender"},
            },
        },
        "postmark": {
            "RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "MessageID": provider_id, "Email": to,
            "BouncedAt": AT_ISO, "Details": "unknown user",
        },
        "resend": {
            "type": "email.bounced", "created_at": AT_ISO,
            "data": {
                "email_id": provider_id, "to": [to],
                "bounce": {"type": "Permanent", "message": "The recipient's server returned a bounce message"},
            },
        },
        "sendgrid": [
            {
                "event": "bounce", "type": "bounce", "timestamp": AT, "email": to, "sg_event_id": "sg1",
                "smtp-id": provider_id, "reason": "550 5.1.1 no such user",
            }
        ],
        "sparkpost": [
            {
                "msys": {
                    "message_event": {
                        "type": "bounce", "timestamp": str(AT), "event_id": "sp1", "bounce_class": "10",
                        "transmission_id": provider_id, "rcpt_to": to, "raw_reason": "550 no such user",
                    }
                }
            }
        ],
        "unisender_go": {
            "events_by_user": [
                {
                    "events": [
                        {
                            "event_name": "transactional_email_status",
                            "event_data": {
                                "job_id": provider_id, "email": to, "status": "hard_bounced",
                                "event_time": "2026-03-02 10:00:00",
                                "delivery_info": {"delivery_status": "err_user_unknown"},
                            },
                        }
                    ]
                }
            ]
        },
    }[provider]  # fmt: skip


def unknown_event(provider: str, provider_id: str, to: str) -> Any:
    """Something that the provider may invent some day."""
    text = json.dumps(bounce(provider, provider_id, to)).replace('"bounce": {"id"', '"somersault": {"id"')
    for old in ("Bounce", "hard_bounce", "hard_bounced", "failed", "bounce", "email.bounced", "activity.hard_bounced"):
        text = text.replace(f'": "{old}"', '": "somersault"')
    return json.loads(text)
