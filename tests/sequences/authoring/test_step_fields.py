"""The table of step fields and the model's columns say the same."""

from __future__ import annotations

import pytest
from django.db import models

from sequences.authoring.queries import storable
from sequences.authoring.step_fields import STEP_FIELDS, Kind, StepField
from sequences.models import Step

_OWN = {"id", "workspace", "sequence", "number", "type", "content_hash", "created_at", "updated_at"}
_COLUMNS = {
    Kind.TEXT: models.CharField,
    Kind.LONG_TEXT: models.TextField,
    Kind.FLAG: models.BooleanField,
    Kind.NUMBER: models.PositiveIntegerField,
    Kind.CLOCK: models.TimeField,
    Kind.CHOICE: models.CharField,
    Kind.CONFIG: models.JSONField,
    Kind.VARIANTS: models.JSONField,
    Kind.GOTO: models.ForeignKey,
}


def test_every_column_is_a_field_of_the_table_and_the_other_way_round() -> None:
    columns = [field.name for field in Step._meta.concrete_fields if field.name not in _OWN]
    assert columns == [spec.column for spec in STEP_FIELDS]


@pytest.mark.parametrize("spec", STEP_FIELDS, ids=lambda spec: spec.name)
def test_a_column_has_the_kind_default_and_bounds_of_its_field(spec: StepField) -> None:
    column = Step._meta.get_field(spec.column)
    assert isinstance(column, models.Field)
    assert type(column) is _COLUMNS[spec.kind]
    assert column.get_default() == storable(spec.default)
    assert column.help_text == spec.help
    if spec.choices:
        assert column.choices == spec.choices.choices()
    if isinstance(column, models.CharField):
        assert column.max_length == spec.maximum
    if spec.kind is Kind.NUMBER:
        assert spec.maximum in [getattr(validator, "limit_value", None) for validator in column.validators]
