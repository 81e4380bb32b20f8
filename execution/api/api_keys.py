"""`/api/api-keys`: one's own API keys; `/api/security-events`: what happened to logins, keys and roles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.control.keys import VALID_FOR, make_key, revoke_keys
from execution.models import ApiKey
from sequences.access.security_log import of_own_people
from sequences.choices import SecurityEventKind
from sequences.interface.api.base import IdFilter, InstantField, ReadViewSet
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import SecurityEvent


class ApiKeySerializer(StrictModelSerializer[ApiKey]):
    prefix = serializers.CharField(help_text="How the key begins.")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True, help_text="Null: it never ends.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To five minutes; null before the first use.")

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "created_at", "expires_at", "last_used_at"]
        read_only_fields = fields


class CreatedApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="Shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]


class NewApiKeySerializer(StrictSerializer):
    name = serializers.CharField(max_length=100, help_text="Who or what uses it.")
    expires_at = InstantField(required=False, allow_null=True, help_text="In a year unless given; null for never.")


class ApiKeyViewSet(ReadViewSet):
    """Your own keys: other users' do not exist here. They end with a new password and with the last membership."""

    queryset = ApiKey.objects.all()
    serializer_class = ApiKeySerializer
    filterset_class = None
    ordering_fields = ("id", "name")
    answers_secret = True

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = ApiKey.objects.filter(user=self.request.user.pk)
        return rows

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        # a key that opens nothing
        return {**super().blank_new(data), "key": None, "prefix": None}

    @extend_schema(request=NewApiKeySerializer, responses={201: CreatedApiKeySerializer})
    def create(self, request: Request) -> Response:
        """A new key, which acts as you. It is answered this once."""
        form = NewApiKeySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        expires_at: datetime | None = form.validated_data.get("expires_at", now + VALID_FOR)
        if expires_at is not None and expires_at <= now:
            raise ValidationError({"expires_at": ["This time has passed: choose a later one, or null for never."]})
        name = form.validated_data["name"]
        key, secret = make_key(request.user, name, expires_at, now, request=request._request)
        data = {**ApiKeySerializer(key).data, "key": secret}
        return Response(data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke it: it is refused from now on."""
        revoke_keys([self.get_object()], timezone.now(), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SecurityEventSerializer(StrictModelSerializer[SecurityEvent]):
    user = serializers.IntegerField(source="user_id")

    class Meta:
        model = SecurityEvent
        fields = ["id", "at", "kind", "user", "actor", "address", "detail"]
        read_only_fields = fields


class SecurityEventFilter(django_filters.FilterSet):
    user = IdFilter(field_name="user_id")
    kind = django_filters.ChoiceFilter(choices=SecurityEventKind.choices())


class SecurityEventViewSet(ReadViewSet):
    """Logins, failed ones, keys, passwords, roles, second factors: your own and, for admins, their members'."""

    queryset = SecurityEvent.objects.all()
    serializer_class = SecurityEventSerializer
    filterset_class = SecurityEventFilter
    ordering_fields = ("id",)

    def get_queryset(self) -> QuerySet[Any]:
        return of_own_people(SecurityEvent.objects.all(), self.request.user)
