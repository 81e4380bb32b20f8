"""Which addresses were erased: asked wherever an address would be stored, without storing any.

Storing addresses and erasing one exclude each other by an advisory lock of the workspace, so that none is stored again
by a transaction that asked before the erasure committed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from common.db import execute
from common.encryption import Secrets
from sequences.models import ErasedAddress, ErasureKey

ERASED_REASON = "belongs to a person whose data was erased: it is not stored or mailed again"
# Of two imports into one workspace the second waits too: both would make the same company. Any constant number.
_ADVISORY_LOCK = 72_001


class ErasedError(ValueError):
    """The address was erased and must not be stored again."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} {ERASED_REASON}")


def lock_contacts(workspace_id: int, *, is_shared: bool = False) -> None:
    """Until the transaction ends: alone (imports, erasures) or with others that store single contacts."""
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    execute(f"SELECT {function}(%(kind)s::int, %(id)s::int)", {"kind": _ADVISORY_LOCK, "id": workspace_id})


def find_erased(workspace_id: int, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in lower case, that were erased in this workspace. At most two queries."""
    row = ErasureKey.objects.filter(workspace=workspace_id).first()
    if row is None:
        return set()
    by_digest = {_digest(row.key, address): address.lower() for address in addresses}
    rows = ErasedAddress.objects.filter(workspace=workspace_id, digest__in=list(by_digest))
    return {by_digest[digest] for digest in rows.values_list("digest", flat=True)}


def require_not_erased(workspace_id: int, address: str) -> None:
    """Raises `ErasedError`. Call in the transaction that stores the address."""
    lock_contacts(workspace_id, is_shared=True)
    if find_erased(workspace_id, [address]):
        raise ErasedError(address)


def remember_erased(workspace_id: int, addresses: Iterable[str], now: datetime) -> None:
    """Keep the hashes. Call in the transaction that erases, which holds `lock_contacts`."""
    row = ErasureKey.objects.filter(workspace=workspace_id).first()
    if row is None:
        row = ErasureKey(workspace_id=workspace_id)
        row.key = Secrets(hmac=secrets.token_hex(32))
        row.save(force_insert=True)
    rows = [
        ErasedAddress(workspace_id=workspace_id, digest=_digest(row.key, address), erased_at=now)
        for address in addresses
    ]
    ErasedAddress.objects.bulk_create(rows, ignore_conflicts=True)


def _digest(key: Secrets, address: str) -> str:
    return hmac.digest(bytes.fromhex(key["hmac"]), address.lower().encode(), "sha256").hex()
