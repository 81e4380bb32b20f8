"""`/api/suppression-imports`: how far stored imports of suppressions have come, and the rows that they rejected."""

from __future__ import annotations

from sequences.api.contact_imports import StoredImportSerializer, StoredImportViewSet
from sequences.choices import ImportKind
from sequences.models import ContactImport


class SuppressionImportSerializer(StoredImportSerializer):
    """`known` were on the list already, for as long or longer; `updated` last longer now."""

    route = "suppression-import"

    class Meta(StoredImportSerializer.Meta):
        fields = [*StoredImportSerializer.Meta.fields, "known", "reason"]
        read_only_fields = fields


class SuppressionImportViewSet(StoredImportViewSet):
    """Imports of suppressions by files of more than 1 MB or 2,000 lines. Kept for 30 days after their end."""

    queryset = ContactImport.objects.filter(kind=ImportKind.SUPPRESSIONS.value).defer("content")
    serializer_class = SuppressionImportSerializer
