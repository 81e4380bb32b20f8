"""Storage settings of the outbox and the lanes, and partial indexes that the ORM cannot word."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("emails", "0002_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE emails_emailmessage SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE emails_emailmessage RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
        migrations.RunSQL(
            "ALTER TABLE emails_mailbox SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE emails_mailbox RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
        migrations.RunSQL(
            "CREATE INDEX message_resent ON emails_emailmessage (workspace_id) "
            "WHERE cardinality(earlier_handed_over_at) > 0",
            "DROP INDEX message_resent",
        ),
        migrations.RunSQL(
            "CREATE INDEX message_failed ON emails_emailmessage (failed_at) WHERE status = 'failed'",
            "DROP INDEX message_failed",
        ),
        migrations.RunSQL(
            "CREATE INDEX event_complaint ON emails_emailevent (recorded_at) WHERE type IN ('bounced', 'complained')",
            "DROP INDEX event_complaint",
        ),
    ]
