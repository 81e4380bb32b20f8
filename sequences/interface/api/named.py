"""Rows that a request names by id or by what people call them: a sequence or a pool by name, a mailbox or a user by
address.

Digits are an id. Names are compared without regard to case, inside the workspaces of the user; must not look further.
"""

from __future__ import annotations

from typing import Any, TypeVar

import django_filters
from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sequences.interface.api.base import BIGGEST_ID
from sequences.models import Membership

LONGEST_NAME = 320
_ID_OR_NAME: dict[str, Any] = {
    "oneOf": [
        {"type": "integer", "format": "int64", "minimum": 1},
        {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    ]
}
_Row = TypeVar("_Row", bound=Model)
_NAME_COLUMNS = {"sequence": "name", "mailbox": "address", "owner": "email", "contact": "email", "pool": "name"}


@extend_schema_field(_ID_OR_NAME)
class NamedRowField(serializers.Field[Any, Any, Any, Any]):
    """An id as a number, or a name as text: `find_named` finds the row."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, int) and not isinstance(data, bool) and 0 < data <= BIGGEST_ID:
            return data
        if isinstance(data, str) and 0 < len(data.strip()) <= LONGEST_NAME and "\x00" not in data:
            return read_named(data)
        raise serializers.ValidationError("Its id as a number, or its name or address as text.")

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "maxLength": LONGEST_NAME})
class NamedRowFilter(django_filters.CharFilter):
    """Rows related to the one that is named: `?sequence=7` and `?sequence=Warm intro` ask the same.

    `relation` is the path to the related row.
    """

    def __init__(self, relation: str, **kwargs: Any) -> None:
        self._relation = relation
        kwargs.setdefault("label", "An id, or a name or address.")
        super().__init__(max_length=LONGEST_NAME, **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if not value:
            return qs
        self.refuse_unknown(qs.model, value)
        return qs.filter(match_named(self._relation, value))

    def refuse_unknown(self, model: Any, value: str) -> None:
        """Raises `ValidationError` for a name that no row the user sees has, and for what is no id."""
        named = read_named(value)
        if isinstance(named, int):
            if not 0 < named <= BIGGEST_ID:
                raise serializers.ValidationError({self.field_name: ["It must be an id or a name."]})
            return
        for part in self._relation.split("__"):
            model = model._meta.get_field(part).related_model
        user = self.parent.request.user
        if hasattr(model.objects, "for_user"):
            rows = model.objects.for_user(user)
        else:
            rows = model.objects.filter(pk__in=Membership.objects.for_user(user).order_by().values("user"))
        if not rows.filter(match_column(self._relation, named)).exists():
            kind = self._relation.rpartition("__")[2]
            raise serializers.ValidationError({self.field_name: [f"There is no {kind} named {named!r}."]})


def match_named(relation: str, value: str) -> Q:
    """The condition on the row at the end of `relation` (`enrollment__sequence`), named by id or by name."""
    named = read_named(value)
    if isinstance(named, int):
        return Q(**{f"{relation}_id": named})
    return match_column(relation, named, f"{relation}__")


def match_column(relation: str, name: str, prefix: str = "") -> Q:
    """The condition on the column that holds the name of such a row; `prefix`: the path to it."""
    return Q(**{f"{prefix}{_NAME_COLUMNS[relation.rpartition('__')[2]]}__iexact": name})


def find_named(rows: QuerySet[_Row], kind: str, named: int | str) -> _Row | None:
    """The row of `rows` with this id or name; None if there is none. `kind`: sequence, mailbox, pool, owner or
    contact.

    Raises `ValidationError` under the key `kind` when several workspaces of the user have one of this name.
    """
    if isinstance(named, int):
        return rows.filter(pk=named).first()
    found = list(rows.filter(match_column(kind, named))[:2])
    if len(found) > 1:
        raise serializers.ValidationError({kind: ["Several are named like this: give the id of one."]})
    return found[0] if found else None


def read_named(text: str) -> int | str:
    """Digits are an id, everything else is a name."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else text
