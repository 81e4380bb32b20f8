"""Secrets and signatures of deliveries, by Standard Webhooks (https://www.standardwebhooks.com). Pure.

What is stored of a subscription: `{"secret": text, "previous": [{"secret": text, "until": ISO 8601}]}`. A secret that
is no `whsec_` with 24 to 64 bytes of Base64 is from before the standard: its calls also have the older `X-Signature`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

PREFIX = "whsec_"
ROTATION = timedelta(hours=24)
_BYTES = range(24, 65)
_NEW_BYTES = 32
# Rotated again and again within a day: so many of the older ones still sign.
_KEPT = 3


def make_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def is_standard(secret: str) -> bool:
    """Whether it is `whsec_` and the Base64 (RFC 4648, section 4, padded) of 24 to 64 bytes."""
    if not secret.startswith(PREFIX):
        return False
    try:
        return len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) in _BYTES
    except (binascii.Error, ValueError):
        return False


def rotate(stored: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is stored with a new secret; the one before it signs too for 24 hours."""
    older = [each for each in stored.get("previous", ()) if datetime.fromisoformat(each["until"]) > now]
    if stored.get("secret"):
        older.insert(0, {"secret": stored["secret"], "until": (now + ROTATION).isoformat()})
    return {"secret": make_secret(), "previous": older[:_KEPT]}


def sign(stored: Mapping[str, Any], delivery_id: str, now: datetime, body: str) -> dict[str, str]:
    """The headers that let a receiver verify `body`: one signature for each secret that is valid at `now`."""
    valid = [stored.get("secret") or ""]
    valid += [each["secret"] for each in stored.get("previous", ()) if datetime.fromisoformat(each["until"]) > now]
    timestamp = str(int(now.timestamp()))
    headers = {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_webhook(secret).sign(delivery_id, now, body) for secret in valid if secret),
    }
    if older := next((secret for secret in valid if secret and not is_standard(secret)), ""):
        digest = hmac.new(older.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
        headers |= {"X-Timestamp": timestamp, "X-Signature": f"sha256={digest}"}
    return headers


def _webhook(secret: str) -> Webhook:
    """Its key is what the Base64 after `whsec_` holds, else the text itself."""
    if secret.startswith(PREFIX):
        text = secret.removeprefix(PREFIX).translate(str.maketrans("-_", "+/"))
        try:
            if key := base64.b64decode(text + "=" * (-len(text) % 4), validate=True):
                return Webhook(key)
        except (binascii.Error, ValueError):
            pass
    return Webhook(secret.encode())
