"""The admin of workspaces, memberships, accounts and contacts, without actions.

execution.admin adds the actions, and the admin of sequences and enrollments, since they need the engine.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from common.addresses import AddressError, parse_address, parse_website
from sequences.access.admin_rights import ADMINS, MANAGERS, MEMBERS
from sequences.access.members import LAST_ADMIN, is_last_admin
from sequences.authoring.snippets import validate_snippet
from sequences.choices import Role
from sequences.contacts.csv_form import FIELDS_TOO_LARGE, MOST_FIELDS_BYTES, size_of_fields
from sequences.contacts.erased import ErasedError, require_not_erased
from sequences.contacts.operations import validate_fields
from sequences.interface.admin.base import (
    OneWorkspaceForm,
    RowInline,
    ScopedChoices,
    WorkspaceAdmin,
    by_choice,
    filter_by,
    time_column,
)
from sequences.interface.admin.merge_fields import MergeFieldsField
from sequences.models import Membership, Snippet, Workspace

WorkspaceFilter = filter_by(Workspace, "workspace", "name")


class MembershipForm(forms.ModelForm[Membership]):
    """The user and workspace of a row are fixed: offering all users would cost a query and a list per row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name in self.fields.keys() & {"user", "workspace"}:
                field: Any = self.fields[name]
                kept = getattr(self.instance, name)
                field.disabled = True
                field.choices = [(kept.pk, str(kept))]


class OneMembershipForm(MembershipForm):
    """On a page of its own, where no other member becomes an admin at the same time."""

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if self.instance.pk and role != Role.ADMIN:
            with transaction.atomic():
                if is_last_admin(self.instance):
                    raise forms.ValidationError(LAST_ADMIN)
        return role


class MembershipFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Refuses to leave the workspace of a page without an admin."""

    def clean(self) -> None:
        super().clean()
        if not isinstance(self.instance, Workspace):
            return
        kept = [form for form in self.forms if form not in self.deleted_forms]
        has_admin = any(getattr(form, "cleaned_data", {}).get("role") == Role.ADMIN for form in kept)
        if not has_admin and Membership.objects.filter(workspace=self.instance.pk, role=Role.ADMIN).exists():
            raise forms.ValidationError(LAST_ADMIN)


class MembershipInline(ScopedChoices, RowInline):
    model = Membership
    form: Any = MembershipForm
    formset = MembershipFormSet
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("user", "workspace")
        return rows


class WorkspaceBaseAdmin(WorkspaceAdmin):
    """The admin of workspaces without replanning."""

    right = ADMINS
    form: Any = forms.ModelForm
    list_display = ("name", "slug", "timezone", "holiday_country", "account_reply_policy")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": (("name", "slug"), "postal_address")}),
        ("Time", {"fields": ("timezone", ("holiday_country", "holidays_of"), "extra_holidays")}),
        ("Replies", {"fields": (("account_reply_policy", "account_reply_delay_days"), "hand_written_policy")}),
        ("Enrolling", {"fields": (("answered_within_days", "cool_down_days"), "parallel_sequences")}),
        ("First email", {"fields": ("verify_addresses",)}),
        ("Tracking", {"fields": (("track_opens", "track_clicks"),)}),
        ("Retention", {"fields": ("retention_days",)}),
        ("Logins", {"fields": ("require_second_factor",)}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Would delete its members, contacts, sequences and the history of sent emails.
        return False


class MembershipBaseAdmin(WorkspaceAdmin):
    """The admin of members without the log of controls."""

    right = ADMINS
    form: Any = OneMembershipForm
    list_display = ("user", "workspace", "role")
    list_filter = (WorkspaceFilter, *by_choice("role"))
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "user__username", "workspace__name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "user"] if obj is not None else fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_delete_permission(request, obj):
            return False
        if obj is None:
            return True
        with transaction.atomic():
            return not is_last_admin(obj)

    def get_actions(self, request: HttpRequest) -> Any:
        # deleting many at once would not see that the last admin is among them
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}


class AccountForm(OneWorkspaceForm):
    """Stores the domain in the form that files and the API store."""

    def clean_domain(self) -> str:
        domain = str(self.cleaned_data["domain"])
        try:
            return parse_website(domain) if domain.strip() else ""
        except AddressError as error:
            raise forms.ValidationError(f"{error}.") from None


class AccountBaseAdmin(WorkspaceAdmin):
    """Accounts without the actions on their contacts."""

    right = MEMBERS
    delete_right = action_right = MANAGERS
    form = AccountForm

    list_display = ("name", "domain", "engagement_score", "timezone", "workspace")
    list_filter = (WorkspaceFilter,)
    list_select_related = ("workspace",)
    search_fields = ("name", "domain")
    fieldsets: Any = ((None, {"fields": ("workspace", ("name", "domain"), "timezone")}),)


class ContactForm(OneWorkspaceForm):
    """Stores the address in the form that files and the API store."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "fields" in self.fields:
            # the values that unchanged rows keep with their type
            self.fields["fields"].initial = self.instance.fields

    def clean_email(self) -> str:
        try:
            return parse_address(str(self.cleaned_data["email"]))
        except AddressError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = self.cleaned_data["fields"] or {}
        # the field itself has read what was changed; the size is that of all
        if size_of_fields(fields) > MOST_FIELDS_BYTES:
            raise forms.ValidationError(f"{FIELDS_TOO_LARGE}.")
        return fields

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace = self.cleaned_data.get("workspace") or getattr(self.instance, "workspace", None)
        if workspace is not None and "email" in self.cleaned_data and "email" in self.changed_data:
            try:
                require_not_erased(workspace.pk, self.cleaned_data["email"])
            except ErasedError as error:
                self.add_error("email", f"{error}.")
        return cleaned


class ContactBaseAdmin(WorkspaceAdmin):
    """The admin of contacts without actions and without the details of the score."""

    right = MEMBERS
    delete_right = MANAGERS
    form = ContactForm
    list_display = ("email", "full_name", "title", "account", "engagement_score", time_column("created_at", "added"))
    list_filter: Any = (WorkspaceFilter,)
    list_select_related = ("account",)
    search_fields = ("email", "first_name", "last_name", "account__name", "external_id__exact")
    # newest first: sorting by address takes seconds on large tables
    ordering = ("-pk",)
    empty_text = "Import a CSV file, or add contacts one by one."
    autocomplete_fields = ("account",)
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    "workspace", ("email", "phone"), ("first_name", "last_name"), ("title", "account"),
                    ("timezone", "external_id"), "fields",
                )
            },
        ),
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "fields":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return MergeFieldsField(
            validate_fields=validate_fields,
            required=False,
            label="Merge fields",
            help_text="What templates can insert beside the fields above, as {{ contact.name }}.",
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("email", "pk")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # erased contacts stay erased
        is_erased = getattr(obj, "erased_at", None) is not None
        return not is_erased and bool(super().has_change_permission(request, obj))


class SnippetForm(OneWorkspaceForm):
    """Validates the templates as the API does."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        now = [str(self.cleaned_data.get(name, "")) for name in ("kind", "subject", "body")]
        if problem := validate_snippet(*now):
            self.add_error(*problem)
        return cleaned


@admin.register(Snippet)
class SnippetAdmin(WorkspaceAdmin):
    right = MEMBERS
    delete_right = MANAGERS
    form = SnippetForm
    list_title = "Templates and snippets"
    empty_text = "Write a text once and insert it into emails."
    list_display = ("name", "kind", "subject", "workspace", time_column("updated_at", "changed"))
    list_filter = (*by_choice("kind"), WorkspaceFilter)
    list_select_related = ("workspace",)
    search_fields = ("name", "subject")
    fieldsets = ((None, {"fields": ("workspace", ("name", "kind"), "subject", "body")}),)
