"""Names in the OpenAPI document that generated clients read well. Must not decide what an endpoint answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework.serializers import Serializer

_STANDARD_ACTIONS = frozenset({"list", "create", "retrieve", "update", "partial_update", "destroy"})
_ALWAYS = frozenset({"options", "head"})
_ID_PATTERN = "^[0-9]{1,18}$"
_ID_SCHEMA = {"type": "integer", "format": "int64", "minimum": 1}


class DocumentedSchema(AutoSchema):
    """Operations are named `resource_action`, ids in paths are integers, components have the names users know."""

    def get_operation_id(self) -> str:
        """`sequences_list`, `sequences_pause`; where one address takes several verbs, the verb's word is last."""
        name: str = super().get_operation_id()
        if self._is_standard():
            return name
        bare, _, word = name.rpartition("_")
        bare = bare.removesuffix("_partial") if word == "update" else bare
        if len(self._verbs()) == 1:
            return bare
        return bare if self.method == "GET" else f"{bare}_{self.method.lower()}"

    def get_serializer_name(self, serializer: Serializer[Any], direction: Direction) -> str:
        """Without the underscore of a private class and without *Form*, which only tells input from output."""
        name: str = super().get_serializer_name(serializer, direction)
        return name.lstrip("_").removesuffix("Serializer").removesuffix("Form")

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter["schema"].get("pattern") == _ID_PATTERN:
                parameter["schema"] = dict(_ID_SCHEMA)
        return parameters

    def _is_standard(self) -> bool:
        action = getattr(self.view, "action", None)
        return len(self._verbs()) > 1 if action is None else action in _STANDARD_ACTIONS

    def _verbs(self) -> set[str]:
        """Those of the address, in lower case."""
        mapping = getattr(self.view, "action_map", None)
        return set(mapping or {verb for verb in self.view.http_method_names if hasattr(self.view, verb)}) - _ALWAYS
