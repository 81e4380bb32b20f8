"""Operating the executor is a permission of its own: who has it keeps desk and keys when the last membership ends."""

from django.conf import settings
from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION end_access_without_membership() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_all bigint[];
BEGIN
    -- of two memberships that end at once, the second waits for the first and is the last
    PERFORM 1 FROM auth_user u WHERE u.id IN (SELECT user_id FROM gone) ORDER BY u.id FOR NO KEY UPDATE;
    SELECT array_agg(DISTINCT u.id) INTO left_all
    FROM gone JOIN auth_user u ON u.id = gone.user_id
    WHERE NOT u.is_superuser AND NOT EXISTS (SELECT 1 FROM sequences_membership m WHERE m.user_id = u.id){unless};
    UPDATE auth_user SET is_staff = false WHERE id = ANY(left_all) AND is_staff;
    DELETE FROM execution_apikey WHERE user_id = ANY(left_all);
    RETURN NULL;
END
$$;
"""
_UNLESS_OPERATOR = """
      AND NOT EXISTS (
          SELECT 1 FROM auth_permission p
          JOIN django_content_type t ON t.id = p.content_type_id AND t.app_label = 'emails'
          WHERE p.codename = 'operate_executor' AND (
              EXISTS (SELECT 1 FROM auth_user_user_permissions x WHERE x.permission_id = p.id AND x.user_id = u.id)
              OR EXISTS (
                  SELECT 1 FROM auth_group_permissions x JOIN auth_user_groups g ON g.group_id = x.group_id
                  WHERE x.permission_id = p.id AND g.user_id = u.id)))"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("execution", "0013_key_before_password"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RunSQL(_FUNCTION.format(unless=_UNLESS_OPERATOR), _FUNCTION.format(unless="")),
    ]
