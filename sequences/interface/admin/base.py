"""What every page of the admin shares: whose rows it shows, how it prints times, what it never lets anybody edit.

Must not know any model in particular, and must not change anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import DateTimeField, ForeignKey, Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from sequences.access.admin_rights import ChecksRights
from sequences.interface.admin.times import show_time
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace, WorkspaceOwnQuerySet

Column = TypeVar("Column", bound=Callable[..., Any])

MOST_CHOICES = 1_000
COUNTED_AT_MOST = 10_000
TEXT_ROWS = {"body": 10, "signature": 5, "instructions": 5}


def name_actor(request: HttpRequest) -> str:
    """The person as logs name them."""
    return getattr(request.user, "email", "") or request.user.get_username()


def scope_rows(queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Rows of the workspaces that the person belongs to; models without a workspace are left as they are."""
    user = request.user
    if isinstance(queryset, WorkspaceQuerySet | WorkspaceOwnQuerySet):
        return queryset.for_user(user)
    if issubclass(queryset.model, AbstractBaseUser) and not getattr(user, "is_superuser", False):
        return queryset.filter(memberships__workspace__memberships__user=user.pk).distinct()
    return queryset


def exact_name(field: str) -> str:
    """What the read-only form of a time is called."""
    return f"exact_{field}"


def time_column(field: str, description: str = "", *, exact: bool = False) -> Callable[[Any], SafeString | str]:
    """A list column or read-only field for a time, sortable by it."""

    @admin.display(description=description or field.removesuffix("_at").replace("_", " "), ordering=field)
    def column(obj: Any) -> SafeString | str:
        return show_time(getattr(obj, field), exact=exact)

    column.__name__ = f"show_{field}"
    return column


class _Colours(dict[str, str]):
    """Without a colour the theme would show the stored word instead of the one for people."""

    def __missing__(self, key: str) -> str:
        return ""


def label_column(
    description: str, colours: Mapping[str, str] | bool = True, ordering: str = ""
) -> Callable[[Column], Column]:
    """A list column drawn as a label; `colours` by the first of what the column answers, or by its only answer."""
    label = _Colours(colours) if isinstance(colours, Mapping) else colours
    decorate: Callable[[Column], Column] = display(description=description, label=label, ordering=ordering or None)
    return decorate


# What the database holds unique by a rule of its own: the field, and what to say where its name would stand.
_THERE_ALREADY = {
    "account_domain_once": ("domain", "There is an account with this domain already."),
    "contact_email_once": ("email", "There is a contact with this address already."),
    "mailbox_address_once": ("address", "There is a mailbox with this address already."),
    "suppression_domain_once": ("domain", "It is on the list already."),
    "suppression_email_once": ("email", "It is on the list already."),
}
_BROKEN_RULE = re.compile(r"Constraint “(\w+)” is violated\.")


class OneWorkspaceForm(forms.ModelForm[Any]):
    """Refuses to tie rows of two workspaces together, and says in words what is there already."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        lines = [str(line) for line in self.errors.pop(NON_FIELD_ERRORS, forms.utils.ErrorList())]
        broken = [rule[1] for rule in map(_BROKEN_RULE.fullmatch, lines) if rule]
        for line in lines:
            if not _BROKEN_RULE.fullmatch(line):
                self.add_error(None, line)
        for rule in broken:
            field, said = _THERE_ALREADY.get(rule, (None, f"It breaks the rule {rule}."))
            if rule in _THERE_ALREADY or not self.errors:
                self.add_error(field, said)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace = self.cleaned_data.get("workspace") or (
            self.instance.workspace if self.instance.workspace_id else None
        )
        for name, value in list(self.cleaned_data.items()):
            other = getattr(value, "workspace_id", None) if isinstance(value, Model) else None
            if workspace is not None and other is not None and other != workspace.pk:
                self.add_error(name, f"It belongs to another workspace: choose one of {workspace}.")
        return cleaned


class ScopedChoices:
    """Foreign keys offer, and accept, rows of the person's own workspaces only; texts get fields of sensible height."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, forms.Textarea):
            field.widget.attrs["rows"] = TEXT_ROWS.get(db_field.name, 3)
        return field

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        related: Any = db_field.remote_field.model
        kwargs.setdefault("queryset", scope_rows(related._default_manager.all(), request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class RowInline(TabularInline):
    """Rows of a table, each field named to those who do not see its column's head."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            # what wraps a choice for its links hands its attributes on
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = str(field.label or db_field.verbose_name)
        return field


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ten thousand rows and one: an exact count of a hot table is a scan of it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED_AT_MOST + 1].count())


class WorkspaceAdmin(ChecksRights, ScopedChoices, ModelAdmin):
    """Rows of the person's own workspaces, and who may act on which of them (`right`).

    Each time of the model is also there as `exact_name(field)`, to show and not to edit.
    """

    form: Any = OneWorkspaceForm
    list_filter_submit = True
    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    # Each facet would count a hot table once more.
    show_facets = admin.ShowFacets.NEVER
    compressed_fields = True
    warn_unsaved_form = True
    # Models without a page to delete them on, whose rows go with a row of this one.
    takes_along: tuple[type[Model], ...] = ()

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        for field in model._meta.concrete_fields:
            if isinstance(field, DateTimeField):
                setattr(self, exact_name(field.name), time_column(field.name, exact=True))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_rows(super().get_queryset(request), request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        # A row that moved to another tenant would take along what points to it.
        return [*fields, "workspace"] if obj is not None and hasattr(obj, "workspace_id") else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Who has one workspace need not name it."""
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        if any(field.name == "workspace" for field in self.model._meta.fields):
            own = list(Workspace.objects.for_user(request.user).values_list("pk", flat=True)[:2])
            if len(own) == 1:
                data.setdefault("workspace", own[0])
        return data

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {model._meta.verbose_name for model in self.takes_along}, protected

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Of a row that is there only what the form asks for is written: the engine writes the rest meanwhile."""
        self.require_write(request, obj)
        obj.save(update_fields=self.list_written(obj, form) if change else None)

    def list_written(self, obj: Any, form: Any) -> list[str]:
        """The columns that saving a changed row writes."""
        fields = obj._meta.concrete_fields
        return [field.name for field in fields if field.name in form.fields or getattr(field, "auto_now", False)]

    def find_row(self, request: HttpRequest, object_id: str) -> Any:
        """The row, if the person may see it. Raises `PermissionDenied`, and `Http404` for another workspace's."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row


class FactsAdmin(WorkspaceAdmin):
    """Rows that only the product writes: nobody adds, edits or deletes them here. Times are shown exactly."""

    empty_says = "They appear here by themselves."
    hidden_fields: tuple[str, ...] = ()
    leading_fields: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        names = [field.name for field in self.model._meta.concrete_fields]
        rest = [name for name in names if name not in {*self.hidden_fields, *self.leading_fields}]
        return [*self.leading_fields, *(self._presented(name) for name in rest)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return [name for name in self.get_fields(request, obj) if isinstance(name, str)]

    def _presented(self, name: str) -> str:
        return exact_name(name) if isinstance(self.model._meta.get_field(name), DateTimeField) else name


class ScopedFilter(DropdownFilter):
    """A filter by a foreign key that offers the person's own rows only. Set `title`, `parameter_name` and `model`."""

    related: type[Model] | None = None
    order_by = "pk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        model: Any = self.related or get_user_model()
        rows = scope_rows(model._default_manager.all(), request).order_by(self.order_by)[:MOST_CHOICES]
        return [(str(row.pk), str(row)) for row in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value and value.isdigit():
            return queryset.filter(**{f"{self.parameter_name}_id": int(value)})
        return queryset


def by_choice(*names: str) -> tuple[tuple[str, type[ChoicesDropdownFilter]], ...]:
    """Filters by fields with choices."""
    return tuple((name, ChoicesDropdownFilter) for name in names)


class OwnerFilter(ScopedFilter):
    title = "owner"
    parameter_name = "owner"
    order_by = "email"


def filter_by(model: type[Model], name: str, order_by: str) -> type[ScopedFilter]:
    """A `ScopedFilter` for the foreign key `name` to `model`."""
    attributes = {"title": name, "parameter_name": name, "related": model, "order_by": order_by}
    return type(f"{model.__name__}Filter", (ScopedFilter,), attributes)
