"""The admin of users, groups, API keys and the jobs of django-q2, in the product's look."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from knox.models import get_digest_token
from knox.settings import CONSTANTS
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from execution.models import DIGEST_SHOWN, ApiKey
from sequences.access.roles import administered_workspaces
from sequences.admin import MembershipInline
from sequences.interface.admin.base import FactsAdmin, label_column, scope_rows, time_column
from sequences.models import Membership

User: Any = get_user_model()


class UserMembershipInline(MembershipInline):
    tab = False


class ProductUserAdmin(UserAdmin[Any], ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (UserMembershipInline,)
    # the theme's select boxes are searchable and accessible; Django's paired lists are not
    filter_horizontal = ()
    list_display = ("email", "username", "first_name", "last_name", "is_staff", "is_active")
    list_display_links = ("email", "username")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_rows(super().get_queryset(request), request)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        # A user can have roles in workspaces that this user cannot see: other users set roles on a workspace's page.
        return super().get_inlines(request, obj) if getattr(request.user, "is_superuser", False) else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if getattr(request.user, "is_superuser", False):
            return fields
        return [*fields, "is_superuser", "is_staff", "groups", "user_permissions"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        outranks = getattr(obj, "is_superuser", False) and not getattr(request.user, "is_superuser", False)
        return not outranks and super().has_change_permission(request, obj)


class ProductGroupAdmin(GroupAdmin, ModelAdmin):
    filter_horizontal = ()


class ApiKeyForm(forms.ModelForm[Any]):
    def clean_expiry(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["expiry"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This time has passed. Choose a later one, or leave it empty for no expiry.")
        return at


class ApiKeyAdmin(ModelAdmin):
    """API keys: the key is shown once, when it is created; only its digest is stored. Delete a key to revoke it."""

    form = ApiKeyForm
    fields = ("name", "user", "expiry")
    list_display = (
        "show_name", "user", "show_digest", time_column("created"), time_column("expiry", "expires"), "show_state",
    )  # fmt: skip
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "user__username")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """One's own keys, and those of the members of workspaces that one is an admin of."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return rows
        members = Membership.objects.filter(workspace__in=administered_workspaces(request.user)).order_by()
        return rows.filter(Q(user=request.user.pk) | Q(user__in=members.values("user")))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        name = f"key of {timezone.now():%Y-%m-%d}"
        return {"name": name, "user": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        # A key acts as its user: users create keys only for themselves.
        is_superuser = getattr(request.user, "is_superuser", False)
        users = User.objects.all() if is_superuser else User.objects.filter(pk=request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, **{"queryset": users, **kwargs})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="digest", ordering="digest")
    def show_digest(self, key: Any) -> str:
        return f"{key.digest[:DIGEST_SHOWN]}…"

    @admin.display(description="name", ordering="name")
    def show_name(self, key: Any) -> str:
        return str(key)

    @label_column("state", {"valid": "success", "expired": "danger"}, ordering="expiry")
    def show_state(self, key: Any) -> str:
        return "expired" if key.expiry is not None and key.expiry <= timezone.now() else "valid"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.digest, obj.shown_once = get_digest_token()
        obj.token_key = obj.shown_once[: CONSTANTS.TOKEN_KEY_LENGTH]
        obj.save(force_insert=True)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "API key",
            "opts": self.model._meta,
            "key": obj,
            "token": obj.shown_once,
        }
        return TemplateResponse(request, "admin/token.html", context)


class ProductScheduleAdmin(ScheduleAdmin, ModelAdmin):
    pass


class ProductSuccessAdmin(TaskAdmin, ModelAdmin):
    empty_text = FactsAdmin.empty_text

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ProductFailureAdmin(FailAdmin, ModelAdmin):
    empty_text = FactsAdmin.empty_text

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ProductQueueAdmin(QueueAdmin, ModelAdmin):
    empty_text = FactsAdmin.empty_text

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


_PAGES: tuple[tuple[Any, Any], ...] = (
    (User, ProductUserAdmin),
    (Group, ProductGroupAdmin),
    (Schedule, ProductScheduleAdmin),
    (Success, ProductSuccessAdmin),
    (Failure, ProductFailureAdmin),
    (OrmQ, ProductQueueAdmin),
)
for _model, _page in _PAGES:
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
        admin.site.register(_model, _page)
admin.site.register(ApiKey, ApiKeyAdmin)
