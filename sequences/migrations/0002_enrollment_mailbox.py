"""The mailbox of an enrollment: mailboxes are made after workspaces, enrollments before messages."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('emails', '0001_initial'),
        ('sequences', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='enrollment',
            name='mailbox',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='enrollments', to='emails.mailbox'),
        ),
    ]
