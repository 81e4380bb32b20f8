"""For forms of what people get their calendar from: whoever waits follows a change, and the page says how many."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from execution.control.replan_calendar import replanning
from sequences.interface.admin.base import name_actor


class ReplansOnSave:
    """Stands before the admin class whose `save_model` it surrounds."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, now = name_actor(request), timezone.now()
        with replanning(obj, form.cleaned_data, actor=actor, now=now) as followed:
            super().save_model(request, obj, form, change)  # type: ignore[misc]
        if followed.planned:
            messages.info(request, str(followed))
