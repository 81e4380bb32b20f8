from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sequences", "0017_enroll_rules")]

    operations = [
        AddIndexConcurrently(
            "enrollment",
            models.Index(
                fields=["rule", "enrolled_at"], name="enrollment_rule", condition=models.Q(("rule__isnull", False))
            ),
        ),
    ]
