"""Move stored credentials to the newest encryption key."""

from __future__ import annotations

from emails.models import Mailbox

_BATCH = 500


def rotate_credentials() -> int:
    """Store every mailbox's credentials anew, under the first key. Call inside a transaction. Returns how many.

    Raises `DecryptionError` when a stored secret has no key any more; then nothing is changed.
    """
    rotated = 0
    last_id = 0
    while batch := list(
        Mailbox.objects.select_for_update(no_key=True)
        .only("pk", "credentials")
        .filter(pk__gt=last_id)
        .order_by("pk")[:_BATCH]
    ):
        Mailbox.objects.bulk_update(batch, ["credentials"])
        rotated += len(batch)
        last_id = batch[-1].pk
    return rotated
