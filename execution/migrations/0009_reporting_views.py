"""Read-only views for analysts: docs/reference/reporting.md lists their columns."""

from django.db import migrations

_VIEWS = {
    "reporting_messages": (
        "One row per email: of a step, or a user's answer to a reply.",
        """
        SELECT m.id AS message_id, m.workspace_id, m.enrollment_id, e.sequence_id, s.name AS sequence_name, m.step_id,
               t.number AS step_number, t.name AS step_name, m.mailbox_id, b.address AS mailbox_address, m.owner_id,
               u.email AS owner_email, m.contact_id, c.email AS contact_email, m.status, m.is_answer,
               m.is_first_touch, m.queued_at, m.sent_at, m.failed_at, m.error_class, f.opened_at, f.clicked_at,
               f.replied_at, a.intent AS reply_intent, f.bounced_at, f.bounce_type, f.opted_out_at
        FROM emails_emailmessage m
        JOIN sequences_enrollment e ON e.id = m.enrollment_id
        JOIN sequences_sequence s ON s.id = e.sequence_id
        JOIN sequences_contact c ON c.id = m.contact_id
        LEFT JOIN sequences_step t ON t.id = m.step_id
        LEFT JOIN emails_mailbox b ON b.id = m.mailbox_id
        LEFT JOIN auth_user u ON u.id = m.owner_id
        LEFT JOIN LATERAL (
            SELECT min(v.occurred_at) FILTER (WHERE v.type = 'opened' AND v.verdict = 'human') AS opened_at,
                   min(v.occurred_at) FILTER (WHERE v.type = 'clicked' AND v.verdict = 'human') AS clicked_at,
                   min(v.occurred_at) FILTER (WHERE v.type = 'replied') AS replied_at,
                   min(v.occurred_at) FILTER (WHERE v.type = 'bounced') AS bounced_at,
                   min(v.bounce_type) FILTER (WHERE v.type = 'bounced') AS bounce_type,
                   min(v.occurred_at) FILTER (WHERE v.type IN ('unsubscribed', 'complained')) AS opted_out_at
            FROM emails_emailevent v WHERE v.message_id = m.id
        ) f ON true
        LEFT JOIN LATERAL (
            SELECT r.intent FROM emails_reply r WHERE r.message_id = m.id ORDER BY r.received_at DESC, r.id DESC LIMIT 1
        ) a ON true
        """,
    ),
    "reporting_enrollments": (
        "One row per enrollment of a contact in a sequence.",
        """
        SELECT e.id AS enrollment_id, e.workspace_id, e.sequence_id, s.name AS sequence_name, e.contact_id,
               c.email AS contact_email, a.name AS account_name, e.owner_id, u.email AS owner_email, e.mailbox_id,
               b.address AS mailbox_address, e.status, e.auto_exit_reason, t.number AS step_number,
               e.next_step_at, e.enrolled_at, e.completed_at, e.emails_sent, e.steps_completed, e.retry_count
        FROM sequences_enrollment e
        JOIN sequences_sequence s ON s.id = e.sequence_id
        JOIN sequences_contact c ON c.id = e.contact_id
        LEFT JOIN sequences_account a ON a.id = c.account_id
        LEFT JOIN sequences_step t ON t.id = e.current_step_id
        LEFT JOIN emails_mailbox b ON b.id = e.mailbox_id
        LEFT JOIN auth_user u ON u.id = e.owner_id
        """,
    ),
    "reporting_events": (
        "One row per fact about an email or its recipient, machines included.",
        """
        SELECT v.id AS event_id, v.workspace_id, v.type, v.bounce_type, v.verdict, v.occurred_at, v.recorded_at,
               v.message_id, v.enrollment_id, e.sequence_id, m.step_id, v.mailbox_id, v.contact_id,
               c.email AS contact_email
        FROM emails_emailevent v
        LEFT JOIN emails_emailmessage m ON m.id = v.message_id
        LEFT JOIN sequences_enrollment e ON e.id = v.enrollment_id
        LEFT JOIN sequences_contact c ON c.id = v.contact_id
        """,
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0008_webhook_health"),
        ("sequences", "0007_second_factor"),
        ("emails", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            f"CREATE VIEW {name} AS {select}; COMMENT ON VIEW {name} IS '{comment.replace(chr(39), chr(39) * 2)}'",
            f"DROP VIEW {name}",
        )
        for name, (comment, select) in _VIEWS.items()
    ]
