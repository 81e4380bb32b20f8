from django.db import migrations, models

import sequences.models.people

NAME = "contact_external_id_once"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("sequences", "0012_require_second_factor"),
    ]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="external_id",
            field=models.CharField(
                blank=True,
                help_text="The contact's id in another system, such as a CRM. Compared as it is written.",
                max_length=200,
                null=True,
                validators=[sequences.models.people.validate_external_id],
                verbose_name="external ID",
            ),
        ),
        # built concurrently, as no constraint is
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"""CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON sequences_contact
                        (workspace_id, (external_id)) WHERE external_id IS NOT NULL""",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="contact",
                    constraint=models.UniqueConstraint(
                        models.F("workspace"),
                        models.F("external_id"),
                        condition=models.Q(("external_id__isnull", False)),
                        name=NAME,
                        violation_error_message="Another contact of the workspace has this external ID.",
                    ),
                ),
            ],
        ),
    ]
