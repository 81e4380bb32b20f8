"""The pages that need the engine's side: they parse, call one function, and present what it answered."""

from execution.admin import (
    dead_letters,
    enrollments,
    mailboxes,
    messages,
    people,
    sequences,
    suppressions,
    system,
    tasks,
    webhooks,
)

__all__ = [
    "dead_letters",
    "enrollments",
    "mailboxes",
    "messages",
    "people",
    "sequences",
    "suppressions",
    "system",
    "tasks",
    "webhooks",
]
