"""The goal of a sequence as form fields in plain words. sequences.authoring.goals validates the input."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from sequences.authoring.goals import GoalError, parse_goal
from sequences.choices import Operator
from sequences.models import Sequence

_FIELDS = {f"goal_{key}": key for key in ("event", "score", "field", "operator", "value", "match")}
GOAL_FIELDS = ("goal_event", "goal_score", ("goal_field", "goal_operator", "goal_value"), "goal_match")
_MATCHES = {"": "Any of them is enough", "all": "All of them must hold"}


def describe_goal(sequence: Sequence) -> dict[str, Any]:
    """The stored goal as initial values of the form."""
    stored = sequence.goal if isinstance(sequence.goal, dict) else {}
    texts = {name: stored.get(key, "") for name, key in _FIELDS.items()}
    return {**texts, "goal_score": stored.get("score"), "goal_match": "all" if stored.get("match") == "all" else ""}


def describe_goal_texts(sequence: Sequence) -> dict[str, Any]:
    """The same as texts, for users who cannot edit."""
    described = describe_goal(sequence)
    return {**described, "goal_match": _MATCHES[described["goal_match"]] if sequence.goal else ""}


class GoalForm(forms.ModelForm[Sequence]):
    """An unchanged goal is stored as it was."""

    goal_event = forms.CharField(
        label="External event", required=False, widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text="The type that another system reports for the contact, such as meeting_booked.",
    )  # fmt: skip
    goal_score = forms.IntegerField(
        label="Engagement score, at least", required=False, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="From 1 to 100.",
    )  # fmt: skip
    goal_field = forms.CharField(
        label="Field of the contact", required=False, widget=UnfoldAdminTextInputWidget,
        help_text="A contact field such as title, or a column of an imported file.",
    )  # fmt: skip
    goal_operator = forms.ChoiceField(
        label="How it compares", required=False, choices=[("", "Equals"), *Operator.choices()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    goal_value = forms.CharField(
        label="Value it must have", required=False, widget=UnfoldAdminTextInputWidget,
        help_text="Leave empty for Is set and Is not set.",
    )  # fmt: skip
    goal_match = forms.ChoiceField(
        label="If several are filled in", required=False, choices=list(_MATCHES.items()),
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**describe_goal(self.instance), **self.initial}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not set(_FIELDS) & set(self.changed_data) or not set(_FIELDS) <= self.cleaned_data.keys():
            return cleaned
        goal = {key: value for name, key in _FIELDS.items() if (value := self.cleaned_data[name]) not in ("", None)}
        if set(goal) == {"match"}:
            goal = {}
        try:
            parse_goal(goal)
        except GoalError as error:
            self.add_error(f"goal_{error.key}" if f"goal_{error.key}" in self.fields else "goal_event", str(error))
        else:
            self.instance.goal = goal
        return cleaned
