"""The admin of users, groups, API keys and the jobs of django-q2, in the product's look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from execution.control.keys import VALID_FOR, end_keys_of, make_key, revoke_keys
from execution.control.members import log_role
from execution.models import AgentDay, ApiKey
from execution.worker.schedules import OUR_FUNCTIONS
from sequences.access.security_log import of_own_people
from sequences.admin import MembershipInline
from sequences.interface.admin.base import FactsAdmin, by_choice, label_column, name_actor, scope_rows, time_column
from sequences.models import SecurityEvent

User: Any = get_user_model()
_EVENT_COLOURS = {"login_failed": "warning", "login_locked": "danger", "second_factor_off": "warning"}


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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            end_keys_of(obj, timezone.now(), reason="the user was deactivated", request=request)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        before = {each.instance.pk: each.initial.get("role") for each in formset.initial_forms}
        super().save_formset(request, form, formset, change)
        roles: list[tuple[Any, Any, Any]] = [(row, None, row.role) for row in formset.new_objects]
        roles += [(row, before.get(row.pk), row.role) for row, _ in formset.changed_objects]
        roles += [(row, row.role, None) for row in formset.deleted_objects]
        for row, old, new in roles:
            log_role(row.workspace, str(row.user), old, new, actor=name_actor(request), now=timezone.now())


class ProductGroupAdmin(GroupAdmin, ModelAdmin):
    filter_horizontal = ()


class ApiKeyForm(forms.ModelForm[Any]):
    def clean_expiry(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["expiry"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This time has passed. Choose a later one, or leave it empty for no expiry.")
        return at


class ApiKeyAdmin(ModelAdmin):
    """API keys: the key is shown once, when it is created; only its digest is stored. Delete a key to revoke it.

    Users see their own, and those of the members of workspaces that they are an admin of.
    """

    form = ApiKeyForm
    fields = ("name", "user", "expiry")
    list_display = (
        "show_name", "user", "show_prefix", time_column("created"), time_column("expiry", "expires"),
        time_column("last_used_at", "last used"), "show_changes", "show_state",
    )  # fmt: skip
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "user__username")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        today = AgentDay.objects.filter(key=OuterRef("pk"), day=timezone.now().astimezone(UTC).date())
        counted = super().get_queryset(request).annotate(changes_today=Subquery(today.values("changes")))
        return of_own_people(counted, request.user)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = timezone.now()
        proposed = {"name": f"key of {now:%Y-%m-%d}", "user": request.user.pk, "expiry": now + VALID_FOR}
        return {**proposed, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        # A key acts as its user: users create keys only for themselves.
        is_superuser = getattr(request.user, "is_superuser", False)
        users = User.objects.all() if is_superuser else User.objects.filter(pk=request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, **{"queryset": users, **kwargs})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="begins with", ordering="token_key")
    def show_prefix(self, key: Any) -> str:
        return f"{key.prefix}…"

    @admin.display(description="name", ordering="name")
    def show_name(self, key: Any) -> str:
        return str(key)

    @admin.display(description="rows changed by tools today", ordering="changes_today")
    def show_changes(self, key: Any) -> int:
        return key.changes_today or 0

    @label_column("state", {"valid": "success", "expired": "danger"}, ordering="expiry")
    def show_state(self, key: Any) -> str:
        return "expired" if key.expiry is not None and key.expiry <= timezone.now() else "valid"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made, secret = make_key(obj.user, obj.name, obj.expiry, timezone.now(), request=request)
        obj.pk, obj.shown_once = made.pk, secret

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        revoke_keys([obj], timezone.now(), request=request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        revoke_keys(queryset, timezone.now(), request=request)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "API key",
            "opts": self.model._meta,
            "key": obj,
            "token": obj.shown_once,
        }
        return TemplateResponse(request, "admin/token.html", context)


class SecurityEventAdmin(FactsAdmin):
    """One's own, and those of the members of workspaces that one is an admin of."""

    list_display = (time_column("at", "when"), "show_kind", "user", "detail", "actor", "address")
    list_display_links = ("show_kind",)
    list_filter = by_choice("kind")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__username", "actor", "address", "detail")
    hidden_fields = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return of_own_people(super().get_queryset(request), request.user)

    @label_column("event", _EVENT_COLOURS, ordering="kind")
    def show_kind(self, row: SecurityEvent) -> tuple[str, str]:
        return row.kind, row.get_kind_display()


class ScheduleForm(forms.ModelForm[Schedule]):
    func = forms.ChoiceField(
        label="Function", choices=[(name, name) for name in OUR_FUNCTIONS], widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = Schedule
        fields = ("name", "func", "schedule_type", "minutes", "repeats", "next_run")


class ProductScheduleAdmin(ScheduleAdmin, ModelAdmin):
    """Only the product's own functions: a free choice would let a stolen session run any code."""

    form = ScheduleForm
    fields = ("name", "func", "schedule_type", "minutes", "repeats", "next_run")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.args = obj.kwargs = obj.hook = obj.intended_date_kwarg = None
        super().save_model(request, obj, form, change)


@admin.action(description="Run selected jobs again")
def run_again(page: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """Queue the selected jobs once more, if they are the product's own."""
    own = [task for task in queryset if task.func in OUR_FUNCTIONS]
    for task in own:
        async_task(task.func, group=task.group)
    if own:
        messages.success(request, f"Queued: {len(own)}.")
    if others := sorted({str(task.func) for task in queryset if task.func not in OUR_FUNCTIONS}):
        messages.error(request, f"Not queued, since they are not functions of the product: {', '.join(others)}.")


class ProductSuccessAdmin(TaskAdmin, ModelAdmin):
    empty_text = FactsAdmin.empty_text
    actions = (run_again,)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ProductFailureAdmin(FailAdmin, ModelAdmin):
    empty_text = FactsAdmin.empty_text
    actions = (run_again,)

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
admin.site.register(SecurityEvent, SecurityEventAdmin)
