"""Base serializers that refuse unknown keys at every depth. Every serializer of the product derives from them.

Must not decide which values are valid: fields and `validate_…` methods do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer

UNKNOWN_KEY = "unknown_key"
READ_ONLY_KEY = "read_only_key"
DRY_RUN_KEY = "dry_run"

_LONGEST_NAME = 50
# of the keys of one object that are refused: looking for the nearest known key of each costs time
MOST_NAMED = 20
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_Row = TypeVar("_Row", bound=Model)


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` probably stands for: the same in snake_case, else the most similar one."""
    names = sorted(known)
    snake = _HUMP.sub("_", name).replace("-", "_").replace(" ", "_").lower()
    if snake in names:
        return snake
    return next(iter(get_close_matches(snake, names, n=1, cutoff=0.6)), None)


def explain_unknown(name: str, known: Iterable[str], what: str = "key") -> ErrorDetail:
    """One line that names the nearest known name, and all of them."""
    names = sorted(known)
    if not names:
        return ErrorDetail(f"Unknown {what}: none is taken here.", code=UNKNOWN_KEY)
    nearest = find_nearest(name, names)
    question = f' Did you mean "{nearest}"?' if nearest else ""
    return ErrorDetail(f"Unknown {what}.{question} Known here: {', '.join(names)}.", code=UNKNOWN_KEY)


def shorten_name(name: object) -> str:
    """A key as it is repeated in an error."""
    return str(name)[:_LONGEST_NAME]


class RefusesUnknownKeys:
    """The mixin of both base serializers.

    A key that can only be read is refused too, unless it has the stored value: what was read may be sent back. The
    stored value is that of the instance, or of `context["stored"]`, the answer of the API as a mapping.
    """

    hints: ClassVar[Mapping[str, str]] = {}
    """What to do instead, for keys that users are known to try."""

    # of the serializer that this stands before
    fields: Any
    instance: Any
    parent: Any
    context: Any

    def to_internal_value(self, data: Any) -> Any:
        refused = self._refuse(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)  # type: ignore[misc]
        except ValidationError as error:
            if refused and isinstance(error.detail, dict):
                raise ValidationError({**refused, **error.detail}) from None
            raise
        if refused:
            raise ValidationError(refused)
        return values

    def _refuse(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        writable = {name for name, field in self.fields.items() if not field.read_only}
        if self.parent is None:
            writable.add(DRY_RUN_KEY)
        extra = [name for name in data if name not in writable]
        stored = self._read_stored() if extra else {}
        refused = {}
        for name in extra:
            if name in stored and stored[name] == data[name]:
                continue
            if name in self.hints:
                error = ErrorDetail(f"Unknown key. {self.hints[name]}", code=UNKNOWN_KEY)
            elif name in stored or name in self.fields:
                error = ErrorDetail("It can only be read: leave it out.", code=READ_ONLY_KEY)
            else:
                error = explain_unknown(str(name), writable)
            refused[shorten_name(name)] = [error]
            if len(refused) == MOST_NAMED:
                break
        return refused

    def _read_stored(self) -> Mapping[str, Any]:
        if self.parent is not None:
            return {}
        stored = self.context.get("stored")
        if stored is None and isinstance(self.instance, Model):
            stored = self.to_representation(self.instance)  # type: ignore[attr-defined]
        return json.loads(JSONRenderer().render(stored)) if stored else {}


class StrictSerializer(RefusesUnknownKeys, serializers.Serializer[Any]):
    """The base of every form and answer."""


class StrictModelSerializer(RefusesUnknownKeys, serializers.ModelSerializer[_Row]):
    """The base of every form and answer that is derived from a model."""
