"""Which rules of timing apply to which type of step. Pure.

Email and task steps reach people: they obey the sending window and the holidays, and emails also the time off of their
mailbox's owner. Delay and conditional-split steps only pass time: nothing but their own delay, send_time and
skip_weekends moves them.
"""

from __future__ import annotations

from sequences.choices import StepType
from sequences.time.contact_calendar import ContactCalendar
from sequences.time.timing import Calendar, Window


def calendar_for(step_type: str, window: Window, contact: ContactCalendar) -> Calendar:
    """The calendar in which a step of this type is planned for this contact."""
    if step_type == StepType.EMAIL.value:
        return contact.sending_within(window)
    return contact.within(window) if step_type == StepType.TASK.value else contact.without_window()
