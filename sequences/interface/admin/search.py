"""Searches large tables by contact: finds the contacts first, then their rows by index."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from sequences.interface.admin.base import scope_rows
from sequences.models import Contact, Enrollment

_MOST_CONTACTS = 200


class SearchesContacts:
    """`contact_field` leads to the contact, else (`is_of_enrollment`) the enrollment; `exact_fields` have an index."""

    contact_field = "contact"
    is_of_enrollment = False
    exact_fields: tuple[str, ...] = ()
    search_help_text = "A part of the contact's email address"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        contacts: Any = scope_rows(Contact.objects.all(), request).filter(email__icontains=term).order_by()
        ids = list(contacts.values_list("pk", flat=True)[:_MOST_CONTACTS])
        if self.is_of_enrollment:
            ids = list(Enrollment.objects.filter(contact__in=ids).order_by().values_list("pk", flat=True))
        wanted = Q(**{f"{self.contact_field}__in": ids})
        for field in self.exact_fields:
            wanted |= Q(**{field: term})
        return queryset.filter(wanted), False
