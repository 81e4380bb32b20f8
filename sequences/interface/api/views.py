"""`/api/sequences`, to read; execution.api.sequences writes them."""

from __future__ import annotations

import django_filters
from django.db.models import Prefetch

from sequences.choices import SequenceStatus
from sequences.interface.api.base import IdFilter, ReadViewSet
from sequences.interface.api.serializers import SequenceSerializer
from sequences.models import Sequence, Step


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
