"""What validation says about emails: what rendering changes of them, and what every one of them needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem, Severity
from sequences.authoring.step_fields import StepDraft, body_format_of
from sequences.choices import StepType
from sequences.content.sampling import Sample, sample_body
from sequences.liquid.templating import TemplateError, find_number_comparisons


def check_emails(draft: SequenceDraft, *, has_postal_address: bool) -> Iterator[Problem]:
    """Warnings about the emails' texts, and the postal address of the workspace that every email carries."""
    emails = [(number, step) for number, step in enumerate(draft.steps, start=1) if step.type == StepType.EMAIL]
    if emails and not has_postal_address:
        message = (
            "the workspace has no postal address, which the law wants in every email: fill it in at the workspace, "
            "then activate"
        )
        yield Problem(None, "postal_address", message, fits_draft=True)
    for number, step in emails:
        for name in ("subject", "body"):
            yield from _check_comparisons(step, number, name)
        try:
            sample = sample_body(step.body, body_format_of(step))
        except TemplateError as error:
            yield Problem(number, "body", f"body: {error}")
        else:
            yield from _check_sample(sample, number)


def _check_sample(sample: Sample, number: int) -> Iterator[Problem]:
    for change in sample.changes:
        yield Problem(number, "body", f"body: {change}", Severity.WARNING)
    for path in sample.link_fields:
        message = (
            f"body: a link begins with {path}: a value without https:// gets it in front, and a value that is no "
            "address makes no link; import whole addresses"
        )
        yield Problem(number, "body", message, Severity.WARNING)


def _check_comparisons(step: StepDraft, number: int, name: str) -> Iterator[Problem]:
    try:
        found = find_number_comparisons(getattr(step, name))
    except TemplateError:
        return
    for path, line in found:
        message = (
            f"{name} line {line}: {path} is compared with a number: imported values are texts; 1,200 counts "
            "as a number, any other makes the comparison false"
        )
        yield Problem(number, name, message, Severity.WARNING)
