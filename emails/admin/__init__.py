"""The admin of suppressions, send limits and events, and the parts of a mailbox's pages.

execution.admin registers mailboxes and messages, since their actions need the engine.
"""

from emails.admin import facts, rules

__all__ = ["facts", "rules"]
