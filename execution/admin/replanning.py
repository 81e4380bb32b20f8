"""Replans waiting enrollments when a form changes a time zone or a calendar, and shows how many."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from execution.control.replan_calendar import replanning
from sequences.interface.admin.base import name_actor


class ReplansOnSave:
    """Base class to list before the admin class whose `save_model` it wraps."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, now = name_actor(request), timezone.now()
        with replanning(obj, form.cleaned_data, actor=actor, now=now) as replanned:
            super().save_model(request, obj, form, change)  # type: ignore[misc]
        if replanned.planned:
            messages.info(request, str(replanned))
