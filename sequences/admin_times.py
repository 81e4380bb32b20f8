"""How the admin writes a time. Apart from admin_base, because template libraries load before unfold does."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString


def show_time(at: datetime | None, *, exact: bool = False) -> SafeString | str:
    """How long ago or until; the exact time in UTC when pointed at, or before it when `exact`."""
    if at is None:
        return "–"
    said = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    text = f"{said} ({naturaltime(at)})" if exact else naturaltime(at)
    return format_html('<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>', at.isoformat(), said, text)
