"""The contacts of a user's last import, as a filter of the list: kept with the login session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

#: The session holds the ids; of a larger file the first ones.
MOST_KEPT = 50_000
_KEY = "imported_contacts"


def keep_imported(request: HttpRequest, contact_ids: Sequence[int]) -> None:
    request.session[_KEY] = list(contact_ids[:MOST_KEPT])


class ImportedFilter(DropdownFilter):
    title = "import"
    parameter_name = "imported"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("last", "My last import")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "last":
            return queryset
        return queryset.filter(pk__in=request.session.get(_KEY, []))
