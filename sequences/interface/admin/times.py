"""Formats times and addresses for the admin. Not in `base`: template libraries load before unfold does."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

# drops the smaller unit: "5 days, 18 hours ago" becomes "5 days ago"
_LESSER_UNIT = re.compile(r",\s[^,]*?(?= ago$| from now$)")


def show_time(at: datetime | None, *, exact: bool = False) -> SafeString | str:
    """The relative time; with `exact` after the time in the reader's zone. The tooltip has the instant."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    clock = f"{local:%a %d %b %Y, %H:%M} {local:%Z}"
    since = _LESSER_UNIT.sub("", str(naturaltime(at)))
    return _mark_up(at, f"{clock} ({since})" if exact else since)


def show_clock(at: datetime | None) -> SafeString | str:
    """The time of day in the reader's zone, with the day when that is not today."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    return _mark_up(at, f"{local:%H:%M}" if is_today else f"{local:%a %d %b, %H:%M}")


def _mark_up(at: datetime, text: str) -> SafeString:
    """With the reader's time and the instant as its tooltip."""
    instant = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    here = f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}"
    tooltip = instant if here == instant else f"{here}\n{instant}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), tooltip, text)


def show_breakable(word: str) -> SafeString:
    """An address that can wrap after its @."""
    name, at, domain = word.partition("@")
    return format_html("{}<wbr>{}", name + at, domain) if domain else format_html("{}", word)
