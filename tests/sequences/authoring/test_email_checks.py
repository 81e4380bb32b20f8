"""What activation refuses and what it warns of in emails, before any contact is mailed."""

from __future__ import annotations

from typing import Any

import pytest

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem, Severity, draft_errors_of
from sequences.authoring.validation import WorkspaceFacts, validate_draft
from tests.sequences.authoring.test_validation import ANY_HOUR, delay, email, split, task

FIELDS = frozenset({"fleet", "page"})


def check(*steps: Any, **facts: Any) -> list[Problem]:
    draft = SequenceDraft(name="x", window=ANY_HOUR, steps=steps)
    return validate_draft(draft, WorkspaceFacts(FIELDS, **facts))


def test_a_sequence_with_emails_needs_a_postal_address() -> None:
    (problem,) = check(email("a"), has_postal_address=False)
    assert (problem.severity, problem.field) == (Severity.ERROR, "postal_address")
    assert "fill it in at the workspace" in problem.message
    assert draft_errors_of([problem]) == [], "a draft may be saved before the workspace is complete"
    assert check(task("a"), has_postal_address=False) == []


CLICKED = {"condition_type": "email_clicked"}


@pytest.mark.parametrize(
    ("body", "can_click"),
    [
        ("A word.", False),
        ("See https://a.example", True),
        ("See www.a.example", True),
        ("[here](https://a.example)", True),
        ("<p><a href='acme.example'>x</a></p>", True),
        ("{% if contact.page %}[here](https://a.example){% endif %}", True),
        ("Your page: {{ contact.page }}", True),
        ("[here]({{ contact.page }})", True),
        ("Hello {{ contact.first_name }}, {{ sender.name }}", False),
        ("[out]({{ unsubscribe_url }})", False),
        ("[write](mailto:kim@quay.example)", False),
        ("![x](https://a.example/i.png)", False),
        ("`https://a.example`", False),
        ("{% comment %}https://a.example{% endcomment %}A word.", False),
    ],
)
def test_a_click_needs_a_link(body: str, can_click: bool) -> None:
    problems = [
        each for each in check(email("a", body=body), split("b", None, None, **CLICKED)) if "never" in str(each)
    ]
    assert bool(problems) is not can_click
    if problems:
        assert (problems[0].step_number, problems[0].severity) == (2, Severity.ERROR)
        assert "has no link" in problems[0].message


def test_changes_made_by_rendering_are_reported_with_their_step() -> None:
    body = '<p style="background-image:url(https://a.example/w.png)"><img src="cid:x"><a href="quay.example">x</a></p>'
    problems = check(delay("a"), email("b", body=body))
    assert {problem.step_number for problem in problems} == {2}
    assert {problem.severity for problem in problems} == {Severity.WARNING}
    text = "\n".join(map(str, problems))
    for part in ("style background-image", "picture cid:x", "quay.example becomes https://quay.example"):
        assert part in text


def test_an_address_without_mailto_is_reported() -> None:
    (problem,) = check(email("a", body='<p><a href="{{ sender.email }}">mail</a></p>'))
    assert "becomes mailto:" in problem.message


def test_links_that_begin_with_a_field_are_reported() -> None:
    (problem,) = check(email("a", body="[x]({{ contact.page }})"))
    assert "a link begins with contact.page" in problem.message
    assert check(email("a", body="[x](https://a.example/{{ contact.page }}) {{ contact.page }}")) == []


@pytest.mark.parametrize("condition", ["contact.fleet >= 20", "20 < contact.fleet", "contact.fleet == 20"])
def test_texts_compared_with_numbers_are_reported(condition: str) -> None:
    (problem,) = check(email("a", body=f"Hi\n{{% if contact.title and {condition} %}}a{{% endif %}}b"))
    assert (problem.severity, problem.field) == (Severity.WARNING, "body")
    assert "line 2: contact.fleet is compared with a number" in problem.message


@pytest.mark.parametrize("condition", ["contact.fleet == '20'", "contact.engagement_score > 5", "contact.fleet"])
def test_other_comparisons_are_not_reported(condition: str) -> None:
    assert check(email("a", body=f"{{% if {condition} %}}a{{% endif %}}b")) == []
