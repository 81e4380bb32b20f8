"""`/api/snippets`: templates and snippets of a workspace, written by every member, deleted by managers."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import serializers

from sequences.api.contacts import WorkspaceRowSerializer, WrittenViewSet
from sequences.authoring.snippets import validate_snippet
from sequences.choices import SnippetKind
from sequences.interface.api.base import IdFilter
from sequences.models import Snippet


class SnippetSerializer(WorkspaceRowSerializer):
    class Meta:
        model = Snippet
        fields = ["id", "workspace", "kind", "name", "subject", "body", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = {name: attrs.get(name, getattr(self.instance, name, "")) for name in ("kind", "subject", "body")}
        if problem := validate_snippet(now["kind"] or SnippetKind.SNIPPET, now["subject"], now["body"]):
            raise serializers.ValidationError({problem[0]: [problem[1]]})
        return attrs


class SnippetFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    kind = django_filters.ChoiceFilter(choices=SnippetKind.choices())


class SnippetViewSet(WrittenViewSet):
    """Texts to insert into emails. Every member writes them; managers and admins delete them."""

    queryset = Snippet.objects.all()
    serializer_class = SnippetSerializer
    filterset_class = SnippetFilter
    search_fields = ("name",)
    ordering_fields = ("id", "name", "updated_at")
