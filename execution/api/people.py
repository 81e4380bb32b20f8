"""What needs the engine's side on contacts: what their score is made of."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from emails.choices import EventType
from emails.scores import explain_score
from emails.scoring import score
from sequences.api.views import ContactViewSet


class _PartSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=EventType.choices())
    count = serializers.IntegerField(help_text="Emails with such a fact.")
    newest_at = serializers.DateTimeField()
    points = serializers.FloatField()


class EngagementSerializer(serializers.Serializer[Any]):
    """`score` is the sum of the parts' points, at most 100, as of now."""

    score = serializers.IntegerField()
    parts = _PartSerializer(many=True)


class EngagedContactViewSet(ContactViewSet):
    __doc__ = ContactViewSet.__doc__

    @extend_schema(responses=EngagementSerializer)
    @action(detail=True, methods=["get"], serializer_class=EngagementSerializer)
    def engagement(self, request: Request, pk: str) -> Response:
        """What the contact's score is made of: opens, clicks and replies of people, halved in worth each fortnight."""
        parts = explain_score(self.get_object().pk, timezone.now())
        return Response(EngagementSerializer({"score": score(parts), "parts": parts}).data)
