"""What validation says about emails: what rendering changes of them, and what every one of them needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
        for text in list_texts(step):
            yield from _check_comparisons(text, number)
            if text.part != "body":
                continue
            try:
                sample = sample_body(text.source, body_format_of(step))
            except TemplateError as error:
                yield Problem(number, text.field, f"{text.label}: {error}")
            else:
                yield from _check_sample(sample, text, number)


@dataclass(frozen=True, slots=True)
class Text:
    """A template of an email step: `part` is subject or body, `field` the field of the step in which it stands."""

    part: str
    source: str
    field: str
    label: str


def list_texts(step: StepDraft) -> Iterator[Text]:
    """All that an email step can send: of each variant where it has some, else its own subject and body."""
    for variant, subject, body in step.texts:
        for part, source in (("subject", subject), ("body", body)):
            yield (
                Text(part, source, "variants", f"variant {variant} {part}")
                if variant
                else Text(part, source, part, part)
            )


def _check_sample(sample: Sample, text: Text, number: int) -> Iterator[Problem]:
    for change in sample.changes:
        yield Problem(number, text.field, f"{text.label}: {change}", Severity.WARNING)
    for path in sample.link_fields:
        message = (
            f"{text.label}: a link begins with {path}: a value without https:// gets it in front, and a value that "
            "is no address makes no link; import whole addresses"
        )
        yield Problem(number, text.field, message, Severity.WARNING)


def _check_comparisons(text: Text, number: int) -> Iterator[Problem]:
    try:
        found = find_number_comparisons(text.source)
    except TemplateError:
        return
    for path, line in found:
        message = (
            f"{text.label} line {line}: {path} is compared with a number: imported values are texts; 1,200 counts "
            "as a number, any other makes the comparison false"
        )
        yield Problem(number, text.field, message, Severity.WARNING)
