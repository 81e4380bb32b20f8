"""What is shown above the form of a sequence: its flow with figures, the merge fields to insert, its changes."""

from __future__ import annotations

from typing import Any

from execution.admin.sequence_drawing import Node, draw_steps
from execution.admin.step_forms import name_step
from execution.admin.text_preview import present_editor
from execution.choices import ControlTarget
from execution.insight.sequence_stats import read_stats
from execution.models import ControlLog
from sequences.authoring.problems import Problem
from sequences.authoring.validation import KNOWN_FIELDS, validate_sequence
from sequences.choices import EnrollmentStatus, StepType
from sequences.contacts.queries import list_custom_fields
from sequences.models import Sequence, Step

CHANGES_SHOWN = 10
_MOST_WORKSPACES = 5
_SHARES = ("opened", "clicked", "replied", "bounced")


def present_sequence(sequence: Sequence) -> dict[str, Any]:
    """The context of the template; a fixed number of queries."""
    stats = read_stats(sequence.pk)
    steps = list(Step.objects.filter(sequence=sequence).order_by("number"))
    custom = list_custom_fields(sequence.workspace_id) or frozenset()
    changes = ControlLog.objects.filter(target=ControlTarget.SEQUENCE.value, target_id=sequence.pk)
    return {
        "problems": [_present_problem(each, steps) for each in validate_sequence(sequence.pk)],
        "drawing": draw_steps(
            [
                Node(str(step), row["standing"], _leads(step, steps))
                for row, step in zip(stats.steps, steps, strict=True)
            ]
        ),
        "flow": [_present_step(row, step, steps) for row, step in zip(stats.steps, steps, strict=True)],
        "counts": [(EnrollmentStatus(status).label, count) for status, count in sorted(stats.people.items())],
        "merge_fields": sorted(KNOWN_FIELDS | {f"contact.{name}" for name in custom}),
        "changes": changes[:CHANGES_SHOWN],
        **present_editor([sequence.workspace_id]),
    }


def present_new(workspace_ids: list[int]) -> dict[str, Any]:
    """The context of the page of a sequence that is not stored yet."""
    custom = frozenset().union(*(list_custom_fields(each) or frozenset() for each in workspace_ids[:_MOST_WORKSPACES]))
    fields = sorted(KNOWN_FIELDS | {f"contact.{name}" for name in custom})
    return {"merge_fields": fields, **present_editor(workspace_ids)}


def _present_problem(problem: Problem, steps: list[Step]) -> dict[str, Any]:
    """With the name of its step."""
    number = problem.step_number
    is_named = number is not None and number <= len(steps)
    text = f"{name_step(steps[number - 1])}: {problem.message}" if number and is_named else str(problem)
    return {"severity": problem.severity, "text": text}


def _present_step(row: dict[str, Any], step: Step, steps: list[Step]) -> dict[str, Any]:
    sent = row["sent"]
    shares = [
        f"{row[name]} ({row[name] / sent:.0%})" if sent else "" for name in ("opened", "clicked", "replied", "bounced")
    ]
    return {
        "id": step.pk,
        "label": str(step),
        "then": _lead_on(step, steps),
        "standing": row["standing"],
        "figures": [sent if step.type == StepType.EMAIL else "", *shares],
    }


def _lead_on(step: Step, steps: list[Step]) -> list[str]:
    return [f"{word} → {'end' if target is None else steps[target]}".strip() for word, target in _leads(step, steps)]


def _leads(step: Step, steps: list[Step]) -> tuple[tuple[str, int | None], ...]:
    """(word, place of the step in `steps`), None for the end."""
    places = {each.pk: place for place, each in enumerate(steps)}
    if step.type == StepType.CONDITIONAL_SPLIT:
        return ("yes", places.get(step.if_true_goto_id or 0)), ("no", places.get(step.if_false_goto_id or 0))
    follower = places[step.pk] + 1
    return (("", follower if follower < len(steps) else None),)


def list_problems(context: dict[str, Any]) -> list[str]:
    """The errors of the page's forms, one line each with the step and the field."""
    form = context["adminform"].form
    found = [f"{name}: {text}" for name, texts in form.errors.items() for text in texts]
    for inline in context["inline_admin_formsets"]:
        found += map(str, inline.formset.non_form_errors())
        for place, step_form in enumerate(inline.formset.forms, start=1):
            step_form.instance.number = step_form.instance.number or place
            named = name_step(step_form.instance)
            found += [f"{named}, {name}: {text}" for name, texts in step_form.errors.items() for text in texts]
    return found
