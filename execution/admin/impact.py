"""The page between saving a sequence and storing it: how many enrollments the edit touches, and what to do with them.

Must not store anything: the page's answer is posted to the sequence again, with the options beside it.
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
    """What the operator chooses; only what the edit gives a choice about is asked."""

    goes_to = forms.ChoiceField(label="Enrollments at removed steps", required=False, widget=UnfoldAdminSelectWidget)
    to_past = forms.BooleanField(
        label="Send new steps to enrollments that have just passed their place",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="They wait for the step behind it, or had come to the end there. Otherwise they never get it.",
    )

    def __init__(self, stored: StoredSequence, kept: Iterable[Step], **kwargs: Any) -> None:
        super().__init__(prefix="impact", **kwargs)
        if stored.saved.moved or stored.exited:
            steps = [(str(step.pk), f"go to {step}") for step in kept]
            self.fields["goes_to"].choices = [  # type: ignore[attr-defined]
                ("", "go on at the next step"), *steps, (_LEAVES, "leave the sequence"),
            ]  # fmt: skip
        else:
            del self.fields["goes_to"]
        if not (stored.in_it and _adds(stored)):
            del self.fields["to_past"]


def read_options(posted: QueryDict, new_keys: Iterable[str]) -> EditOptions:
    """What the page was answered with; nothing, where it was not shown."""
    goes_to = posted.get(_GOES_TO, "")
    return EditOptions(
        goes_to=goes_to if goes_to.isdecimal() else None,
        exits=goes_to == _LEAVES,
        past=frozenset(new_keys) if posted.get(_TO_PAST) else frozenset(),
    )


def needs_confirmation(request: HttpRequest, stored: StoredSequence) -> bool:
    """Whether an enrollment is touched, or could be, and the user has not seen it yet."""
    return _SEEN not in request.POST and bool(stored.touched or (stored.in_it and _adds(stored)))


def list_answers(posted: QueryDict) -> list[tuple[str, str]]:
    """The form as it was posted, to be posted once more, and that the page was seen."""
    return [(name, value) for name, values in posted.lists() if name != "csrfmiddlewaretoken" for value in values] + [
        (_SEEN, "1")
    ]


def describe_impact(stored: StoredSequence, *, is_done: bool) -> list[str]:
    """What the edit means for enrollments, a sentence each; nothing where it means nothing."""
    found = [
        (stored.moved, "went on at another step", "will go on at another step, since theirs is removed or has moved"),
        (stored.exited, "left with a removed step", "will leave with a removed step"),
        (stored.replanned, "got a new due time", "will get a new due time, as the times of their step change"),
        (
            stored.would_repeat,
            "will come again to a text that they have had: the final check skips it, unless its step repeats",
            "would come again to a text that they have had: the final check skips it, unless its step repeats",
        ),
        (stored.would_miss, "miss a step that was ahead of them", "would miss a step that is ahead of them now"),
        (stored.sent, "went to a new step that they had passed", "will go to a new step that they had passed"),
    ]
    sentences = [f"{_contacts(count)} {past if is_done else future}." for count, past, future in found if count]
    return sentences + [f"{warning[0].upper()}{warning[1:]}." for warning in stored.order_warnings if not is_done]


def _adds(stored: StoredSequence) -> bool:
    return any(change["field"] == "added" for change in stored.changes)


def _contacts(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"
