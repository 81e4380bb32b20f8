"""Contacts with what their score is made of."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from emails.scores import explain_score
from sequences.admin import ContactBaseAdmin
from sequences.models import Contact

_WORDS = {"opened": "emails opened", "clicked": "emails clicked in", "replied": "emails answered"}


@admin.register(Contact)
class ContactAdmin(ContactBaseAdmin):
    readonly_fields = ("engagement_score", "show_engagement")
    fieldsets = (
        *ContactBaseAdmin.fieldsets[:-1],
        ("Merge fields", {"fields": ("fields",)}),
        ("Engagement", {"fields": ("engagement_score", "show_engagement")}),
    )

    @admin.display(description="made of")
    def show_engagement(self, contact: Contact) -> SafeString | str:
        now = timezone.now()
        parts: list[Any] = explain_score(contact.pk, now) if contact.pk else []
        if not parts:
            return "Nothing was opened, clicked or answered by a person yet."
        lines = (
            (f"{part.points:.1f}", part.count, _WORDS[part.type], timesince(part.newest_at, now, depth=1))
            for part in parts
        )
        return format_html_join(mark_safe("<br>"), "{} points: {} {}, the newest {} ago", lines)
