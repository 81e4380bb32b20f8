"""Who needs help is found by an index of those alone."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('sequences', '0008_fewer_indexes'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('retry_count__gt', 0), ('status', 'quarantined'), _connector='OR'), fields=['workspace', 'status', 'next_step_at'], name='enrollment_trouble'),
        ),
    ]
