"""Enroll contacts as the entry points do, with the values that most tests do not care about."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from typing import Any

from emails.models import Mailbox
from execution.control.enroll import EnrollResult, enroll_contacts
from sequences.models import Contact, Sequence
from tests.factories import NOW


def enroll(sequence: Sequence, contacts: Rows[Contact], mailbox: Mailbox | None = None, **changes: Any) -> EnrollResult:
    values: dict[str, Any] = {"owner": None, "actor": "ada", "now": NOW, **changes}
    return enroll_contacts(
        sequence=sequence, contact_ids=[contact.pk for contact in contacts], mailbox=mailbox, **values
    )
