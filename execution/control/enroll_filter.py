"""The filter of an auto-enrollment rule: the same filters as the list of contacts takes, over one workspace."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from sequences.api.contacts import ContactFilter, ContactViewSet
from sequences.models import Contact, Enrollment, Sequence

SEARCH = "search"
#: The workspace is the rule's own.
FILTERS = tuple(sorted({*ContactFilter.base_filters, SEARCH} - {"workspace"}))
_LONGEST = 200


class FilterError(ValueError):
    """The filter cannot be used; one line."""


def match_contacts(workspace_id: int, given: object) -> QuerySet[Contact]:
    """The contacts of the workspace that the filter names, erased ones left out. Raises `FilterError`."""
    if not isinstance(given, Mapping):
        raise FilterError(f"the filter must be an object with any of: {', '.join(FILTERS)}")
    for name, value in given.items():
        if name not in FILTERS:
            close = get_close_matches(str(name), FILTERS, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"use {', '.join(FILTERS)}"
            raise FilterError(f"the filter {str(name)[:50]!r} is not known: {remedy}")
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise FilterError(f"the filter {name} must be a text or a number")
        if len(str(value)) > _LONGEST or "\0" in str(value):
            raise FilterError(f"the filter {name} can have {_LONGEST} characters")
    if not any(_narrows(name, value) for name, value in given.items()):
        raise FilterError("the filter would match every contact of the workspace: name what they have in common")
    rows = Contact.objects.filter(workspace=workspace_id, erased_at=None)
    texts = {name: str(value) for name, value in given.items()}
    form = ContactFilter({name: text for name, text in texts.items() if name != SEARCH}, queryset=rows)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        raise FilterError(f"the filter {name}: {str(errors[0]).rstrip('.')}")
    found: QuerySet[Contact] = form.qs
    for word in texts.get(SEARCH, "").split():
        wanted = Q()
        for field in ContactViewSet.search_fields:
            wanted |= Q(**{f"{field}__icontains": word})
        found = found.filter(wanted)
    return found


def leave_out_enrolled(rows: QuerySet[Contact], sequence: Sequence) -> QuerySet[Contact]:
    """Without those who are or were in the sequence: no rule enrolls a contact again."""
    return rows.exclude(Exists(Enrollment.objects.filter(contact=OuterRef("pk"), sequence=sequence)))


def _narrows(name: str, value: Any) -> bool:
    if name == "score_at_least":
        try:
            return float(value) > 0
        except ValueError:
            # refused with its own words
            return True
    return str(value).strip() != ""
