from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sequences', '0021_requires_approval'),
    ]

    operations = [
        migrations.AddField(
            model_name='usersettings',
            name='onboarding_dismissed_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
