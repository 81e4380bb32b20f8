"""Migrations can be undone and done again: all of them on empty tables, the last of every app under data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.factories import WorkspaceFactory
from tests.support.admin_pages import make_one_of_each

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

OURS = ("sequences", "emails", "tasks_app", "execution")
# What is installed at once: undoing it removes the tables.
FOUNDATION = {
    ("sequences", "0001_initial"), ("sequences", "0002_enrollment_mailbox"), ("emails", "0001_initial"),
    ("tasks_app", "0001_initial"), ("execution", "0001_initial"), ("execution", "0002_unused_knox_table"),
}  # fmt: skip
Node = tuple[str, str | None]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Whatever a test leaves undone is done again."""
    newest = leaves()
    yield
    migrate(newest)


def leaves() -> list[Node]:
    return list(MigrationExecutor(connection).loader.graph.leaf_nodes())


def migrate(targets: list[Node]) -> None:
    MigrationExecutor(connection).migrate(targets)


def tables() -> set[str]:
    return {model._meta.db_table for app in OURS for model in apps.get_app_config(app).get_models()}


def read_rows() -> dict[str, list[Any]]:
    """By table."""
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return {model._meta.db_table: list(model._default_manager.order_by("pk").values()) for model in models}


def last_steps() -> list[tuple[Node, Node]]:
    """The last migration of each app behind its foundation, and the one before it."""
    graph = MigrationExecutor(connection).loader.graph
    found: list[tuple[Node, Node]] = []
    for app in OURS:
        (leaf,) = graph.leaf_nodes(app)
        if leaf not in FOUNDATION:
            found += [(leaf, tuple(node.key)) for node in graph.node_map[leaf].parents if node.key[0] == app]
    return found


def test_all_migrations_can_be_undone_and_done_again() -> None:
    migrate([(app, None) for app in OURS])
    assert tables() & set(connection.introspection.table_names()) == set()
    migrate([node for node in leaves() if node[0] in OURS])
    assert tables() <= set(connection.introspection.table_names())
    (state,) = apps.get_model("emails", "ExecutorState")._default_manager.all()
    assert not state.is_paused


def test_the_last_migrations_can_be_undone_under_data_and_lose_nothing() -> None:
    make_one_of_each(WorkspaceFactory())
    before = read_rows()
    assert sum(map(len, before.values())) > 20
    newest = leaves()
    # undoing one removes what was built on it; a table that it made is gone with its rows
    kept = set(before)
    for leaf, parent in last_steps():
        migrate([parent])
        assert leaf not in MigrationExecutor(connection).loader.applied_migrations
        kept &= set(connection.introspection.table_names())
        migrate(newest)
    after = read_rows()
    assert len(kept) > 20
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}


def test_the_foundation_is_there() -> None:
    assert set(MigrationExecutor(connection).loader.disk_migrations) >= FOUNDATION
