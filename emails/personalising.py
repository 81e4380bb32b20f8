"""Turn the columns known about a recipient into what conditions compare and templates merge."""

from __future__ import annotations

from emails.rendering import build_context
from sequences.db import Row

# What every query that feeds `merge_fields` selects, and the joins it needs beside an enrollment `e`.
PERSON_COLUMNS = """
c.email, c.first_name, c.last_name, c.title, c.phone, c.timezone AS contact_timezone, c.fields, c.engagement_score,
c.account_id, a.name AS account_name, a.domain AS account_domain, a.timezone AS account_timezone,
b.address AS mailbox_address, b.display_name AS mailbox_name, b.timezone AS mailbox_timezone,
w.name AS workspace_name, w.timezone AS workspace_timezone, w.holiday_country, w.extra_holidays,
w.account_reply_policy, w.account_reply_delay_days,
u.first_name AS owner_first_name, u.last_name AS owner_last_name
"""
PERSON_JOINS = """
JOIN sequences_contact c ON c.id = e.contact_id
JOIN sequences_workspace w ON w.id = e.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN emails_mailbox b ON b.id = e.mailbox_id
LEFT JOIN auth_user u ON u.id = e.owner_id
"""


def contact_columns(row: Row) -> dict[str, object]:
    """The contact's columns by the names templates use; custom fields never hide a known one."""
    return {
        **(row["fields"] or {}),
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "title": row["title"],
        "phone": row["phone"],
        "company": row["account_name"] or "",
        "domain": row["account_domain"] or "",
        "timezone": row["contact_timezone"],
        "engagement_score": row["engagement_score"],
    }


def merge_fields(row: Row) -> dict[str, object]:
    """The context that templates are rendered with, the unsubscribe link aside."""
    name = sender_name(row)
    return build_context(
        contact=contact_columns(row),
        account={
            "name": row["account_name"] or "",
            "domain": row["account_domain"] or "",
            "timezone": row["account_timezone"] or "",
        },
        sender={
            "name": name,
            "first_name": row["owner_first_name"] or name.partition(" ")[0],
            "email": row["mailbox_address"] or "",
        },
        workspace={"name": row["workspace_name"]},
    )


def sender_name(row: Row) -> str:
    owner = f"{row['owner_first_name'] or ''} {row['owner_last_name'] or ''}".strip()
    return row["mailbox_name"] or owner
