"""The caps that belong to a mailbox itself, read along with it. Must not know any other cap."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery

from emails.choices import LimitScope, LimitWindow
from emails.models import SendLimit

#: The attribute of a mailbox that holds its cap in each window.
OWN_CAPS = {LimitWindow.DAY: "own_daily_cap", LimitWindow.HOUR: "own_hourly_cap"}


def own_caps() -> dict[str, Subquery]:
    """For `annotate` of mailboxes: the most messages in each window, None without such a cap."""
    caps = SendLimit.objects.filter(
        mailbox=OuterRef("pk"), scope=LimitScope.MAILBOX.value, recipient_domain="", first_touch_only=False
    )
    return {name: Subquery(caps.filter(window=window.value).values("maximum")[:1]) for window, name in OWN_CAPS.items()}
