from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models



class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("sequences", "0013_external_id"),
    ]

    operations = [
        AddIndexConcurrently(
            "account", models.Index(fields=["workspace", "updated_at", "id"], name="account_updated")
        ),
        AddIndexConcurrently(
            "contact", models.Index(fields=["workspace", "updated_at", "id"], name="contact_updated")
        ),
        AddIndexConcurrently(
            "enrollment", models.Index(fields=["workspace", "updated_at", "id"], name="enrollment_updated")
        ),
    ]
