"""Saved views above a list: the filters, the search and the order under a name, of each user or for the workspace.

Managers can share a view with their workspace. Own views, and as a manager shared ones, can be deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse

from sequences.access.roles import is_manager, managed_workspaces, workspace_ids_of
from sequences.models import SavedView

MOST_VIEWS = 50
# the page of a list, and what the theme adds
_NOT_KEPT = ("p", "_changelist_filters", "e")


@dataclass(frozen=True, slots=True)
class ViewLink:
    pk: int
    label: str
    url: str
    is_current: bool
    is_shared: bool
    may_delete: bool


class ViewForm(forms.ModelForm[SavedView]):
    class Meta:
        model = SavedView
        fields = ("name", "query", "is_shared")


class HasSavedViews:
    """For admins of lists. `list_before_template` must include admin/parts/saved_views.html."""

    admin_site: Any
    model: Any
    list_before_template = "admin/parts/saved_views.html"

    def get_urls(self) -> list[Any]:
        opts = self.model._meta
        name = f"{opts.app_label}_{opts.model_name}"
        own = [
            path("views/", self.admin_site.admin_view(self._store_saved_view), name=f"{name}_save_view"),
            path("views/<int:pk>/", self.admin_site.admin_view(self._remove_saved_view), name=f"{name}_delete_view"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = _kept(request.GET)
        context = {
            "saved_views": self._list_views(request, now),
            "view_query": now,
            "may_share": managed_workspaces(request.user).exists(),
            "save_view_url": reverse(f"admin:{self._page}_save_view"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})  # type: ignore[misc,no-any-return]

    @property
    def _page(self) -> str:
        return f"{self.model._meta.app_label}_{self.model._meta.model_name}"

    def _list_views(self, request: HttpRequest, now: str) -> list[ViewLink]:
        rows: Any = SavedView.objects.for_user(request.user).filter(page=self._page)
        managed = set(managed_workspaces(request.user).values_list("pk", flat=True))
        return [
            ViewLink(
                pk=row.pk,
                label=row.name,
                url=f"?{row.query}",
                is_current=bool(now) and row.query == now,
                is_shared=row.is_shared,
                may_delete=row.user_id == request.user.pk or row.workspace_id in managed,
            )
            for row in rows.filter(Q(user=request.user.pk) | Q(is_shared=True))[:MOST_VIEWS]
        ]

    def _store_saved_view(self, request: HttpRequest) -> HttpResponse:
        listing = reverse(f"admin:{self._page}_changelist")
        if request.method != "POST" or not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        form = ViewForm({**request.POST.dict(), "query": _kept(QueryDict(request.POST.get("query", "")[:4000]))})
        own = workspace_ids_of(request.user)
        if not own or not form.is_valid():
            errors = [text for texts in form.errors.values() for text in texts]
            messages.error(request, f"The view was not saved: {errors[0] if errors else 'you are in no workspace.'}")
            return HttpResponseRedirect(listing)
        values = form.cleaned_data
        workspace_id = self._choose_workspace(QueryDict(values["query"]), own)
        if values["is_shared"] and not is_manager(request.user, workspace_id):
            raise PermissionDenied
        name = {"workspace_id": workspace_id, "user_id": request.user.pk, "page": self._page, "name": values["name"]}
        SavedView.objects.update_or_create(
            **name, defaults={"query": values["query"], "is_shared": values["is_shared"]}
        )
        messages.success(request, f"Saved the view {values['name']}.")
        return HttpResponseRedirect(f"{listing}?{values['query']}")

    def _choose_workspace(self, query: QueryDict, own: list[int]) -> int:
        """The workspace that the list is filtered by, else the user's first one."""
        wanted = query.get("workspace", "")
        return int(wanted) if wanted.isdecimal() and int(wanted) in own else own[0]

    def _remove_saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        rows: Any = SavedView.objects.for_user(request.user).filter(page=self._page, pk=pk)
        row = rows.filter(Q(user=request.user.pk) | Q(is_shared=True)).first()
        if row is None:
            raise Http404
        if request.method != "POST" or (
            row.user_id != request.user.pk and not is_manager(request.user, row.workspace_id)
        ):
            raise PermissionDenied
        row.delete()
        messages.success(request, f"Deleted the view {row.name}.")
        return HttpResponseRedirect(reverse(f"admin:{self._page}_changelist"))


def _kept(asked: QueryDict) -> str:
    """The filters, the search and the order, without empty ones and in one order."""
    kept = QueryDict(mutable=True)
    for name in sorted(asked):
        if name not in _NOT_KEPT and (values := [value for value in asked.getlist(name) if value]):
            kept.setlist(name, values)
    return kept.urlencode()
