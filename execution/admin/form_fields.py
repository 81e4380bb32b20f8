"""Form fields for the sending window of a sequence and the condition of a branch, in readable form instead of JSON.

An unchanged value is stored as it was. sequences.time.window and sequences.authoring.step_config validate the input.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from execution.admin.goal_form import GoalForm
from sequences.authoring.step_config import CONDITION_KEYS, MAX_WAIT_HOURS, StepConfigError, parse_condition
from sequences.choices import Operator, StepType
from sequences.content.variants import VariantError, read_variants, write_variants
from sequences.interface.admin.base import OneWorkspaceForm
from sequences.models import Sequence, Step
from sequences.time.window import TimingError, describe_window, list_zones, parse_window, read_hours

WINDOW_FIELDS = ("time_zone", "sending_hours")
_CONTACTS_OWN = "contact"
_IN_WORDS = {("time_zone", _CONTACTS_OWN): "the contact's own"}
_EXAMPLE = "mon-fri 09:00-12:00 13:00-17:00, sat 10:00-12:00"


def _offer_zones() -> list[tuple[str, str]]:
    return [(_CONTACTS_OWN, _IN_WORDS["time_zone", _CONTACTS_OWN]), *((name, name) for name in list_zones())]


def describe_window_form(sequence: Sequence) -> dict[str, str]:
    """The stored window as initial values of the form."""
    try:
        window = parse_window(sequence.window)
    except TimingError:
        return {"time_zone": _CONTACTS_OWN, "sending_hours": json.dumps(sequence.window)}
    return {"time_zone": window.timezone or _CONTACTS_OWN, "sending_hours": describe_window(window)}


def describe_condition(step: Step) -> dict[str, Any]:
    """The stored condition as initial values of the form."""
    stored = _read_config(step)
    texts = {name: str(stored.get(name, "")) for name in CONDITION_KEYS}
    return {**texts, "wait_hours": stored.get("wait_hours")}


def _read_config(step: Step) -> dict[str, Any]:
    return step.condition_config if isinstance(step.condition_config, dict) else {}


def show_described(describe: Callable[[Any], dict[str, Any]], name: str, label: str) -> Callable[[Any, Any], str]:
    """The read-only display of a field of these forms, for users who cannot edit."""

    def show(self: Any, row: Any) -> str:
        value = describe(row)[name]
        return "" if value is None else _IN_WORDS.get((name, value), str(value))

    show.short_description = label  # type: ignore[attr-defined]
    return show


class VariantsField(forms.JSONField):
    """The texts that an email step compares, as JSON; the page shows them as fields of their own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"data-variants": "", "spellcheck": "false"}), **kwargs)

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        try:
            return write_variants(read_variants([] if found is None else found))
        except VariantError as error:
            raise ValidationError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial or None, None if data in ("", "[]") else data)


class SequenceForm(GoalForm, OneWorkspaceForm):
    time_zone = forms.ChoiceField(
        required=False,
        choices=_offer_zones,
        widget=UnfoldAdminSelectWidget,
        help_text="A contact without a time zone uses the account's, else the mailbox's, else the workspace's.",
    )
    sending_hours = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text=f"Days and their hours, such as {_EXAMPLE}. Leave empty for Monday to Friday 09:00-17:00.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**describe_window_form(self.instance), **self.initial}
        if "on_reply" in self.fields:
            # a request without it keeps the stored value
            self.fields["on_reply"].required = False

    def clean_sending_hours(self) -> str:
        text: str = self.cleaned_data["sending_hours"]
        try:
            parse_window(read_hours(text))
        except TimingError as error:
            raise ValidationError(str(error).removeprefix("window: ")) from None
        return text

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if set(WINDOW_FIELDS) <= self.cleaned_data.keys() and set(WINDOW_FIELDS) & set(self.changed_data):
            zone = self.cleaned_data["time_zone"] or _CONTACTS_OWN
            self.instance.window = {"timezone": zone, **read_hours(self.cleaned_data["sending_hours"])}
        return cleaned


class ConditionForm(forms.ModelForm[Step]):
    wait_hours = forms.FloatField(
        required=False,
        min_value=0,
        max_value=MAX_WAIT_HOURS,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="How long to wait before taking the No branch. Leave empty to check immediately.",
    )
    field = forms.CharField(
        label="Contact field",
        required=False,
        strip=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="A contact field such as title, or a column of an imported file.",
    )
    operator = forms.ChoiceField(
        label="Comparison",
        required=False,
        choices=[("", "Equals (scores: at least)"), *Operator.choices()],
        widget=UnfoldAdminSelectWidget,
    )
    value = forms.CharField(
        label="Compared with", required=False, strip=False, widget=UnfoldAdminTextInputWidget,
        help_text="Leave empty for Is set and Is not set.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**describe_condition(self.instance), **self.initial}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("type") != StepType.CONDITIONAL_SPLIT or self.errors:
            return cleaned
        config = {key: value for key, value in _read_config(self.instance).items() if key in CONDITION_KEYS}
        for name in set(CONDITION_KEYS) & set(self.changed_data):
            config.pop(name, None)
            if (value := self.cleaned_data[name]) not in ("", None):
                config[name] = int(value) if name == "wait_hours" and value.is_integer() else value
        try:
            parse_condition(self.cleaned_data["condition_type"], config)
        except StepConfigError as error:
            self.add_error(error.key, str(error))
        self.instance.condition_config = config
        return cleaned
