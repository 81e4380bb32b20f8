"""The envelope sender of one message (VERP): `ada+b-<token>@sender.example`, where its reports come back to.

The token names the message and is signed, so a report that comes in to such an address is proven as by our Message-ID.
Tokens are lower case and short: servers fold the case of local parts, and those end at 64 octets (RFC 5321 4.5.3.1.1).
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings

_SALT = b"emails.bounce_address"
_SIGNATURE = 16
_LONGEST_LOCAL_PART = 64
_TOKEN = re.compile(rf"\+b-([0-9a-f]{{1,16}})-([a-z2-7]{{{_SIGNATURE}}})@", re.IGNORECASE)


def bounce_address(mailbox_address: str, message_pk: int) -> str:
    """The envelope sender of a message; the mailbox's own address where the longer one would not be valid."""
    local, _, domain = mailbox_address.rpartition("@")
    number = f"{message_pk:x}"
    tagged = f"{local}+b-{number}-{_sign(number, settings.SECRET_KEY)}"
    return mailbox_address if len(tagged) > _LONGEST_LOCAL_PART else f"{tagged}@{domain}"


def find_bounced_messages(texts: Iterable[str]) -> tuple[int, ...]:
    """The messages that genuine tokens in these texts name, each once, in their order."""
    found = (match for text in texts for match in _TOKEN.finditer(text))
    return tuple(dict.fromkeys(int(match[1], 16) for match in found if _is_genuine(match[1].lower(), match[2].lower())))


def _is_genuine(number: str, signature: str) -> bool:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(hmac.compare_digest(_sign(number, key), signature) for key in keys)


def _sign(number: str, key: str) -> str:
    digest = hmac.digest(key.encode(), _SALT + number.encode(), sha256)
    return b32encode(digest)[:_SIGNATURE].decode().lower()
