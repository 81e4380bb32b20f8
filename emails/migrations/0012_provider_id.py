from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # the index of a big table is made while it is used
    atomic = False

    dependencies = [
        ('emails', '0011_recorded'),
        ('sequences', '0007_retention'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(models.F('mailbox'), models.Func('provider_message_id', models.Value('<>'), function='btrim'), condition=models.Q(('provider_message_id', ''), _negated=True), name='message_provider_id'),
        ),
    ]
