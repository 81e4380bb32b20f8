"""Re-encrypt what is stored: `manage.py rotate_encryption_keys`."""

from __future__ import annotations

from typing import Any

from common.encryption import DecryptionError
from common.rotate_keys import rotate_secrets
from execution.management.base import ProductCommand


class Command(ProductCommand):
    help = "Encrypt all stored secrets with the first of FIELD_ENCRYPTION_KEYS; then older keys can be taken out."
    example = "manage.py rotate_encryption_keys --dry-run"
    changes_data = True

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with self.keeping_changes(dry_run=options["dry_run"]):
                rotated = rotate_secrets()
        except DecryptionError as error:
            self.fail(str(error))
        done = f"{rotated} mailboxes and webhooks re-encrypted"
        text = f"Dry run, nothing was changed. {done}" if options["dry_run"] else done
        self.emit({"rotated": rotated}, text, as_json=options["json"])
