"""Stores auto-enrollment rules: what they name is validated, and a change makes them due at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from execution.control.auto_enroll import find_problem
from execution.control.enroll_filter import FilterError, match_contacts
from sequences.models import EnrollRule
from sequences.models.enroll_rule import MOST_A_DAY


class InvalidRuleError(ValueError):
    """The rule cannot be stored like this; `field` is where, the text one line."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


def validate_rule(rule: EnrollRule) -> None:
    """Raises `InvalidRuleError`. A rule that is off may name a sequence that is not active, or an owner who left."""
    for name in ("sequence", "mailbox"):
        row = getattr(rule, name)
        if row is not None and row.workspace_id != rule.workspace_id:
            raise InvalidRuleError(name, f"The workspace of the rule has no such {name}.")
    if not 1 <= rule.daily_maximum <= MOST_A_DAY:
        raise InvalidRuleError("daily_maximum", f"It must be from 1 to {MOST_A_DAY:,}.")
    try:
        match_contacts(rule.workspace_id, rule.filter)
    except FilterError as error:
        text = str(error)
        raise InvalidRuleError("filter", f"{text[0].upper()}{text[1:]}.") from None
    if rule.mailbox is None and rule.owner is None:
        raise InvalidRuleError("mailbox", "Name the mailbox that sends, or the owner.")
    if rule.is_active and (problem := find_problem(rule)):
        raise InvalidRuleError("sequence" if problem.startswith("The sequence") else "owner", problem)


def save_rule(rule: EnrollRule, values: Mapping[str, Any], now: datetime) -> None:
    """Store a new or changed rule, which runs at once. Raises `InvalidRuleError`."""
    for name, value in values.items():
        setattr(rule, name, value)
    validate_rule(rule)
    rule.next_run_at, rule.problem, rule.checked_to = now, "", 0
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        if "enroll_rule_name_once" not in str(error):
            raise
        raise InvalidRuleError("name", "The workspace has a rule of this name already.") from None
