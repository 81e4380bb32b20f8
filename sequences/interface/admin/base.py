"""The base classes of the admin: tenant scope, rights, times, read-only models, filters.

Must not depend on any model in particular, and must not change anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import DateTimeField, ForeignKey, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from sequences.access.admin_rights import ChecksRights
from sequences.interface.admin.times import show_time
from sequences.interface.limits import MOST_SEARCH_WORDS
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace, WorkspaceOwnQuerySet

Column = TypeVar("Column", bound=Callable[..., Any])

MOST_CHOICES = 1_000
COUNTED_AT_MOST = 10_000
TEXT_ROWS = {"body": 10, "signature": 5, "instructions": 5}


def name_actor(request: HttpRequest) -> str:
    """The user's name in logs."""
    return getattr(request.user, "email", "") or request.user.get_username()


def scope_rows(queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """The rows of the user's workspaces; models without a workspace are not filtered."""
    user = request.user
    if isinstance(queryset, WorkspaceQuerySet | WorkspaceOwnQuerySet):
        return queryset.for_user(user)
    if issubclass(queryset.model, AbstractBaseUser) and not getattr(user, "is_superuser", False):
        return queryset.filter(memberships__workspace__memberships__user=user.pk).distinct()
    return queryset


def exact_name(field: str) -> str:
    """The name of the read-only display of a time field."""
    return f"exact_{field}"


def time_column(field: str, description: str = "", *, exact: bool = False) -> Callable[[Any], SafeString | str]:
    """A list column or read-only field for a time, sortable by it."""

    @admin.display(description=description or field.removesuffix("_at").replace("_", " "), ordering=field)
    def column(obj: Any) -> SafeString | str:
        return show_time(getattr(obj, field), exact=exact)

    column.__name__ = f"show_{field}"
    return column


class _Colours(dict[str, str]):
    """Defaults to no colour: without an entry the theme would show the stored word instead of its label."""

    def __missing__(self, key: str) -> str:
        return ""


def label_column(
    description: str, colours: Mapping[str, str] | bool = True, ordering: str = ""
) -> Callable[[Column], Column]:
    """A list column shown as a label; `colours` by the value of the column, or the first of its pair."""
    label = _Colours(colours) if isinstance(colours, Mapping) else colours
    decorate: Callable[[Column], Column] = display(description=description, label=label, ordering=ordering or None)
    return decorate


# Unique constraints: the field to mark, and the message instead of the constraint's name.
_DUPLICATES = {
    "account_domain_once": ("domain", "An account with this domain already exists."),
    "contact_email_once": ("email", "A contact with this address already exists."),
    "enroll_rule_name_once": ("name", "A rule of this name already exists."),
    "snippet_name_once": ("name", "A template or snippet of this name already exists."),
    "mailbox_pool_name_once": ("name", "A mailbox pool of this name already exists."),
    "mailbox_address_once": ("address", "A mailbox with this address already exists."),
    "suppression_domain_once": ("domain", "This domain is already suppressed."),
    "suppression_email_once": ("email", "This address is already suppressed."),
}
_BROKEN_RULE = re.compile(r"Constraint “(\w+)” is violated\.")


class OneWorkspaceForm(forms.ModelForm[Any]):
    """Refuses references to rows of another workspace, and explains violated unique constraints."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        lines = [str(line) for line in self.errors.pop(NON_FIELD_ERRORS, forms.utils.ErrorList())]
        broken = [rule[1] for rule in map(_BROKEN_RULE.fullmatch, lines) if rule]
        for line in lines:
            if not _BROKEN_RULE.fullmatch(line):
                self.add_error(None, line)
        for rule in broken:
            field, text = _DUPLICATES.get(rule, (None, f"Not saved: the database rule {rule} is violated."))
            if rule in _DUPLICATES or not self.errors:
                self.add_error(field, text)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace = self.cleaned_data.get("workspace") or (
            self.instance.workspace if self.instance.workspace_id else None
        )
        for name, value in list(self.cleaned_data.items()):
            other = getattr(value, "workspace_id", None) if isinstance(value, Model) else None
            if workspace is not None and other is not None and other != workspace.pk:
                self.add_error(name, f"This choice belongs to another workspace. Choose one of {workspace}.")
        return cleaned


class ScopedChoices:
    """Foreign keys offer and accept rows of the user's workspaces only; text areas get a suitable height."""

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
    """Rows of a table; each field has a label for screen readers."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            # the wrapper of a related field passes its attributes on
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = str(field.label or db_field.verbose_name)
        return field


class BoundedPaginator(Paginator[Any]):
    """Counts at most 10,001 rows: an exact count would scan a large table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED_AT_MOST + 1].count())


class WorkspaceAdmin(ChecksRights, ScopedChoices, ModelAdmin):
    """Rows of the user's workspaces; `right` says who can act on which of them.

    Each time field of the model also has a read-only display `exact_name(field)`. `list_title` replaces the model's
    name as the title of the list, `empty_text` explains an empty list.
    """

    list_title = ""
    empty_text = ""
    form: Any = OneWorkspaceForm
    list_filter_submit = True
    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    # Each facet would count a large table once more.
    show_facets = admin.ShowFacets.NEVER
    compressed_fields = True
    warn_unsaved_form = True
    # Models without a delete page of their own whose rows are deleted with a row of this model.
    takes_along: tuple[type[Model], ...] = ()

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        for field in model._meta.concrete_fields:
            if isinstance(field, DateTimeField):
                setattr(self, exact_name(field.name), time_column(field.name, exact=True))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_rows(super().get_queryset(request), request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """No patterns: the database could be busy with one for hours."""
        return not lookup.endswith("regex") and super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if len(search_term.split()) > MOST_SEARCH_WORDS:
            messages.error(request, f"Search for at most {MOST_SEARCH_WORDS} words.")
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = self.list_title or capfirst(self.model._meta.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        # Moving a row to another workspace would move the rows that refer to it.
        return [*fields, "workspace"] if obj is not None and hasattr(obj, "workspace_id") else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Preselects the workspace of a user who has only one."""
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
        """Of an existing row write only the fields of the form: the engine writes the others concurrently."""
        self.require_write(request, obj)
        obj.save(update_fields=self.list_written(obj, form) if change else None)

    def list_written(self, obj: Any, form: Any) -> list[str]:
        """The columns that saving a changed row writes."""
        fields = obj._meta.concrete_fields
        return [field.name for field in fields if field.name in form.fields or getattr(field, "auto_now", False)]

    def find_row(self, request: HttpRequest, object_id: str) -> Any:
        """The row, if the user can see it. Raises `PermissionDenied`, and `Http404` for rows of other workspaces."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row


class FactsAdmin(WorkspaceAdmin):
    """Read-only rows that only the product writes. Times are shown exactly."""

    empty_text = "Entries are added automatically."
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
    """A filter by a foreign key that offers the user's rows only. Set `title`, `parameter_name` and `related`."""

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
