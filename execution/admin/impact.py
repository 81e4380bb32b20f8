"""The page before an edit of a sequence is saved: how many enrollments it affects, and the options for them.

Must not save anything: the page posts the edit to the sequence again, with the chosen options.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from execution.control.edit import EditOptions, StoredSequence
from sequences.models import Step

_SEEN, _GOES_TO, _TO_PAST = "impact-seen", "impact-goes_to", "impact-to_past"
_LEAVES = "exit"


class ImpactForm(forms.Form):
    """The options of an edit; only those that apply to it are shown."""

    goes_to = forms.ChoiceField(label="Enrollments at removed steps", required=False, widget=UnfoldAdminSelectWidget)
    to_past = forms.BooleanField(
        label="Run new steps for enrollments that have just passed them",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="For enrollments that wait at the step after a new one, or ended there. Otherwise they never get it.",
    )

    def __init__(self, stored: StoredSequence, kept: Iterable[Step], **kwargs: Any) -> None:
        super().__init__(prefix="impact", **kwargs)
        if stored.saved.moved or stored.exited:
            steps = [(str(step.pk), f"Go to {step}") for step in kept]
            self.fields["goes_to"].choices = [  # type: ignore[attr-defined]
                ("", "Continue at the next step"), *steps, (_LEAVES, "Exit the sequence"),
            ]  # fmt: skip
        else:
            del self.fields["goes_to"]
        if not (stored.in_it and _adds(stored)):
            del self.fields["to_past"]


def read_options(posted: QueryDict, new_keys: Iterable[str]) -> EditOptions:
    """The chosen options; the defaults when the page was not shown."""
    goes_to = posted.get(_GOES_TO, "")
    return EditOptions(
        goes_to=goes_to if goes_to.isdecimal() else None,
        exits=goes_to == _LEAVES,
        past=frozenset(new_keys) if posted.get(_TO_PAST) else frozenset(),
    )


def needs_confirmation(request: HttpRequest, stored: StoredSequence) -> bool:
    """Whether the edit affects enrollments, or can, and the user has not seen the page yet."""
    return _SEEN not in request.POST and bool(stored.touched or (stored.in_it and _adds(stored)))


def list_answers(posted: QueryDict) -> list[tuple[str, str]]:
    """The posted fields, to post again from the page, with a mark that it was seen."""
    return [(name, value) for name, values in posted.lists() if name != "csrfmiddlewaretoken" for value in values] + [
        (_SEEN, "1")
    ]


def describe_impact(stored: StoredSequence, *, is_done: bool) -> list[str]:
    """The effects of the edit on enrollments, one sentence each."""
    found = [
        (
            stored.moved,
            "continued at another step",
            "will continue at another step: their step is removed or has moved",
        ),
        (stored.exited, "exited with a removed step", "will exit with a removed step"),
        (stored.replanned, "got a new due time", "will get a new due time: the timing of their step changes"),
        (
            stored.would_repeat,
            "will reach a text that they have had: it is skipped, unless its step repeats",
            "would reach a text that they have had: it is skipped, unless its step repeats",
        ),
        (stored.would_miss, "will miss a step that was ahead of them", "would miss a step that is ahead of them now"),
        (stored.sent, "went to a new step that they had passed", "will go to a new step that they had passed"),
    ]
    sentences = [
        f"{_count_enrollments(count)} {past if is_done else future}." for count, past, future in found if count
    ]
    return sentences + [f"{warning[0].upper()}{warning[1:]}." for warning in stored.order_warnings if not is_done]


def _adds(stored: StoredSequence) -> bool:
    return any(change["field"] == "added" for change in stored.changes)


def _count_enrollments(count: int) -> str:
    return "1 enrollment" if count == 1 else f"{count:,} enrollments"
