"""The pause of the sending of one workspace."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sequences', '0003_invitation'),
    ]

    operations = [
        migrations.AddField(
            model_name='workspace',
            name='sending_paused_at',
            field=models.DateTimeField(editable=False, help_text='Since when no email of the workspace is sent; null while it sends.', null=True),
        ),
        migrations.AddField(
            model_name='workspace',
            name='sending_paused_by',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name='workspace',
            name='sending_paused_reason',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=500),
        ),
    ]
