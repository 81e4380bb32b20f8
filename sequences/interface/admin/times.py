"""How the admin writes times and addresses. Not in admin_base: template libraries load before unfold does."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

# of "5 days, 18 hours ago" the days are what a reader wants
_LESSER_UNIT = re.compile(r",\s[^,]*?(?= ago$| from now$)")


def show_time(at: datetime | None, *, exact: bool = False) -> SafeString | str:
    """How long ago or until, after the time in the reader's zone when `exact`; the instant when pointed at."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    clock = f"{local:%a %d %b %Y, %H:%M} {local:%Z}"
    since = _LESSER_UNIT.sub("", str(naturaltime(at)))
    said = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    here = f"{local:%Y-%m-%d %H:%M:%S %Z}"
    pointed = said if here == said else f"{here}\n{said}"
    text = f"{clock} ({since})" if exact else since
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), pointed, text)


def show_breakable(word: str) -> SafeString:
    """An address that may go on in a second line after its @."""
    name, at, domain = word.partition("@")
    return format_html("{}<wbr>{}", name + at, domain) if domain else format_html("{}", word)
