"""Enrollments are updated all day: room on the page for the new version, and vacuum long before a fifth is dead."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sequences", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE sequences_enrollment SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_vacuum_cost_delay = 1)",
            "ALTER TABLE sequences_enrollment RESET (fillfactor, autovacuum_vacuum_scale_factor, "
            "autovacuum_vacuum_cost_delay)",
        ),
    ]
