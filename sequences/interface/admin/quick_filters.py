"""Quick filters: links above a list, each of which sets a combination of filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict


@dataclass(frozen=True, slots=True)
class QuickFilter:
    """One link above a list; `chosen` are the filters it sets."""

    label: str
    chosen: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    is_current: bool


class HasQuickFilters:
    """For admins of lists: shows `quick_filters` above the list."""

    quick_filters: tuple[QuickFilter, ...] = ()
    list_before_template = "admin/parts/quick_filters.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"quick_filters": link_quick_filters(self.quick_filters, request.GET), **(extra_context or {})}
        return super().changelist_view(request, context)  # type: ignore[misc,no-any-return]


def link_quick_filters(quick_filters: tuple[QuickFilter, ...], asked: QueryDict) -> list[Link]:
    """The links. Other filters, the search and the order are kept; the page number is dropped."""
    names = {name for quick_filter in quick_filters for name, _ in quick_filter.chosen}
    now_chosen = {name: asked[name] for name in names if asked.get(name)}
    links = []
    for quick_filter in quick_filters:
        wanted = asked.copy()
        for name in [*names, "p"]:
            wanted.pop(name, None)
        for name, value in quick_filter.chosen:
            wanted[name] = value
        links.append(Link(quick_filter.label, f"?{wanted.urlencode()}", dict(quick_filter.chosen) == now_chosen))
    return links
