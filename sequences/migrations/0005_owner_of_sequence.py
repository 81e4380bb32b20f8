"""Who drafted a sequence: members without a manager's rights change drafts of their own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sequences', '0004_pause_of_workspace'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='sequence',
            name='owner',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, help_text='Who drafted it. Members who are no managers change drafts of their own.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
    ]
