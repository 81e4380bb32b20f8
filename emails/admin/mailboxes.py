"""The form of a mailbox. Secrets can be set but are never shown: not in a field, a page or the history."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from common.addresses import AddressError, parse_address
from common.encryption import Secrets
from emails.choices import LimitScope
from emails.hooks.providers import WORDS
from emails.hooks.views import list_hook_urls
from emails.mailbox.secret_places import ask_again, find_moved
from emails.models import InboxState, Mailbox, SendLimit
from emails.rendering.signatures import check_signature
from emails.sending.lanes import apply_new_caps, probe_now
from emails.transport.endpoints import find_refused_endpoint
from emails.transport.tls import CA_PEM, CertificateOptionError, validate_certificate_options
from sequences.access.admin_rights import Right
from sequences.interface.admin.base import OneWorkspaceForm, RowInline, WorkspaceAdmin, by_choice, exact_name

_FACTS = (
    "status", "status_reason", "status_actor", "breaker_state", "breaker_failures", "breaker_error",
    "ramp_allowance", "ramp_day",
)  # fmt: skip
_TIMES = ("status_at", "breaker_until", "next_slot_at", "inbox_read_at")


class WriteOnlyTextarea(UnfoldAdminTextareaWidget):
    """Always rendered empty, also when the form is shown again with errors."""

    def format_value(self, value: Any) -> str:
        return ""


def _clean_address(text: str) -> str:
    try:
        return parse_address(text)
    except AddressError as error:
        raise forms.ValidationError(f"{error}.") from None


class MailboxForm(OneWorkspaceForm):
    """`password`, `imap_password` and `other_secrets` replace stored secrets; empty fields keep them.

    When a server or an address changes, stored secrets are not used for the new one: they must be entered again.
    """

    moved: list[str]

    password = forms.CharField(
        label="Set password",
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text="For the SMTP login. Leave empty to keep the stored password.",
    )
    imap_password = forms.CharField(
        label="Set IMAP password",
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text="Only if it differs from the SMTP password. Leave empty to keep the stored password.",
    )
    other_secrets = forms.JSONField(
        label="Set other secrets",
        required=False,
        widget=WriteOnlyTextarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text='ESP keys, tokens, webhook_secret: {"api_key": "…"}. null deletes one. Leave empty to keep them.',
    )

    ca_pem = forms.CharField(
        label="Certificate authority (PEM)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="The text of the certificate that signed your mail server's one. Leave empty for public authorities.",
    )

    bounce_token = forms.BooleanField(
        label="Bounce address per message",
        required=False,
        help_text="Emails leave with an envelope sender of their own (name+b-…@domain), so bounces name their message. "
        "Needs a server that takes plus addresses. Off by default.",
    )

    class Meta:
        model = Mailbox
        exclude = ("credentials",)
        labels = {
            "smtp_host": "SMTP host",
            "smtp_port": "SMTP port",
            "smtp_security": "SMTP security",
            "smtp_username": "SMTP username",
            "imap_host": "IMAP host",
            "imap_port": "IMAP port",
            "imap_security": "IMAP security",
            "imap_username": "IMAP username",
            "transport_options": "ESP settings",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "ca_pem" in self.fields:
            self.initial["ca_pem"] = (self.instance.transport_options or {}).get(CA_PEM, "")
        self.initial["bounce_token"] = (self.instance.transport_options or {}).get("bounce_token") is True

    def clean_address(self) -> str:
        return _clean_address(str(self.cleaned_data["address"]))

    def clean_aliases(self) -> list[str]:
        return [_clean_address(str(alias)) for alias in self.cleaned_data["aliases"] or []]

    def clean_other_secrets(self) -> dict[str, Any]:
        value = self.cleaned_data["other_secrets"]
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise forms.ValidationError('Enter a JSON object, such as {"api_key": "…"}.')
        return value

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        self._merge_certificate()
        if isinstance(options := self.cleaned_data.get("transport_options"), dict):
            kept = {name: value for name, value in options.items() if name != "bounce_token"}
            chosen = {"bounce_token": True} if self.cleaned_data.get("bounce_token") else {}
            self.cleaned_data["transport_options"] = kept | chosen
        if refused := find_refused_endpoint(self.cleaned_data):
            self.add_error(refused.field if refused.field in self.fields else None, f"{refused.text}.")
        stored = Mailbox.objects.filter(pk=self.instance.pk).first()
        self.moved = find_moved(vars(stored), self.cleaned_data) if stored else []
        if stored is not None and stored.credentials and self.moved and not self.typed_secrets:
            self.add_error("password", ask_again(self.moved[0]))
        return cleaned

    def _merge_certificate(self) -> None:
        """The field `ca_pem` into the options, where the product looks for it."""
        options = dict(self.cleaned_data.get("transport_options") or {})
        if "ca_pem" in self.changed_data or CA_PEM not in options:
            options[CA_PEM] = self.cleaned_data.get("ca_pem", "")
        self.cleaned_data["transport_options"] = {name: value for name, value in options.items() if value != ""}
        try:
            validate_certificate_options(options)
        except CertificateOptionError as error:
            self.add_error("transport_options" if "ca_file" in options else "ca_pem", f"{error}.")

    @property
    def typed_secrets(self) -> dict[str, Any]:
        typed: dict[str, Any] = dict(self.cleaned_data.get("other_secrets") or {})
        return typed | {name: value for name in ("password", "imap_password") if (value := self.cleaned_data.get(name))}

    def clean_ramp_start(self) -> int:
        start = int(self.cleaned_data["ramp_start"])
        if start < 1:
            raise forms.ValidationError(
                "The first day must allow at least 1 message: the ramp grows only on days with sends."
            )
        return start

    def clean_signature(self) -> str:
        signature = str(self.cleaned_data["signature"])
        if problem := check_signature(signature):
            raise forms.ValidationError(f"The signature cannot be used: {problem}.")
        return signature

    def merge_secrets(self) -> None:
        """Merge the entered secrets into the stored ones."""
        typed = self.typed_secrets
        merged = typed if self.moved else {**(self.instance.credentials or {}), **typed}
        self.instance.credentials = Secrets({name: value for name, value in merged.items() if value is not None})


class SendLimitFormSet(PaginationInlineFormSet):
    """The send limits of this mailbox."""

    def save_new(self, form: Any, commit: bool = True) -> Any:
        form.instance.scope = LimitScope.MAILBOX.value
        form.instance.workspace_id = self.instance.workspace_id
        return super().save_new(form, commit=commit)


class SendLimitInline(RowInline):
    model = SendLimit
    formset = SendLimitFormSet
    fields = ("maximum", "window", "first_touch_only")
    extra = 0
    verbose_name = "send limit"
    verbose_name_plural = "send limits of this mailbox"


class MailboxBaseAdmin(WorkspaceAdmin):
    """The admin of mailboxes without the actions."""

    right = Right("owner_id")
    form = MailboxForm
    inlines = (SendLimitInline,)
    takes_along = (InboxState,)
    list_filter = by_choice("status", "breaker_state", "transport")
    list_select_related = ("owner",)
    search_fields = ("address", "display_name", "owner__email")
    empty_text = "Add a mailbox to send from, then use Send a test."
    readonly_fields = (*_FACTS, *(exact_name(name) for name in _TIMES), "stored_secrets", "webhook_addresses")
    fieldsets = (
        (None, {"fields": ("workspace", ("address", "display_name"), "owner", "timezone", "aliases", "signature")}),
        ("Sending", {"fields": (("transport", "auth_method", "connections"), "stored_secrets")}),
        (
            "SMTP",
            {
                "classes": ["tab"],
                "fields": (
                    ("smtp_host", "smtp_port"), ("smtp_security", "smtp_username"), "password",
                    "ca_pem", "bounce_token",
                ),
            },
        ),
        ("ESP", {"classes": ["tab"], "fields": ("transport_options", "other_secrets", "webhook_addresses")}),
        (
            "Inbox",
            {
                "classes": ["tab"],
                "fields": (
                    "inbound", ("imap_host", "imap_port"), ("imap_security", "imap_username"), "imap_password",
                    "exact_inbox_read_at",
                ),
            },
        ),
        ("Send spacing", {"classes": ["tab"], "fields": (("gap_seconds", "jitter_seconds"), "exact_next_slot_at")}),
        (
            "Ramp-up",
            {
                "classes": ["tab"],
                "fields": ("ramp_enabled", ("ramp_start", "ramp_step"), ("ramp_allowance", "ramp_day")),
            },
        ),
        (
            "State",
            {
                "classes": ["tab"],
                "fields": (
                    ("status", "status_reason"), ("status_actor", "exact_status_at"),
                    ("breaker_state", "breaker_failures"), "breaker_error", "exact_breaker_until",
                ),
            },
        ),
    )  # fmt: skip

    @admin.display(description="stored secrets")
    def stored_secrets(self, mailbox: Mailbox) -> str:
        return ", ".join(sorted(mailbox.credentials)) if mailbox.pk and mailbox.credentials else "none"

    @admin.display(description="webhook addresses")
    def webhook_addresses(self, mailbox: Mailbox) -> str:
        urls = list_hook_urls(mailbox) if mailbox.pk else {}
        if not urls:
            return "none: this transport has no webhooks"
        lines = ((WORDS[kind], url) for kind, url in urls.items())
        return format_html_join(mark_safe("<br>"), "{}: <code>{}</code>", lines)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Its lane may be waiting for a time computed from the old spacing, limits and server.
        apply_new_caps([form.instance.pk], timezone.now())
        probe_now(form.instance.pk, timezone.now())

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        form.merge_secrets()
        super().save_model(request, obj, form, change)

    def list_written(self, obj: Mailbox, form: Any) -> list[str]:
        # credentials only when entered: a worker may have refreshed a token
        typed = ["credentials"] if form.typed_secrets else []
        options = ["transport_options"] if {"ca_pem", "bounce_token"} & set(form.changed_data) else []
        return [*super().list_written(obj, form), *typed, *options]
