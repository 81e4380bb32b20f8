"""What the check of the promises needs from the product's own tables, read once at the end."""

from __future__ import annotations

from django.test import Client

from common.db import fetch_all
from sequences.models import Contact, Enrollment
from simulation.trial_population import Population
from simulation.trial_promises import SHOWN, EndState, StoredState
from simulation.trial_truth import Truth

_END_STATES = """
SELECT c.email, e.status, e.auto_exit_reason,
       ARRAY(SELECT DISTINCT d.error_class FROM execution_deadletter d WHERE d.enrollment_id = e.id) AS troubles
FROM sequences_enrollment e JOIN sequences_contact c ON c.id = e.contact_id
"""
_DECISIONS = """
SELECT c.email, m.due_at, m.queued_at FROM emails_emailmessage m JOIN sequences_contact c ON c.id = m.contact_id
"""
_LOGGED_SENDS = """
SELECT c.email, count(*) AS sends FROM execution_executionlog l
JOIN sequences_enrollment e ON e.id = l.enrollment_id JOIN sequences_contact c ON c.id = e.contact_id
WHERE l.action = 'queued' GROUP BY c.email
"""
# The last entry about where an enrollment stands must be one that its state follows from. The end of a sequence is the
# entry of its last step. A removed step moves people and leaves them paused or quarantined if they were.
_UNEXPLAINED = """
SELECT 'enrollment ' || e.id || ' is ' || e.status || ', its log ends with ' || coalesce(l.action, 'nothing') AS text
FROM sequences_enrollment e
LEFT JOIN LATERAL (
    SELECT action FROM execution_executionlog l WHERE l.enrollment_id = e.id
      AND action NOT IN ('queued', 'waiting', 'withheld', 'resolved', 'failed', 'task_completed')
      AND NOT (action = 'moved' AND message LIKE 'step %% was removed%%')
    ORDER BY at DESC, id DESC LIMIT 1
) l ON true
WHERE NOT coalesce(CASE e.status
    WHEN 'completed' THEN l.action IN ('completed', 'executed', 'branched', 'skipped')
    WHEN 'replied' THEN l.action = 'exited'
    WHEN 'auto_exited' THEN l.action = 'exited'
    WHEN 'quarantined' THEN l.action = 'quarantined'
    WHEN 'paused' THEN l.action = 'paused'
    ELSE l.action NOT IN ('completed', 'exited', 'quarantined', 'paused') END, false)
UNION ALL
SELECT 'email ' || message_id || ' has ' || count(*) || ' unsubscriptions' FROM emails_emailevent
WHERE type = 'unsubscribed' AND message_id IS NOT NULL GROUP BY message_id HAVING count(*) > 1
UNION ALL
SELECT 'log entry ' || id || ' (' || action || ') does not say who or why' FROM execution_executionlog
WHERE actor = '' OR message = ''
"""


def read_stored_state() -> StoredState:
    """A handful of statements over everything that a trial has left."""
    return StoredState(
        end_states={
            row["email"]: EndState(row["status"], row["auto_exit_reason"], tuple(row["troubles"]))
            for row in fetch_all(_END_STATES, {})
        },
        decisions=tuple((row["email"], row["due_at"], row["queued_at"]) for row in fetch_all(_DECISIONS, {})),
        unexplained=tuple(row["text"] for row in fetch_all(_UNEXPLAINED, {})),
        logged_sends={row["email"]: row["sends"] for row in fetch_all(_LOGGED_SENDS, {})},
    )


def probe_other_workspaces(truth: Truth, population: Population) -> None:
    """Let a member of each workspace request the rows of the others through the API."""
    for slug, user in population.members.items():
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        foreign = Enrollment.objects.exclude(workspace__slug=slug).order_by("pk")[:SHOWN]
        paths = [f"/api/sequence-enrollments/{row.pk}" for row in foreign]
        paths += [f"{path}/{part}" for path in paths for part in ("logs", "why", "timeline")]
        contacts = Contact.objects.exclude(workspace__slug=slug).order_by("pk")[:SHOWN]
        paths += [f"/api/contacts/{row.pk}" for row in contacts]
        for path in paths:
            status = client.get(path).status_code
            if status != 404:
                truth.tenancy_leaks.append(f"GET {path} by {user} of {slug} answers {status}")
        for row in foreign:
            path = f"/api/sequence-enrollments/{row.pk}/pause"
            status = client.post(path, {}, content_type="application/json").status_code
            if status != 404:
                truth.tenancy_leaks.append(f"POST pause of enrollment {row.pk} by {user} of {slug} answers {status}")
