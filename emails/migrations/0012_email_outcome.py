import common.transaction_ids
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models

# By the database itself, since many statements write these states and none may forget it; the condition is cheap for
# those that write others. What a state's own column has as its time is the fact's.
_FUNCTION = """
CREATE OR REPLACE FUNCTION note_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO emails_emailoutcome (workspace_id, enrollment_id, message_id, status, reason, error, at)
    VALUES (
        NEW.workspace_id, NEW.enrollment_id, NEW.id, NEW.status,
        CASE NEW.status WHEN 'withheld' THEN NEW.withheld_reason WHEN 'failed' THEN NEW.error_class ELSE '' END,
        CASE NEW.status WHEN 'withheld' THEN ''
                        ELSE left(concat_ws(' ', nullif(NEW.error_code, ''), nullif(NEW.error, '')), 1000) END,
        CASE NEW.status WHEN 'failed' THEN NEW.failed_at WHEN 'unknown' THEN NEW.unknown_at ELSE clock_timestamp() END
    );
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER note_outcome AFTER UPDATE OF status ON emails_emailmessage FOR EACH ROW
WHEN (NEW.status IN ('failed', 'withheld', 'unknown') AND OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION note_outcome()
"""
_UNDO = "DROP TRIGGER IF EXISTS note_outcome ON emails_emailmessage; DROP FUNCTION IF EXISTS note_outcome()"


class Migration(migrations.Migration):

    dependencies = [
        ('emails', '0011_approval'),
        ('sequences', '0021_requires_approval'),
    ]

    operations = [
        migrations.CreateModel(
            name='EmailOutcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('withheld', 'Withheld'), ('unknown', 'Unknown')], max_length=16)),
                ('reason', models.CharField(blank=True, max_length=64)),
                ('error', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('stored_in', models.BigIntegerField(db_default=common.transaction_ids.CurrentTransactionId(), editable=False, null=True)),
                ('enrollment', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.enrollment')),
                ('message', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='emails.emailmessage')),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(models.F('workspace'), django.db.models.functions.comparison.Coalesce('stored_in', 0), models.F('id'), name='outcome_feed'), django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['at'], name='outcome_at')],
            },
        ),
        migrations.RunSQL([_FUNCTION, _TRIGGER], _UNDO),
    ]
