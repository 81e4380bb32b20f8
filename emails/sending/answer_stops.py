"""What stops a user's answer to a reply: a suppression of the contact or of the address that it goes to.

The enrollment's end, its pauses and the sending window stop no answer. Enrolling, answering and the final check before
sending read the same list. Must not write.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.db import fetch_all

# Under both addresses: the one that the contact has, and the one that they wrote from.
_REASON = """
SELECT x.reason FROM emails_suppression x
WHERE x.workspace_id = {workspace} AND x.email <> '' AND x.email IN (lower({recipient}), lower(c.email))
UNION ALL
SELECT x.reason FROM emails_suppression x
WHERE x.workspace_id = {workspace} AND x.domain <> ''
  AND x.domain IN (lower(split_part({recipient}, '@', 2)), lower(split_part(c.email, '@', 2)))
LIMIT 1
"""
_MESSAGES = f"""
SELECT m.id, CASE WHEN c.erased_at IS NOT NULL THEN 'erased' ELSE p.reason END AS reason
FROM emails_emailmessage m
JOIN sequences_contact c ON c.id = m.contact_id
LEFT JOIN LATERAL ({_REASON.format(workspace="m.workspace_id", recipient="m.recipient")}) p ON true
WHERE m.id = ANY(%(messages)s::bigint[]) AND (c.erased_at IS NOT NULL OR p.reason IS NOT NULL)
"""
_CONTACT = f"""
SELECT CASE WHEN c.erased_at IS NOT NULL THEN 'erased' ELSE p.reason END AS reason
FROM sequences_contact c
LEFT JOIN LATERAL ({_REASON.format(workspace="c.workspace_id", recipient="%(recipient)s::text")}) p ON true
WHERE c.id = %(contact)s
"""


def find_refused_answers(message_ids: Sequence[int]) -> dict[int, str]:
    """Those of these messages that must not be sent, with the reason of the suppression or `erased`."""
    if not message_ids:
        return {}
    return {row["id"]: row["reason"] for row in fetch_all(_MESSAGES, {"messages": list(message_ids)})}


def find_stop(contact_id: int, recipient: str) -> str:
    """Why this contact must not be written to at this address: as above, or empty."""
    rows = fetch_all(_CONTACT, {"contact": contact_id, "recipient": recipient})
    return str(rows[0]["reason"] or "") if rows else "erased"
