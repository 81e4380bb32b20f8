"""Template filter for the titles of lists in the admin."""

from __future__ import annotations

from django import template
from django.contrib import admin

register = template.Library()


@register.filter
def list_title(title: str) -> str:
    """A model's plural name as the menu and the page of its list call it; other texts unchanged."""
    for model, page in admin.site._registry.items():
        if model._meta.verbose_name_plural == title:
            return getattr(page, "list_title", "") or title
    return title
