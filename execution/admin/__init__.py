"""The admin pages that use the engine: each parses its input, calls one function and presents the result."""

from execution.admin import (
    contact_imports,
    contacts,
    dead_letters,
    enroll_rules,
    enrollments,
    external_events,
    mailboxes,
    messages,
    pools,
    replies,
    send_limits,
    sequences,
    suppressions,
    system,
    tasks,
    webhooks,
    workspaces,
)
from execution.admin.members import invitations, memberships

__all__ = [
    "contact_imports",
    "contacts",
    "dead_letters",
    "enroll_rules",
    "enrollments",
    "external_events",
    "invitations",
    "mailboxes",
    "memberships",
    "messages",
    "pools",
    "replies",
    "send_limits",
    "sequences",
    "suppressions",
    "system",
    "tasks",
    "webhooks",
    "workspaces",
]
