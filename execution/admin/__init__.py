"""The admin pages that use the engine: each parses its input, calls one function and presents the result."""

from execution.admin import (
    contacts,
    dead_letters,
    enrollments,
    mailboxes,
    messages,
    replies,
    sequences,
    suppressions,
    system,
    tasks,
    webhooks,
)

__all__ = [
    "contacts",
    "dead_letters",
    "enrollments",
    "mailboxes",
    "messages",
    "replies",
    "sequences",
    "suppressions",
    "system",
    "tasks",
    "webhooks",
]
