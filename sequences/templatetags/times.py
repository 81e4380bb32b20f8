"""Template filters for times in the admin, formatted by sequences.interface.admin.times."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from sequences.interface.admin.times import show_clock, show_time

register = template.Library()


@register.filter
def relative_time(at: datetime | None) -> SafeString | str:
    return show_time(at)


@register.filter
def exact_time(at: datetime | None) -> SafeString | str:
    return show_time(at, exact=True)


@register.filter
def clock_time(at: datetime | None) -> SafeString | str:
    return show_clock(at)
