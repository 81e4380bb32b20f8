"""The text of a task for colleagues: fields that are missing, and templates that fail."""

from __future__ import annotations

import pytest

from execution.engine.task_text import render_task_text

CONTEXT = {"contact": {"first_name": "Jo", "seats": "many", "phone": " "}}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Ring {{ contact.first_name }} on {{ contact.phone }}", "Ring Jo on (no phone)"),
        ("{{ contact.renewal_month | upcase }}", "(NO RENEWAL MONTH)"),
        ("{{ contact.renewal_date | date: '%B' }}", "(no renewal date)"),
        ("{{ account.name }} {{ sender.first_name }}", "(no name) (no first name)"),
        ("{{ contact.fields.region }}", "(no region)"),
        ("{{ contact.phone | default: 'the switchboard' }}", "the switchboard"),
        ("{% if contact.phone != blank %}Ring{% else %}Write{% endif %}", "Write"),
        ("Nothing to fill in", "Nothing to fill in"),
        ("", ""),
    ],
)
def test_a_missing_field_reads_as_missing(source: str, text: str) -> None:
    assert render_task_text(source, CONTEXT) == text


@pytest.mark.parametrize("source", ["{{ contact.first_name | divided_by: 0 }}", "{{ contact.first_name"])
def test_a_text_that_cannot_be_rendered_is_shown_as_written_with_the_reason(source: str) -> None:
    shown = render_task_text(source, CONTEXT)
    assert shown.startswith(f"{source}\n\n(The merge fields could not be filled in: ")
