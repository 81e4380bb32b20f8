"""The view of emails names the variant."""

import importlib

from django.db import migrations

_COMMENT, _BEFORE = importlib.import_module("execution.migrations.0009_reporting_views")._VIEWS["reporting_messages"]
_LAST = "f.opted_out_at\n"
_NOW = _BEFORE.replace(_LAST, "f.opted_out_at, m.variant\n", 1)
_COMMENTED = f"COMMENT ON VIEW reporting_messages IS '{_COMMENT.replace(chr(39), chr(39) * 2)}'"


class Migration(migrations.Migration):
    dependencies = [("execution", "0021_enroll_rule_target"), ("emails", "0010_variants")]
    operations = [
        migrations.RunSQL(
            f"CREATE OR REPLACE VIEW reporting_messages AS {_NOW}",
            # a view cannot lose a column
            f"DROP VIEW reporting_messages; CREATE VIEW reporting_messages AS {_BEFORE}; {_COMMENTED}",
        )
    ]
