"""For viewsets of rows that calendars come from: waiting enrollments are replanned after a change."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from execution.control.replan_calendar import replanning
from sequences.access.roles import name_actor


class ReplansOnUpdate:
    """Stands before the viewset whose `perform_update` it surrounds."""

    request: Any

    def perform_update(self, serializer: Any) -> None:
        actor, now = name_actor(self.request.user), timezone.now()
        with replanning(serializer.instance, serializer.validated_data, actor=actor, now=now):
            super().perform_update(serializer)  # type: ignore[misc]
