"""Template filters for the titles of lists and rows in the admin."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from sequences.interface.admin.times import show_breakable

register = template.Library()


@register.filter
def list_title(title: str) -> str:
    """A model's plural name as the menu and the page of its list call it; other texts unchanged."""
    for model, page in admin.site._registry.items():
        if model._meta.verbose_name_plural == title:
            return getattr(page, "list_title", "") or title
    return title


@register.filter
def row_title(part: Any) -> str:
    """A row as its admin names it (`name_row`), else as the model does; other texts unchanged."""
    name_row = getattr(admin.site._registry.get(type(part)), "name_row", str) if isinstance(part, Model) else str
    return str(name_row(part))


@register.filter
def hold_text(held_by: str) -> str:
    """The detail of a hold that is stored as `code: detail`."""
    return held_by.partition(": ")[2] or held_by


@register.filter
def readable_value(field: Any, request: HttpRequest) -> Any:
    """A read-only field's value; a reference to a row that the reader cannot open is its name, without the link."""
    column = field.resolved_field[0] if field.resolved_field else None
    if isinstance(column, ForeignKey):
        opts: Any = column.remote_field.model._meta
        if not request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
            return str(getattr(field.form.instance, column.name))
    return field.contents()


@register.filter
def sentence(text: str) -> str:
    """With a capital letter, unless it begins with an address."""
    return text if "@" in text.partition(" ")[0] else text[:1].upper() + text[1:]


@register.filter
def breakable(word: str) -> SafeString:
    """A name or an address, which can wrap after its @."""
    return show_breakable(word)
