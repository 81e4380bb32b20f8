"""What the editor of a sequence asks while an author writes: a text rendered for a contact, the text of a snippet.

Answers JSON; stores nothing.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from emails.rendering.render import without_pixel
from emails.sending.test_send import render_for
from execution.admin.enrolling import find_own_mailbox
from sequences.authoring.snippets import LONGEST_BODY
from sequences.choices import BodyFormat, StepType
from sequences.contacts.queries import has_address
from sequences.interface.admin.base import scope_rows
from sequences.liquid.templating import TemplateError
from sequences.models import Contact, Sequence, Snippet, Step

MOST_SNIPPETS = 200


class TextForm(forms.Form):
    """`number`: the place of the step, whose empty subject replies to an earlier stored email."""

    contact = forms.CharField(max_length=320)
    subject = forms.CharField(required=False, max_length=500, strip=False)
    body = forms.CharField(max_length=LONGEST_BODY, strip=False)
    format = forms.ChoiceField(required=False, choices=BodyFormat.choices())
    sequence = forms.IntegerField(required=False)
    number = forms.IntegerField(required=False, min_value=0)


class PreviewsTexts:
    """Adds the addresses that the editor asks to the admin of sequences."""

    admin_site: Any

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("preview-text/", view(require_POST(self._preview_text)), name="sequences_sequence_preview_text"),
            path("snippet-text/", view(require_GET(self._send_snippet)), name="sequences_sequence_snippet_text"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def _preview_text(self, request: HttpRequest) -> JsonResponse:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        form = TextForm(request.POST)
        if not form.is_valid():
            return JsonResponse({"error": "Write a body and choose a contact to see the email."})
        values = form.cleaned_data
        sequence = scope_rows(Sequence.objects.filter(pk=values["sequence"] or 0), request).first()
        contacts = scope_rows(Contact.objects.filter(has_address(values["contact"])), request)
        if sequence is not None:
            contacts = contacts.filter(workspace=sequence.workspace_id)
        contact = contacts.select_related("account", "workspace").first()
        if contact is None:
            return JsonResponse({"error": "No contact has this address. Choose another one."})
        step = Step(
            sequence_id=sequence.pk if sequence else 0,
            number=values["number"] or 0,
            type=StepType.EMAIL.value,
            subject=values["subject"],
            body=values["body"],
            format=values["format"] or BodyFormat.AUTO.value,
        )
        mailbox = find_own_mailbox(request, contact.workspace_id)
        try:
            email = render_for(step, contact, mailbox, request.user.pk, timezone.now())
        except TemplateError as error:
            return JsonResponse({"error": f"{str(error)[:1].upper()}{str(error)[1:]}."})
        return JsonResponse({"subject": email.subject, "html": without_pixel(email.html), "changes": email.changes})

    def _send_snippet(self, request: HttpRequest) -> JsonResponse:
        number = request.GET.get("id", "")
        found = scope_rows(Snippet.objects.filter(pk=number if number.isdecimal() else 0), request).first()
        if found is None:
            raise Http404
        return JsonResponse({"subject": found.subject, "body": found.body})


def present_editor(workspace_ids: list[int]) -> dict[str, Any]:
    """What the editor offers: templates and snippets to insert, and a first contact for the preview."""
    snippets = Snippet.objects.filter(workspace__in=workspace_ids).only("pk", "name", "kind")
    contact = Contact.objects.filter(workspace__in=workspace_ids, erased_at=None).order_by("-pk").first()
    return {"snippets": snippets[:MOST_SNIPPETS], "preview_contact": contact.email if contact else ""}
