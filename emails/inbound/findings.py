"""What an incoming mail turned out to say, before it is known which of our messages it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emails.choices import EventType


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `is_report`: a machine on the way wrote it, about `recipient`; its sender is nobody of ours.

    Otherwise the mail itself comes from the contact, and `recipient` is empty. `alternate`: whom an automatic answer
    names instead.
    """

    type: EventType
    recipient: str = ""
    is_report: bool = False
    bounce_type: str = ""
    until_at: datetime | None = None
    detail: str = ""
    alternate: str = ""
