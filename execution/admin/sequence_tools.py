"""The tools on the page of a sequence: preview, test email, YAML export and import, duplicate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from common.addresses import AddressError
from common.user_exchanges import BusyError
from emails.models import Mailbox
from emails.rendering.render import RenderedEmail
from emails.sending.test_send import render_for, send_test, variant_for
from emails.transport.send_result import Sent
from execution.control.edit import duplicate_sequence, store_sequence
from execution.insight.preview import Preview, PreviewStep, preview_sequence
from sequences.access.admin_rights import MANAGERS, is_allowed
from sequences.access.roles import NOT_YOURS, is_manager
from sequences.access.sequence_rights import NOT_YOUR_DRAFT, is_writable_locked
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError
from sequences.authoring.queries import load_draft
from sequences.choices import StepType
from sequences.contacts.queries import has_address
from sequences.interface.admin.base import name_actor, scope_rows
from sequences.liquid.templating import TemplateError
from sequences.models import Contact, Sequence, Step, Workspace
from sequences.yaml.export import export_sequence
from sequences.yaml.form import YamlFormError, parse_text
from sequences.yaml.nodes import MAX_BYTES

_PREVIEW = action(description="Preview", url_path="preview", permissions=["view"], icon="visibility")
_EXPORT = action(description="Export YAML", url_path="export", permissions=["view"], icon="download")
_DUPLICATE = action(description="Duplicate", url_path="duplicate", permissions=["add"], icon="content_copy")
_IMPORT = action(description="Import YAML", url_path="import", permissions=["add"], icon="upload_file")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A step of a preview; an email step with the rendered email or the error."""

    step: PreviewStep
    step_id: int
    email: RenderedEmail | None = None
    error: str = ""


class PreviewForm(forms.Form):
    contact = forms.EmailField(widget=UnfoldAdminEmailInputWidget(attrs={"autofocus": True}))
    mailbox = forms.ModelChoiceField(
        queryset=Mailbox.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="The sender of the emails and of tests.",
    )

    def __init__(self, *args: Any, sequence: Sequence, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sequence = sequence
        own = scope_rows(Mailbox.objects.filter(workspace=sequence.workspace_id), request)
        self.fields["mailbox"].queryset = own  # type: ignore[attr-defined]

    def clean_contact(self) -> Contact:
        address = self.cleaned_data["contact"]
        own = Contact.objects.select_related("account").filter(workspace=self._sequence.workspace_id)
        contact: Contact | None = own.filter(has_address(address)).first()
        if contact is None:
            raise forms.ValidationError("The workspace has no contact with this address. Add or import it first.")
        return contact


class ImportYamlForm(forms.Form):
    workspace = forms.ModelChoiceField(queryset=Workspace.objects.none(), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label="YAML file",
        widget=UnfoldAdminFileFieldWidget,
        help_text="Replaces a sequence of the same name; enrollments keep their steps.",
    )
    activate = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspaces = Workspace.objects.for_user(request.user)
        self._request = request
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]
        self.fields["workspace"].initial = workspaces.first()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace = self.cleaned_data.get("workspace")
        if workspace and self.cleaned_data.get("activate") and not is_manager(self._request.user, workspace.pk):
            self.add_error("activate", "Only a manager or an admin activates sequences: import it as a draft.")
        return cleaned


class SequenceTools:
    """Adds the buttons and their pages to the admin of sequences."""

    admin_site: Any

    def _preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sequence = self.find_row(request, object_id)  # type: ignore[attr-defined]
        given = request.POST if request.method == "POST" else request.GET
        form = PreviewForm(given or None, sequence=sequence, request=request)
        preview: Preview | None = None
        shown: list[_Shown] = []
        if form.is_valid():
            contact, mailbox = form.cleaned_data["contact"], form.cleaned_data["mailbox"]
            if request.method == "POST":
                return self._send_test(request, sequence, contact, mailbox)
            preview = preview_sequence(sequence, contact, timezone.now(), mailbox)
            shown = _render_all(sequence, preview, contact, mailbox, request)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Preview of {sequence}",
            "form": form,
            "preview": preview,
            "shown": shown,
            "can_send": bool(preview and form.cleaned_data["mailbox"] and self._may_send(request)),
            "back_url": reverse("admin:sequences_sequence_change", args=[sequence.pk]),
        }
        return TemplateResponse(request, "admin/sequences/sequence/preview.html", context)

    def _export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sequence = self.find_row(request, object_id)  # type: ignore[attr-defined]
        headers = {"Content-Disposition": f'attachment; filename="sequence-{sequence.pk}.yaml"'}
        text = export_sequence(load_draft(sequence))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)

    def _duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        sequence = self.find_row(request, object_id)  # type: ignore[attr-defined]
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": f"Duplicate {sequence}",
                "back_url": reverse("admin:sequences_sequence_change", args=[sequence.pk]),
            }
            return TemplateResponse(request, "admin/sequences/sequence/duplicate.html", context)
        made = duplicate_sequence(
            sequence, "", actor=name_actor(request), now=timezone.now(), owner=request.user
        ).saved.sequence
        messages.success(request, f"{made} is a new draft with the same steps and no enrollments.")
        return HttpResponseRedirect(reverse("admin:sequences_sequence_change", args=[made.pk]))

    def _import_yaml(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        form = ImportYamlForm(request.POST or None, request.FILES or None, request=request)
        if form.is_valid() and (made := _import(form, request)):
            return HttpResponseRedirect(reverse("admin:sequences_sequence_change", args=[made.pk]))
        context = {**self.admin_site.each_context(request), "title": "Import a sequence", "form": form}
        return TemplateResponse(request, "admin/sequences/sequence/import.html", context)

    def _may_send(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("emails.change_mailbox") and getattr(request.user, "email", ""))

    def _send_test(
        self, request: HttpRequest, sequence: Sequence, contact: Contact, mailbox: Mailbox | None
    ) -> HttpResponse:
        if mailbox is None or not self._may_send(request):
            raise PermissionDenied
        if not is_allowed(request, mailbox.workspace_id, mailbox.owner_id, MANAGERS):
            raise PermissionDenied(NOT_YOURS)
        address = request.user.email  # type: ignore[union-attr]
        number = request.POST.get("step", "")
        step = Step.objects.filter(
            sequence=sequence, type=StepType.EMAIL, pk=number if number.isdecimal() else 0
        ).first()
        if step is not None:
            try:
                variant = variant_for(step, contact)
                answer = send_test(step, contact, mailbox, request.user.pk, address, timezone.now(), variant)
            except (TemplateError, AddressError, BusyError) as error:
                messages.error(request, f"The test was not sent: {error}.")
            else:
                if isinstance(answer, Sent):
                    messages.success(request, f"Sent a test to {address}.")
                else:
                    messages.error(request, f"The test was not sent: the mail server answered {answer.error}")
        query = urlencode({"contact": contact.email, "mailbox": mailbox.pk})
        return HttpResponseRedirect(f"{request.path}?{query}")

    preview_one, export_one = _PREVIEW(_preview), _EXPORT(_export)
    duplicate_one, import_file = _DUPLICATE(_duplicate), _IMPORT(_import_yaml)


def _render_all(
    sequence: Sequence, preview: Preview, contact: Contact, mailbox: Mailbox | None, request: HttpRequest
) -> list[_Shown]:
    steps = {step.number: step for step in Step.objects.filter(sequence=sequence)}
    rendered: dict[int, _Shown] = {}
    shown = []
    for planned in preview.steps:
        step = steps[planned.number]
        if step.type != StepType.EMAIL:
            shown.append(_Shown(planned, step.pk))
            continue
        if step.pk not in rendered:
            try:
                variant = variant_for(step, contact)
                email = render_for(step, contact, mailbox, request.user.pk, timezone.now(), variant)
                rendered[step.pk] = _Shown(planned, step.pk, email)
            except TemplateError as error:
                rendered[step.pk] = _Shown(planned, step.pk, None, str(error))
        known = rendered[step.pk]
        shown.append(_Shown(planned, step.pk, known.email, known.error))
    return shown


def _import(form: ImportYamlForm, request: HttpRequest) -> Sequence | None:
    values = form.cleaned_data
    try:
        parsed = parse_text(values["file"].name, values["file"].read(MAX_BYTES + 1))
        with transaction.atomic():
            known = Sequence.objects.filter(workspace=values["workspace"], name=parsed.draft.name).first()
            if known is not None and not is_writable_locked(request.user, known.pk):
                form.add_error("file", NOT_YOUR_DRAFT)
                return None
            stored = store_sequence(
                values["workspace"],
                parsed.draft,
                activate=values["activate"],
                actor=name_actor(request),
                now=timezone.now(),
                owner=request.user,
            )
    except YamlFormError as error:
        form.add_error("file", list(error.problems))
    except InvalidSequenceError as error:
        form.add_error("file", [f"{parsed.place(problem.step_number)}: {problem}" for problem in error.problems])
    except SequenceStateError as error:
        form.add_error("file", str(error))
    else:
        done = "Created" if stored.saved.created else "Updated"
        messages.success(request, f"{done} {stored.saved.sequence} with {stored.steps} steps.")
        return stored.saved.sequence
    return None
