"""Facts that come in by mail: replies, bounces, complaints, out-of-office, and copies in the Sent folder."""

from emails.inbound.evidence import resolve_unknown_by_evidence
from emails.inbound.polling import poll_due_inboxes, poll_inbox

__all__ = ["poll_due_inboxes", "poll_inbox", "resolve_unknown_by_evidence"]
