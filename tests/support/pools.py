"""Mailbox pools for tests."""

from __future__ import annotations

from typing import Any

from emails.models import MailboxPool


def make_pool(workspace: Any, *mailboxes: Any, name: str = "West") -> MailboxPool:
    pool = MailboxPool.objects.create(workspace=workspace, name=name)
    pool.mailboxes.set(mailboxes)
    return pool
