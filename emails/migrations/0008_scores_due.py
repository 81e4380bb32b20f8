"""Contacts who have opened, clicked or answered before there was a score get theirs."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

_MARK = """
UPDATE sequences_contact SET score_due_at = now()
WHERE id IN (SELECT contact_id FROM emails_emailevent
             WHERE verdict = 'human' AND type IN ('opened', 'clicked', 'replied'))
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("emails", "0007_suppressions"), ("sequences", "0004_scores")]
    operations: ClassVar = [migrations.RunSQL(_MARK, migrations.RunSQL.noop)]
