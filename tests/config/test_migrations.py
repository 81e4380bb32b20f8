"""The last migration of every app is undone and applied again with data in the tables."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.factories import WorkspaceFactory
from tests.support.admin_pages import make_one_of_each

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

OURS = ("sequences", "emails", "tasks_app", "execution")
Node = tuple[str, str]


def last_steps() -> list[tuple[Node, Node]]:
    """The last migration of each app that has more than one, and the one before it."""
    graph = MigrationExecutor(connection).loader.graph
    found = []
    for app in OURS:
        (leaf,) = graph.leaf_nodes(app)
        before = [node for node in graph.node_map[leaf].parents if node.key[0] == app]
        found += [(leaf, tuple(node.key)) for node in before]
    return found


def read_rows() -> dict[str, list[Any]]:
    """By table."""
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return {model._meta.db_table: list(model._default_manager.order_by("pk").values()) for model in models}


def migrate(targets: list[Node]) -> None:
    MigrationExecutor(connection).migrate(targets)


def test_the_last_migrations_go_back_and_forth_and_lose_nothing() -> None:
    make_one_of_each(WorkspaceFactory())
    before = read_rows()
    assert sum(map(len, before.values())) > 20
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    steps = last_steps()
    assert len(steps) >= 3
    # going back also undoes what depends on it; a table that it made is gone with its rows
    kept = set(before)
    for leaf, parent in steps:
        try:
            migrate([parent])
            assert leaf not in MigrationExecutor(connection).loader.applied_migrations
            kept &= set(connection.introspection.table_names())
        finally:
            migrate(newest)
    after = read_rows()
    assert len(kept) > 20
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
