"""The search of the desk (Ctrl+K): contacts, accounts and sequences of the user's workspaces, and pages of the menu.

Answers the fragment that the theme's search box shows. Nothing is kept between two searches.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult

from sequences.interface.admin.base import scope_rows
from sequences.interface.limits import MOST_SEARCH_WORDS
from sequences.models import Account, Contact, Sequence

MOST_OF_A_KIND = 8
_SHORTEST = 2
_KINDS: tuple[tuple[type[Model], str, tuple[str, ...], str], ...] = (
    (Contact, "person", ("email", "first_name", "last_name", "account__name"), "Contact"),
    (Account, "domain", ("name", "domain"), "Account"),
    (Sequence, "account_tree", ("name",), "Sequence"),
)


def search_desk(request: HttpRequest) -> HttpResponse:
    """What fits the text in `s`; empty for fewer than two characters, and for more words than are searched for."""
    words = request.GET.get("s", "").replace("\0", "").lower().split()
    if len("".join(words)) < _SHORTEST or len(words) > MOST_SEARCH_WORDS:
        return HttpResponse()
    results = [*_find_rows(request, words), *_find_pages(request, words)]
    page = Paginator(results, max(len(results), 1)).page(1)
    context = {"page_obj": page.paginator, "results": page, "page_counter": 0, "command_show_history": True}
    return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"})


def _find_rows(request: HttpRequest, words: list[str]) -> list[SearchResult]:
    found: list[SearchResult] = []
    for model, icon, fields, kind in _KINDS:
        opts = model._meta
        if not request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
            continue
        rows = scope_rows(model._default_manager.all(), request)
        for row in _matching(rows, words, fields).order_by("-pk")[:MOST_OF_A_KIND]:
            link = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
            title, description = _describe(row, kind)
            found.append(SearchResult(title=title, description=description, link=link, icon=icon))
    return found


def _matching(rows: QuerySet[Any], words: list[str], fields: tuple[str, ...]) -> QuerySet[Any]:
    """Rows in which each word occurs in some field."""
    for word in words:
        wanted = Q()
        for field in fields:
            wanted |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(wanted)
    return rows.select_related("account") if rows.model is Contact else rows


def _describe(row: Any, kind: str) -> tuple[str, str]:
    if isinstance(row, Contact):
        facts = [kind, row.email if row.full_name else "", row.account.name if row.account else ""]
        return row.full_name or row.email, " · ".join(fact for fact in facts if fact)
    if isinstance(row, Sequence):
        return row.name, f"{kind} · {row.get_status_display()}"
    return row.name, f"{kind} · {row.domain}" if row.domain else kind


def _find_pages(request: HttpRequest, words: list[str]) -> list[SearchResult]:
    site: Any = admin.site
    return [
        SearchResult(title=str(item["title"]), description="Page", link=str(item["link"]), icon=item.get("icon"))
        for group in site.get_sidebar_list(request)
        for item in group["items"]
        if item.get("has_permission", True) and all(word in str(item["title"]).lower() for word in words)
    ]
