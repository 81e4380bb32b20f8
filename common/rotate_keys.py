"""Move every stored secret to the newest encryption key, whichever model holds it."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from common.encryption import SecretsField

_BATCH = 500


def rotate_secrets() -> int:
    """Encrypt all secrets again, with the first key. Call inside a transaction. Returns how many rows hold some.

    Raises `DecryptionError` when a stored secret has no key any more; then nothing is changed.
    """
    return sum(
        _rotate(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SecretsField)
    )


def _rotate(model: Any, name: str) -> int:
    rotated = last_id = 0
    rows = model._default_manager.select_for_update(no_key=True).only("pk", name).order_by("pk")
    while batch := list(rows.filter(pk__gt=last_id)[:_BATCH]):
        model._default_manager.bulk_update(batch, [name])
        rotated += len(batch)
        last_id = batch[-1].pk
    return rotated
