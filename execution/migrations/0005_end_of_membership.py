"""When a user's last membership ends, by whatever page, command or statement, their desk access and keys end with it."""

from django.conf import settings
from django.db import migrations, models

_FUNCTION = """
CREATE FUNCTION end_access_without_membership() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_all bigint[];
BEGIN
    -- of two memberships that end at once, the second waits for the first and is the last
    PERFORM 1 FROM auth_user u WHERE u.id IN (SELECT user_id FROM gone) ORDER BY u.id FOR NO KEY UPDATE;
    SELECT array_agg(DISTINCT u.id) INTO left_all
    FROM gone JOIN auth_user u ON u.id = gone.user_id
    WHERE NOT u.is_superuser AND NOT EXISTS (SELECT 1 FROM sequences_membership m WHERE m.user_id = u.id);
    UPDATE auth_user SET is_staff = false WHERE id = ANY(left_all) AND is_staff;
    DELETE FROM execution_apikey WHERE user_id = ANY(left_all);
    RETURN NULL;
END
$$;
CREATE TRIGGER end_access_without_membership AFTER DELETE ON sequences_membership
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION end_access_without_membership();
"""
_UNDO = """
DROP TRIGGER end_access_without_membership ON sequences_membership;
DROP FUNCTION end_access_without_membership();
"""


class Migration(migrations.Migration):
    dependencies = [
        ('execution', '0004_api_key_ids'),
        ('sequences', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField('apikey', 'last_used_at', models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(_FUNCTION, _UNDO),
    ]
