"""Which messages bounced because of their sender, so that their contacts never got them. SQL that other rooms share."""

from __future__ import annotations


def was_blocked(message: str) -> str:
    """A condition about the message of this alias: a report says blocked, and nothing shows that it arrived."""
    return f"""(
        EXISTS (SELECT 1 FROM emails_emailevent b
                WHERE b.message_id = {message}.id AND b.type = 'bounced' AND b.bounce_type = 'blocked')
        AND NOT EXISTS (SELECT 1 FROM emails_emailevent b
                        WHERE b.message_id = {message}.id
                          AND b.type IN ('delivered', 'opened', 'clicked', 'replied')))"""
