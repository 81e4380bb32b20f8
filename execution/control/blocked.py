"""Emails that bounced because of their sender: sent again when the cause is gone.

Their contacts never got them, so the same text is not a second one. Owns which enrollments go back to which step;
stop facts and the final check decide as ever whether anything leaves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from common.db import fetch_all
from emails.facts.blocked import was_blocked
from execution.control.enrollments import repeat_steps

# an email that is older has lost its occasion
RETRIED_DAYS = 7
_REASON = "Sent again: the email was refused because of its sender"

# The newest email of each enrollment, if it was blocked and nothing shows that it arrived. An enrollment that waits at
# this step already needs nothing.
_BLOCKED = f"""
SELECT DISTINCT e.id AS enrollment, m.step_id AS step
FROM emails_emailevent v
JOIN emails_emailmessage m ON m.id = v.message_id
JOIN sequences_enrollment e ON e.id = m.enrollment_id
WHERE v.mailbox_id = %(mailbox)s AND v.type = 'bounced' AND v.bounce_type = 'blocked' AND v.recorded_at > %(since)s
  AND m.status = 'sent' AND m.step_id IS NOT NULL AND e.status = 'active'
  AND NOT (e.current_step_id = m.step_id AND e.visit > m.visit)
  AND NOT EXISTS (SELECT 1 FROM emails_emailmessage x
                  WHERE x.enrollment_id = e.id AND x.visit > m.visit AND x.status IN ('sending', 'sent', 'unknown'))
  AND {was_blocked("m")}
"""


def send_blocked_again(mailbox_id: int, *, actor: str, now: datetime) -> int:
    """Let the enrollments of a mailbox repeat the step whose email was blocked in the last days. Returns how many.

    Enrollments that are paused, have ended or have had a later email stay as they are.
    """
    rows = fetch_all(_BLOCKED, {"mailbox": mailbox_id, "since": now - timedelta(days=RETRIED_DAYS)})
    if not rows:
        return 0
    steps = {row["enrollment"]: row["step"] for row in rows}
    return len(repeat_steps(steps, actor=actor, now=now, reason=_REASON).changed)
