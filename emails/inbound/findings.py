"""What an incoming mail turned out to say, before it is known which of our messages it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emails.choices import EventType


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `recipient`: whom a report is about; empty when the mail itself comes from the contact."""

    type: EventType
    recipient: str = ""
    bounce_type: str = ""
    until_at: datetime | None = None
    detail: str = ""

    @property
    def is_report(self) -> bool:
        """Whether a machine on the way wrote it, so that its sender says nothing about the contact."""
        return self.type in {EventType.BOUNCED, EventType.DELIVERED, EventType.COMPLAINED} or bool(self.recipient)
