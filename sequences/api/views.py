"""`/api/sequences` and `/api/contacts`, to read."""

from __future__ import annotations

import django_filters
from django.db.models import Prefetch

from sequences.api.base import IdFilter, ReadViewSet
from sequences.api.serializers import ContactSerializer, SequenceSerializer
from sequences.choices import SequenceStatus
from sequences.models import Contact, Sequence, Step


class SequenceFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    status = django_filters.ChoiceFilter(choices=SequenceStatus.choices())
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains")


class SequenceViewSet(ReadViewSet):
    """Sequences with their steps, in order."""

    queryset = Sequence.objects.prefetch_related(Prefetch("steps", Step.objects.order_by("number")))
    serializer_class = SequenceSerializer
    filterset_class = SequenceFilter
    ordering_fields = ("id", "name", "priority", "created_at", "updated_at")


class ContactFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    account = IdFilter(field_name="account_id")
    email = django_filters.CharFilter(field_name="email", lookup_expr="iexact")


class ContactViewSet(ReadViewSet):
    """People who can be enrolled."""

    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    ordering_fields = ("id", "email", "engagement_score", "created_at", "updated_at")
