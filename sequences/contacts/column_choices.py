"""Remembers for each workspace what users chose for the columns of imported files, and offers it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sequences.contacts.csv_columns import name_typed_column, read_columns
from sequences.contacts.csv_form import RESERVED
from sequences.models import ColumnChoice

_LONGEST_COLUMN = 200
_LONGEST_CHOICE = 120


def propose_choices(workspace_id: int, columns: Sequence[str]) -> dict[str, str]:
    """What each column would be read as, by its name as written: as chosen before, else as recognised."""
    proposed = {
        column: "" if read_as.name in RESERVED else name_typed_column(read_as.name, read_as.type)
        for column, read_as in zip(columns, read_columns(columns), strict=True)
    }
    chosen = ColumnChoice.objects.filter(workspace=workspace_id, column__in=list(proposed))
    return {**proposed, **dict(chosen.values_list("column", "read_as"))}


def remember_choices(workspace_id: int, mapping: Mapping[str, str]) -> None:
    """Keep what was chosen. Names that are too long to be written by users are left out."""
    rows = [
        ColumnChoice(workspace_id=workspace_id, column=column, read_as=read_as)
        for column, read_as in mapping.items()
        if column.strip() and "\0" not in column and len(column) <= _LONGEST_COLUMN and len(read_as) <= _LONGEST_CHOICE
    ]
    ColumnChoice.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["workspace", "column"],
        update_fields=["read_as", "updated_at"],
    )
