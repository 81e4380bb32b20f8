"""Encrypted model fields: secrets are ciphertext in the database and never part of a repr.

`FIELD_ENCRYPTION_KEYS` lists Fernet keys; the first encrypts, all decrypt, so keys rotate without downtime.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class DecryptionError(RuntimeError):
    """A stored secret cannot be read with any configured key."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def get_cipher() -> MultiFernet:
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


class Secrets(dict[str, Any]):
    """A dictionary whose text form shows the names it holds and never a value."""

    def __repr__(self) -> str:
        return f"<Secrets: {', '.join(sorted(self)) or 'none'}>"

    __str__ = __repr__


class SecretsField(models.TextField[Any, Any]):
    """A JSON object, Fernet-encrypted at rest (https://github.com/fernet/spec). Reads as `Secrets`."""

    description = "Encrypted secrets"

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return get_cipher().encrypt(json.dumps(dict(value)).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secrets | None:
        if value is None:
            return None
        if not value:
            return Secrets()
        try:
            return Secrets(json.loads(get_cipher().decrypt(value.encode())))
        except InvalidToken:
            raise DecryptionError(
                f"{self.model._meta.label}.{self.name} cannot be decrypted: add the key it was stored with to "
                "FIELD_ENCRYPTION_KEYS"
            ) from None

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Secrets) else Secrets(value)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))
