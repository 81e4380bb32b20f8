"""The signature of a delivery: HMAC-SHA-256 (RFC 2104) over the timestamp and the body. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def make_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Signature`: over the timestamp of `X-Timestamp`, a dot, and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"
