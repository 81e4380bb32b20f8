import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Keys made before go on working. django-rest-knox makes its own table all the same; without its foreign key, and
# empty, it is in nobody's way when logins are deleted or tables emptied.
MOVE = """
INSERT INTO execution_apikey (digest, token_key, user_id, created, expiry, name)
SELECT digest, token_key, user_id, created, expiry, 'key of ' || to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD')
FROM knox_authtoken;
DELETE FROM knox_authtoken;
DO $$
DECLARE
    found text;
BEGIN
    FOR found IN SELECT conname FROM pg_constraint WHERE conrelid = 'knox_authtoken'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE knox_authtoken DROP CONSTRAINT %I', found);
    END LOOP;
END
$$
"""
MOVE_BACK = """
INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)
SELECT digest, token_key, user_id, created, expiry FROM execution_apikey;
ALTER TABLE knox_authtoken ADD FOREIGN KEY (user_id) REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED
"""


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0003_control_log'),
        ('knox', '0009_extend_authtoken_field'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('digest', models.CharField(max_length=128, primary_key=True, serialize=False)),
                ('token_key', models.CharField(db_index=True, max_length=25)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('expiry', models.DateTimeField(blank=True, null=True)),
                ('name', models.CharField(help_text='Who or what uses it.', max_length=100)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='auth_token_set', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API key',
                'ordering': ['-created'],
            },
        ),
        migrations.RunSQL(MOVE, MOVE_BACK),
    ]
