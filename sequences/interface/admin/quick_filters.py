"""The piles of a list: what people come to look at, one click each. Each is a choice of filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict


@dataclass(frozen=True, slots=True)
class Pile:
    """One link above a list; `chosen` are the filters it sets."""

    label: str
    chosen: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    is_current: bool


class ShowsPiles:
    """For admins of lists: sets of filters as links above the list, and words for when a list is empty."""

    piles: tuple[Pile, ...] = ()
    list_before_template = "admin/parts/piles.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"piles": link_piles(self.piles, request.GET), **(extra_context or {})}
        return super().changelist_view(request, context)  # type: ignore[misc,no-any-return]


def link_piles(piles: tuple[Pile, ...], asked: QueryDict) -> list[Link]:
    """What else is filtered, searched and sorted stays; the page number does not."""
    names = {name for pile in piles for name, _ in pile.chosen}
    now_chosen = {name: asked[name] for name in names if asked.get(name)}
    links = []
    for pile in piles:
        wanted = asked.copy()
        for name in [*names, "p"]:
            wanted.pop(name, None)
        for name, value in pile.chosen:
            wanted[name] = value
        links.append(Link(pile.label, f"?{wanted.urlencode()}", dict(pile.chosen) == now_chosen))
    return links
