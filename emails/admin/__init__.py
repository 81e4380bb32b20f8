"""Suppressions, caps and events in the admin, and what a mailbox's pages are made of.

Mailboxes and messages need the engine's side: execution.admin shows them.
"""

from emails.admin import facts, rules

__all__ = ["facts", "rules"]
