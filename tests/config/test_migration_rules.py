"""Migrations run while the previous release still works: they add what it need not know, and lock no table for long."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

OURS = ("sequences", "emails", "tasks_app", "execution")
# Part of what is installed at once: apps that refer to each other cannot be made in one migration each.
FOUNDATION = {("sequences", "0002_enrollment_mailbox")}
# The release before would miss it, or these hold a lock for as long as the table is read.
FORBIDDEN = (
    migrations.RemoveField, migrations.RenameField, migrations.RenameModel, migrations.DeleteModel, migrations.AddIndex,
)  # fmt: skip


def find_faults(name: str, migration: Any) -> Iterator[str]:
    for operation in migration.operations:
        if isinstance(operation, FORBIDDEN) and not isinstance(operation, AddIndexConcurrently):
            yield f"{name}: {operation.describe()}"
        if isinstance(operation, migrations.AddField):
            field = operation.field
            if not (field.null or field.many_to_many or field.generated or field.has_db_default()):
                yield f"{name}: {operation.name} is required: give it a db_default, the old release does not fill it in"
        if isinstance(operation, AddIndexConcurrently) and migration.atomic:
            yield f"{name}: an index is built concurrently outside a transaction only"


def ours() -> list[Any]:
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    return [
        (f"{app}.{name}", migration)
        for (app, name), migration in sorted(disk.items())
        if app in OURS and not migration.initial and "_initial" not in name and (app, name) not in FOUNDATION
    ]


@pytest.mark.parametrize(("name", "migration"), ours())
def test_the_previous_release_works_on_the_new_schema(name: str, migration: Any) -> None:
    assert list(find_faults(name, migration)) == []


def test_an_unsafe_migration_is_found() -> None:
    class Unsafe(migrations.Migration):
        operations = [
            migrations.AddField("contact", "rank", models.IntegerField(default=0)),
            migrations.AddField("contact", "note", models.TextField(null=True)),
            migrations.AddIndex("contact", models.Index(fields=["email"], name="x")),
            migrations.RemoveField("contact", "title"),
        ]

    faults = list(find_faults("x", Unsafe("x", "sequences")))
    assert len(faults) == 3
    assert "rank is required" in faults[0]


def test_every_listed_exception_still_exists() -> None:
    for app, name in FOUNDATION:
        assert importlib.import_module(f"{app}.migrations.{name}")
