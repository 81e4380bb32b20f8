"""The desk's Replies: the list by intent and age, and the page of one with its thread, answer box and buttons.

Parses, calls `execution.control`, presents. A user sees the replies to own enrollments and mailboxes, a manager those
of the workspace.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from emails.admin.facts import MailboxFilter
from emails.choices import ReplyIntent
from emails.models import Reply
from execution.control.answers import LONGEST_BODY, AnswerError, answer_reply, explain_refusal
from execution.control.replies import ClassifyError, Wanted, classify_reply, mark_handled
from execution.insight.replies import COUNTED_AT_MOST, TO_ANSWER, count_to_answer, filter_readable, read_thread
from sequences.access.admin_rights import MEMBERS
from sequences.interface.admin.base import FactsAdmin, by_choice, label_column, name_actor, time_column
from sequences.interface.admin.quick_filters import HasQuickFilters, QuickFilter
from sequences.interface.admin.times import show_breakable

_COLOURS = {
    "interested": "success", "referral": "success", "not_now": "info", "not_interested": "warning",
    "possible_opt_out": "danger", "opt_out": "danger",
}  # fmt: skip
_SHOWN_CHARACTERS = 140
_BUTTONS = (ReplyIntent.INTERESTED, ReplyIntent.NOT_INTERESTED, ReplyIntent.OPT_OUT)


def show_to_answer(request: HttpRequest) -> str:
    """The number beside the menu's item; empty when nothing waits."""
    number = count_to_answer(request.user)
    return f"{number}+" if number == COUNTED_AT_MOST else str(number or "")


class AnswerForm(forms.Form):
    body = forms.CharField(
        label="Answer",
        max_length=LONGEST_BODY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 7, "data-send-with": "answer"}),
        help_text="Markdown; the signature of the mailbox is added. Ctrl+Enter sends.",
    )


class ClassifyForm(forms.Form):
    until = forms.DateField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    referral = forms.CharField(required=False, max_length=320, widget=UnfoldAdminTextInputWidget())


class PlaceFilter(DropdownFilter):
    title = "to do"
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("answer", "To answer"), ("handled", "Handled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "answer":
                return queryset.filter(TO_ANSWER)
            case "handled":
                return queryset.filter(is_handled=True)
            case _:
                return queryset


@admin.register(Reply)
class ReplyAdmin(HasQuickFilters, FactsAdmin):
    right = MEMBERS
    quick_filters = (
        QuickFilter("To answer", (("todo", "answer"),)),
        QuickFilter("Possible opt-outs", (("intent__exact", "possible_opt_out"),)),
        QuickFilter("Interested", (("intent__exact", "interested"),)),
        QuickFilter("Not now", (("intent__exact", "not_now"),)),
        QuickFilter("Handled", (("todo", "handled"),)),
        QuickFilter("All"),
    )
    empty_text = "What contacts write is shown here, as soon as the inbox is read."
    list_display = (
        "show_contact", "show_text", "show_intent", "show_state", "mailbox", time_column("received_at", "received"),
    )  # fmt: skip
    list_display_links = ("show_contact",)
    list_filter = (PlaceFilter, *by_choice("intent"), MailboxFilter)
    list_select_related = ("contact", "mailbox")
    search_fields = ("sender", "contact__email", "subject")
    ordering = ("is_handled", "-received_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return filter_readable(super().get_queryset(request), request.user)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        reply = self.find_row(request, object_id)
        answer, classify = (
            AnswerForm(),
            ClassifyForm(initial={"until": reply.until and reply.until.isoformat(), "referral": reply.referral}),
        )
        may_act = self.has_operate_permission(request, reply)
        if request.method == "POST":
            if not may_act:
                raise PermissionDenied
            answer, classify, is_done = self._act(request, reply)
            if is_done:
                return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": f"Reply of {reply.contact.full_name or reply.sender}",
            "subtitle": None,
            "opts": self.model._meta,
            "original": reply,
            "reply": reply,
            "thread": read_thread(reply),
            "answer": answer,
            "classify": classify,
            "buttons": [(intent.value, intent.label) for intent in _BUTTONS],
            "cannot_answer": explain_refusal(reply),
            "may_act": may_act,
            "corrections": reply.corrections.all(),
            "next_url": self._find_next(request, reply),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/emails/reply/reply.html", context)

    def _act(self, request: HttpRequest, reply: Reply) -> tuple[AnswerForm, ClassifyForm, bool]:
        """The forms to show again, and whether the button did what it says."""
        wanted, now = request.POST.get("do", ""), timezone.now()
        answer = AnswerForm(request.POST if wanted == "answer" else None)
        classify = ClassifyForm(request.POST if wanted not in {"answer", "done", "reopen"} else None)
        try:
            if wanted == "answer":
                if not answer.is_valid():
                    return answer, classify, False
                answer_reply(reply, answer.cleaned_data["body"], user=request.user, now=now)
                messages.success(
                    request, "The answer is queued. It is sent as soon as the limits of the mailbox allow."
                )
            elif wanted in {"done", "reopen"}:
                mark_handled(reply, is_handled=wanted == "done", actor=name_actor(request), now=now)
                messages.success(request, "Done." if wanted == "done" else "It waits for an answer again.")
            elif wanted in {intent.value for intent in ReplyIntent}:
                if not classify.is_valid():
                    return answer, classify, False
                done = classify_reply(reply, _read_wanted(ReplyIntent(wanted), classify), user=request.user, now=now)
                messages.success(request, f"Classified as {reply.get_intent_display().lower()}. {' '.join(done)}")
        except AnswerError as error:
            answer.add_error("body", f"{str(error)[0].upper()}{str(error)[1:]}.")
            return answer, classify, False
        except ClassifyError as error:
            classify.add_error(error.field if error.field in classify.fields else None, str(error))
            return answer, classify, False
        return answer, classify, True

    def _find_next(self, request: HttpRequest, reply: Reply) -> str:
        """The page of the next reply to answer, older ones first after this one; empty when there is none."""
        waiting = self.get_queryset(request).filter(TO_ANSWER).exclude(pk=reply.pk).order_by("-received_at", "-pk")
        found = waiting.filter(received_at__lte=reply.received_at).first() or waiting.first()
        return reverse("admin:emails_reply_change", args=[found.pk]) if found else ""

    @admin.display(description="contact", ordering="contact__email")
    def show_contact(self, reply: Reply) -> SafeString:
        return show_breakable(reply.contact.email)

    @admin.display(description="reply")
    def show_text(self, reply: Reply) -> SafeString:
        text = " ".join((reply.text or reply.html_text).split())
        shown = f"{text[:_SHOWN_CHARACTERS]}…" if len(text) > _SHOWN_CHARACTERS else text
        return format_html('<span class="se-why">{} <span class="se-second">{}</span></span>', shown, reply.subject)

    @label_column("intent", _COLOURS, ordering="intent")
    def show_intent(self, reply: Reply) -> tuple[str, str]:
        return reply.intent, reply.get_intent_display()

    @label_column("state", {"handled": "success", "open": "info"}, ordering="is_handled")
    def show_state(self, reply: Reply) -> tuple[str, str]:
        return ("handled", "Handled") if reply.is_handled else ("open", "Open")


def _read_wanted(intent: ReplyIntent, form: ClassifyForm) -> Wanted:
    """Each button reads its own field alone."""
    values = form.cleaned_data
    return Wanted(
        intent,
        values["until"] if intent is ReplyIntent.NOT_NOW else None,
        values["referral"].strip() if intent is ReplyIntent.REFERRAL else "",
    )
