"""Our set-based statements are planned once per connection; Django's own are not prepared."""

from __future__ import annotations

import pytest
from django.db import connection

from common.db import fetch_all, generic_plans
from sequences.models import Workspace


@pytest.mark.django_db
def test_set_based_statements_are_prepared_and_no_others() -> None:
    for number in range(8):
        assert fetch_all("SELECT %(number)s::int AS ours", {"number": number}) == [{"ours": number}]
        assert not Workspace.objects.filter(slug="missing").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [statement for (statement,) in cursor.fetchall()]
    assert "SELECT $1::int AS ours" in kept
    assert not [statement for statement in kept if "sequences_workspace" in statement]


def test_a_lanes_connection_plans_once_and_the_others_as_the_server_does(transactional_db: None) -> None:
    shown = "SELECT current_setting('plan_cache_mode') AS mode, current_setting('join_collapse_limit') AS tables"
    connection.close()
    try:
        with generic_plans():
            assert fetch_all(shown, {}) == [{"mode": "force_generic_plan", "tables": "1"}]
    finally:
        connection.close()
    assert fetch_all(shown, {}) == [{"mode": "auto", "tables": "8"}]
