"""Words of the control log for invitations, members and send limits."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0002_unused_knox_table'),
    ]

    operations = [
        migrations.AlterField(
            model_name='controllog',
            name='action',
            field=models.CharField(choices=[('created', 'Created'), ('edited', 'Edited'), ('deleted', 'Deleted'), ('activated', 'Activated'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('archived', 'Archived'), ('erased', 'Erased'), ('invited', 'Invited'), ('withdrawn', 'Withdrawn'), ('joined', 'Joined'), ('removed', 'Removed')], max_length=16),
        ),
        migrations.AlterField(
            model_name='controllog',
            name='target',
            field=models.CharField(choices=[('executor', 'Executor'), ('sequence', 'Sequence'), ('mailbox', 'Mailbox'), ('contact', 'Contact'), ('account', 'Account'), ('webhook', 'Webhook'), ('workspace', 'Workspace'), ('send_limit', 'Send limit')], max_length=16),
        ),
    ]
