from django.db import migrations, models

# Users' changes are logged by the code that makes them, with their reasons; those of the executor, which several of its
# statements make, by the database. Most updates of a mailbox set neither column or leave them as they are.
_FUNCTION = """
CREATE OR REPLACE FUNCTION log_mailbox_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_stop boolean := OLD.status IS DISTINCT FROM NEW.status;
BEGIN
    INSERT INTO execution_controllog (workspace_id, target, target_id, label, action, reason, changes, actor, at)
    VALUES (
        NEW.workspace_id, 'mailbox', NEW.id, NEW.address,
        CASE WHEN is_stop THEN CASE NEW.status WHEN 'active' THEN 'resumed' ELSE NEW.status END
             WHEN NEW.breaker_state = 'closed' THEN 'recovered' ELSE 'failing' END,
        left(CASE WHEN is_stop THEN NEW.status_reason WHEN NEW.breaker_state = 'closed' THEN ''
                  ELSE NEW.breaker_error END, 500),
        '[]', 'engine', coalesce(CASE WHEN is_stop THEN NEW.status_at END, clock_timestamp())
    );
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER log_mailbox_change AFTER UPDATE OF status, breaker_state ON emails_mailbox FOR EACH ROW
WHEN (CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN NEW.status_actor = 'engine'
           ELSE (OLD.breaker_state = 'closed') <> (NEW.breaker_state = 'closed') END)
EXECUTE FUNCTION log_mailbox_change()
"""
_UNDO = "DROP TRIGGER IF EXISTS log_mailbox_change ON emails_mailbox; DROP FUNCTION IF EXISTS log_mailbox_change()"


class Migration(migrations.Migration):

    dependencies = [
        ('emails', '0012_email_outcome'),
        ('execution', '0024_approvals'),
    ]

    operations = [
        migrations.AlterField(
            model_name='controllog',
            name='action',
            field=models.CharField(choices=[('created', 'Created'), ('edited', 'Edited'), ('deleted', 'Deleted'), ('activated', 'Activated'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('archived', 'Archived'), ('erased', 'Erased'), ('invited', 'Invited'), ('withdrawn', 'Withdrawn'), ('joined', 'Joined'), ('removed', 'Removed'), ('broken', 'Broken'), ('failing', 'Failing'), ('recovered', 'Recovered')], max_length=16),
        ),
        migrations.AlterField(
            model_name='executionlog',
            name='action',
            field=models.CharField(choices=[('enrolled', 'Enrolled'), ('queued', 'Queued'), ('executed', 'Executed'), ('waiting', 'Waiting'), ('branched', 'Branched'), ('skipped', 'Skipped'), ('moved', 'Moved'), ('rehomed', 'Rehomed'), ('replanned', 'Replanned'), ('failed', 'Failed'), ('retried', 'Retried'), ('quarantined', 'Quarantined'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('snoozed', 'Snoozed'), ('exited', 'Exited'), ('completed', 'Completed'), ('resolved', 'Resolved'), ('task_completed', 'Task completed'), ('task_changed', 'Task changed'), ('task_due', 'Task due'), ('classified', 'Classified'), ('approved', 'Approved'), ('text_edited', 'Text edited'), ('answered', 'Answered')], max_length=24),
        ),
        migrations.RunSQL([_FUNCTION, _TRIGGER], _UNDO),
    ]
