"""The words of tasks. No Django, so that pure modules may use them."""

from __future__ import annotations

from sequences.choices import Choice


class TaskStatus(Choice):
    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
