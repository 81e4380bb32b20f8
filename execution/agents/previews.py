"""Previews: what a call would change, and a token that allows exactly that call for a quarter of an hour.

The token is signed and names the key, the tool, its arguments and the impact. Its call is made with an Idempotency-Key
of the token, so that repeating it answers the first answer and changes nothing again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import timedelta
from typing import Any

from django.core import signing

VALID_FOR = timedelta(minutes=15)
_SALT = "execution.agents.preview"
# move with the clock, or with other people's work, without changing what the call does
_MOVING = frozenset({"why", "forecast", "engagement_score", "until"})
_COUNTED = ("would_enroll", "changed", "enrollments")


class PreviewError(Exception):
    """The token does not allow this call."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def make_token(key_id: int, tool: str, arguments: dict[str, Any], impact: Any) -> str:
    """A text without a secret, useless to any other key and for any other call."""
    call = {"call": _hash([key_id, tool, arguments]), "impact": hash_impact(impact), "once": secrets.token_hex(16)}
    return signing.dumps(call, salt=_SALT)


def read_token(token: str, key_id: int, tool: str, arguments: dict[str, Any]) -> tuple[str, str]:
    """The hash of the impact that was shown, and the Idempotency-Key. Raises `PreviewError`."""
    try:
        call = signing.loads(token, salt=_SALT, max_age=VALID_FOR)
    except signing.SignatureExpired:
        message = "The preview is older than 15 minutes: leave `confirm` out to get a new one."
        raise PreviewError("preview_expired", message) from None
    except signing.BadSignature:
        message = "`confirm` is not the token of a preview: leave it out to get one."
        raise PreviewError("preview_unknown", message) from None
    if call["call"] != _hash([key_id, tool, arguments]):
        message = "`confirm` belongs to another call: repeat the call that was previewed, with the same arguments."
        raise PreviewError("preview_of_another_call", message)
    return call["impact"], call["once"]


def hash_impact(impact: Any) -> str:
    """The same for two dry runs that would change the same rows in the same way."""
    return _hash(_settled(impact))


def count_changes(impact: Any) -> int:
    """How many rows the call changes, at least 1."""
    told = impact if isinstance(impact, dict) else {}
    # what a change of a row means for enrollments stands in an object of its own
    nested = told.get("impact")
    told = {**(nested if isinstance(nested, dict) else {}), **told}
    for name in _COUNTED:
        found = told.get(name)
        if isinstance(found, list):
            return max(len(found), 1)
        if isinstance(found, int):
            return max(found, 1)
    return 1


def _settled(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _settled(value) for key, value in node.items() if key not in _MOVING and not key.endswith("_at")}
    return [_settled(each) for each in node] if isinstance(node, list) else node


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
