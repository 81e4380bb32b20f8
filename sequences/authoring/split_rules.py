"""Splits whose answer is known before the sequence runs: a condition that can never be true. Pure.

Every contact would take the No branch, so activation refuses what can never be true, and warns where only `on_reply`
prevents it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem, Severity
from sequences.authoring.step_config import CONDITIONS, StepConfigError, parse_condition
from sequences.authoring.step_fields import StepDraft, body_format_of
from sequences.authoring.step_graph import Graph, build_graph, find_last_before
from sequences.choices import ConditionType, OnReply
from sequences.content.sampling import sample_body
from sequences.liquid.templating import TemplateError


def may_have_link(step: StepDraft) -> bool:
    """Whether an email has, or may have once its merge fields are filled in, a link whose clicks are tracked."""
    try:
        return any(sample_body(body, body_format_of(step)).may_have_link for _, _, body in step.texts)
    except TemplateError:
        # a problem of its own
        return True


def check_splits(draft: SequenceDraft, *, track_opens: bool, track_clicks: bool) -> Iterator[Problem]:
    """`track_opens` and `track_clicks`: as the workspace has it, where the draft has no setting of its own."""
    opens = track_opens if draft.track_opens is None else draft.track_opens
    clicks = track_clicks if draft.track_clicks is None else draft.track_clicks
    graph = build_graph(draft.steps)
    steps = {step.key: step for step in draft.steps}
    for number, step in enumerate(draft.steps, start=1):
        condition = _read_condition(step)
        if condition is None:
            continue
        if reason := _find_obstacle(condition, step, steps, graph, opens=opens, clicks=clicks):
            yield Problem(number, "condition_type", f"{condition} can never be true: {reason}", fits_draft=True)
        elif condition is ConditionType.EMAIL_REPLIED and draft.on_reply == OnReply.STOP:
            yield Problem(
                number,
                "condition_type",
                "email_replied is never true here: a reply stops the sequence, so its Yes branch is never reached; "
                "set on_reply to continue to reach it",
                Severity.WARNING,
            )


def _read_condition(step: StepDraft) -> ConditionType | None:
    if not step.is_split:
        return None
    try:
        return parse_condition(step.condition_type, step.condition_config).condition
    except StepConfigError:
        return None


def _find_obstacle(
    condition: ConditionType,
    step: StepDraft,
    steps: Mapping[str, StepDraft],
    graph: Graph,
    *,
    opens: bool,
    clicks: bool,
) -> str | None:
    followed = CONDITIONS[condition].follows
    if followed is None:
        return None
    before = find_last_before(step.key, steps.values(), graph, followed)
    if not before:
        return f"no {followed} step comes before it; put one there, or ask for something else"
    if condition is ConditionType.EMAIL_OPENED and not opens:
        return "opens are not tracked; turn open tracking on, or ask for something else"
    if condition is ConditionType.EMAIL_CLICKED and not clicks:
        return "clicks are not tracked; turn click tracking on, or ask for something else"
    if condition is ConditionType.EMAIL_CLICKED and not any(may_have_link(steps[key]) for key in before):
        return "the email before it has no link; add one, or ask for something else"
    return None
