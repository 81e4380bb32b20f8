"""The admin of auto-enrollment rules: the filter as fields, and a page that says who would enter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from execution.admin.logged import LogsChanges
from execution.choices import ControlTarget
from execution.control.auto_enroll import preview_rule
from execution.control.enroll_filter import FilterError
from execution.control.enroll_rule_edit import InvalidRuleError, save_rule, validate_rule
from sequences.access.admin_rights import MANAGERS
from sequences.interface.admin.base import OneWorkspaceForm, WorkspaceAdmin, filter_by, name_actor
from sequences.models import EnrollRule, Workspace

_LABELS = {
    "search": ("Search", "Words in the address, the name or the account's name."),
    "domain": ("Domain of the address", "Such as prospect.com."),
    "score_at_least": ("Engagement score, at least", ""),
    "merge_field_name": ("Merge field", "A contact field such as title, or a column of an imported file."),
    "merge_field_value": ("Part of its value", "Leave empty for any value."),
    "timezone": ("Time zone", "Such as Europe/Berlin."),
    "created_after": ("Added after", "A time such as 2031-03-02T09:00:00Z."),
    "contact_import": ("Import", "The number of a stored import."),
}
_SHOWN = 200
_PREVIEW = action(description="Preview", url_path="preview", permissions=["view"], icon="visibility")


def _filter_field(name: str) -> forms.Field:
    label, help_text = _LABELS[name]
    if name in {"score_at_least", "contact_import"}:
        return forms.IntegerField(
            label=label, required=False, min_value=0, widget=UnfoldAdminIntegerFieldWidget(), help_text=help_text
        )
    return forms.CharField(label=label, required=False, widget=UnfoldAdminTextInputWidget, help_text=help_text)


_FilterFields: Any = type("_FilterFields", (forms.Form,), {f"filter_{name}": _filter_field(name) for name in _LABELS})


class EnrollRuleForm(_FilterFields, OneWorkspaceForm):
    """Filters that the form does not show are kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.filter if isinstance(self.instance.filter, dict) else {}
        self.initial = {**{f"filter_{name}": stored.get(name, "") for name in _LABELS}, **self.initial}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        stored = self.instance.filter if isinstance(self.instance.filter, dict) else {}
        given = {name: self.cleaned_data.get(f"filter_{name}") for name in _LABELS}
        kept = {name: value for name, value in stored.items() if name not in _LABELS}
        self.instance.filter = {**kept, **{name: value for name, value in given.items() if value not in ("", None)}}
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        try:
            validate_rule(self.instance)
        except InvalidRuleError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))


class EnrollRuleBaseAdmin(WorkspaceAdmin):
    """The admin of the rules without the log of controls."""

    right = MANAGERS
    form = EnrollRuleForm
    list_title = "Auto-enrollment rules"
    empty_text = "Save a filter that enrolls contacts day by day."
    list_display = ("name", "is_active", "sequence", "mailbox", "owner", "daily_maximum", "problem", "workspace")
    list_filter = (filter_by(Workspace, "workspace", "name"),)
    list_select_related = ("workspace", "sequence", "mailbox", "owner")
    search_fields = ("name", "sequence__name")
    readonly_fields = ("problem", "made_by", "stored_filter")
    actions_detail = ("preview_one",)
    fieldsets = (
        (None, {"fields": ("workspace", ("name", "is_active"), "sequence", ("mailbox", "owner"), "daily_maximum")}),
        (
            "Contacts that match all of these",
            {
                "fields": (
                    ("filter_search", "filter_domain"),
                    ("filter_merge_field_name", "filter_merge_field_value"),
                    ("filter_score_at_least", "filter_timezone"),
                    ("filter_created_after", "filter_contact_import"),
                )
            },
        ),
        ("State", {"fields": ("problem", "made_by", "stored_filter")}),
    )

    @admin.display(description="filter")
    def stored_filter(self, rule: EnrollRule) -> str:
        return ", ".join(f"{name}: {value}" for name, value in rule.filter.items())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets[:2]
        # who cannot edit reads the filter as a text
        return self.fieldsets if self.has_change_permission(request, obj) else (self.fieldsets[0], self.fieldsets[2])

    def save_model(self, request: HttpRequest, obj: EnrollRule, form: Any, change: bool) -> None:
        self.require_write(request, obj)
        if not change:
            obj.made_by = name_actor(request)
        save_rule(obj, {}, timezone.now())

    def _preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rule = self.find_row(request, object_id)
        preview, problem = None, ""
        try:
            preview = preview_rule(rule, timezone.now())
        except FilterError as error:
            problem = f"{error}."
        context = {
            **self.admin_site.each_context(request),
            "title": f"Preview of {rule}",
            "rule": rule,
            "preview": preview,
            "problem": problem or (preview.problem if preview else ""),
            "contacts": preview.today[:_SHOWN] if preview else (),
            "back_url": reverse("admin:sequences_enrollrule_change", args=[rule.pk]),
        }
        return TemplateResponse(request, "admin/sequences/enrollrule/preview.html", context)

    preview_one = _PREVIEW(_preview)


@admin.register(EnrollRule)
class EnrollRuleAdmin(LogsChanges, EnrollRuleBaseAdmin):
    log_target = ControlTarget.ENROLL_RULE

    def list_logged(self, form: Any) -> set[str]:
        return {*super().list_logged(form), "filter"}
