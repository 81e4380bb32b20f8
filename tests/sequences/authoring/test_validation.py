"""What prevents activation: each rule with its step and message, and what is allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.problems import Problem, Severity, errors_of
from sequences.authoring.step_fields import StepDraft
from sequences.authoring.step_graph import build_graph, find_endless, find_instant_loops
from sequences.authoring.validation import WorkspaceFacts, validate_draft

ANY_HOUR = {"timezone": "UTC", "mon-sun": ["00:00-24:00"]}


def email(key: str, **changes: Any) -> StepDraft:
    return StepDraft(**{"key": key, "type": "email", "subject": "Hello", "body": "A word.", **changes})


def delay(key: str, days: int = 1) -> StepDraft:
    return StepDraft(key=key, type="delay", delay_days=days)


def task(key: str, **changes: Any) -> StepDraft:
    return StepDraft(**{"key": key, "type": "task", "instructions": "Call them", **changes})


def split(key: str, if_true: str | None, if_false: str | None, **changes: Any) -> StepDraft:
    values = {"condition_type": "email_opened", "condition_config": {"wait_hours": 1}, **changes}
    return StepDraft(key=key, type="conditional_split", if_true=if_true, if_false=if_false, **values)


def check(*steps: StepDraft, fields: frozenset[str] | None = frozenset(), **changes: Any) -> list[Problem]:
    return validate_draft(
        SequenceDraft(**{"name": "x", "window": ANY_HOUR, "steps": steps, **changes}), WorkspaceFacts(fields)
    )


def only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    return problem


def test_a_valid_sequence_has_no_problems() -> None:
    steps = (
        email("a"),
        split("b", "c", "d"),
        task("c"),
        email("d", subject="", delay_days=2, skip_weekends=True, send_time=time(9, 30)),
    )
    assert check(*steps, window={"timezone": "contact", "mon-fri": ["09:00-17:00"]}) == []


def test_a_sequence_needs_steps_a_name_and_a_window_that_can_be_read() -> None:
    assert only(check()).message == "the sequence has no steps: add one"
    assert only(check(delay("a"), name=" ")).field == "name"
    assert only(check(delay("a"), window={"someday": ["09:00-10:00"]})).field == "window"


def test_an_unknown_type_names_the_known_ones() -> None:
    problem = only(check(StepDraft(key="a", type="sms")))
    assert (problem.step_number, problem.field) == (1, "type")
    assert "use one of email, task, delay, conditional_split" in problem.message


def test_an_email_needs_a_body() -> None:
    assert only(check(email("a", body=" \n"))).field == "body"


@pytest.mark.parametrize("field", ["if_true", "if_false"])
def test_every_goto_names_a_step(field: str) -> None:
    gotos: dict[str, str | None] = {"if_true": None, "if_false": None, field: "gone"}
    problem = only(check(email("a"), split("b", **gotos)))
    assert (problem.step_number, problem.field) == (2, f"{field}_goto")
    assert "'gone', which is no step of this sequence" in problem.message


def test_a_branch_needs_a_condition() -> None:
    assert only(check(email("a"), split("b", None, None, condition_type="opened"))).field == "condition_config"
    config = {"wait_hours": 1, "colour": "red"}
    assert "colour" in only(check(email("a"), split("b", None, None, condition_config=config))).message


def test_a_condition_on_replies_is_a_warning() -> None:
    problem = only(check(email("a"), split("b", None, None, condition_type="email_replied")))
    assert problem.severity is Severity.WARNING
    assert errors_of([problem]) == []


def test_a_condition_on_a_field_that_no_contact_has_is_a_warning() -> None:
    config = {"field": "plan", "operator": "is_set"}
    ask = split("a", None, None, condition_type="contact_field", condition_config=config)
    assert only(check(ask)).severity is Severity.WARNING
    assert check(ask, fields=frozenset({"plan"})) == []


def test_a_loop_without_a_way_out_names_its_steps() -> None:
    problems = check(email("a"), delay("b"), split("c", "b", "b"))
    problem = only(problems)
    assert "no path ends from steps 1, 2, 3" in problem.message


def test_a_loop_without_a_delay_names_its_steps() -> None:
    problem = only(check(email("a"), task("b"), split("c", "b", None)))
    assert "the loop over steps 2, 3 has no delay" in problem.message


def test_a_split_that_leads_to_itself_is_a_loop() -> None:
    assert "the loop over step 2 has no delay" in only(check(email("a"), split("b", "b", None))).message


def test_a_loop_with_a_delay_and_a_way_out_is_fine() -> None:
    assert check(email("a", repeat=True), delay("b"), split("c", "a", None)) == []


def test_a_reply_needs_an_earlier_email_on_every_path() -> None:
    steps = (split("a", "b", "c", condition_type="contact_field", condition_config={"field": "title", "value": "x"}),)
    problem = only(check(*steps, email("b"), email("c", subject="")))
    assert (problem.step_number, problem.field) == (3, "subject")
    assert check(email("z"), *steps, email("b", body="Another."), email("c", subject="")) == []
    assert only(check(email("a", subject=""))).step_number == 1


def test_a_step_that_no_path_reaches_is_a_warning() -> None:
    problem = only(check(email("a"), split("b", None, None), task("c")))
    assert (problem.step_number, problem.severity) == (3, Severity.WARNING)


def test_a_time_outside_the_window_can_never_come() -> None:
    window = {"timezone": "contact", "mon-fri": ["09:00-17:00"]}
    problem = only(check(email("a", send_time=time(18, 0)), window=window))
    assert (problem.step_number, problem.field) == (1, "send_time")
    assert "at 18:00" in problem.message
    assert check(StepDraft(key="a", type="delay", delay_days=1, send_time=time(18, 0)), window=window) == []


def test_a_window_on_weekends_only_never_opens_for_a_step_that_skips_them() -> None:
    problem = only(check(email("a", skip_weekends=True), window={"timezone": "contact", "sat,sun": ["09:00-17:00"]}))
    assert "without weekends" in problem.message


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (email("a", subject="{{ contact.first_name"), "subject"),
        (email("a", body="{% if contact.title %}x"), "body"),
        (task("a", instructions="{{ contact.title | nosuchfilter }}"), "instructions"),
        (task("a", name="{% for %}"), "name"),
    ],
)
def test_templates_must_parse(step: StepDraft, field: str) -> None:
    problem = only(check(step))
    assert (problem.step_number, problem.field) == (1, field)


def test_a_misspelt_filter_is_answered_with_the_one_that_is_meant() -> None:
    problem = only(check(email("a", body="{{ contact.title | defualt: 'x' }}"), fields=None))
    assert "the filter defualt is not known: did you mean default?" in problem.message


@pytest.mark.parametrize(
    "path",
    [
        "contact.email", "contact.first_name", "contact.last_name", "contact.full_name", "contact.title",
        "contact.phone", "contact.company", "contact.domain", "contact.timezone", "account.name", "account.domain",
        "account.timezone", "sender.name", "sender.first_name", "sender.email", "workspace.name",
        "unsubscribe_url",
    ],
)  # fmt: skip
def test_known_merge_fields(path: str) -> None:
    assert check(email("a", body=f"{{{{ {path} }}}}")) == []


def test_a_task_has_no_link_to_unsubscribe() -> None:
    problem = only(check(task("a", instructions="Tell them {{ unsubscribe_url }}")))
    assert "instructions line 1: unsubscribe_url is an email's" in problem.message


def test_custom_fields_must_exist_among_the_contacts_or_have_a_fallback() -> None:
    body = "{{ contact.plan }}"
    problem = only(check(email("a", body=body)))
    assert "no contact has contact.plan" in problem.message
    assert check(email("a", body=body), fields=frozenset({"plan"})) == []
    assert check(email("a", body=body), fields=None) == []
    assert check(email("a", body="{{ contact.plan | default: 'x' }}")) == []
    assert check(email("a", body="{{ contact.fields.plan }}"), fields=frozenset({"plan"})) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("contact.frist_name", "did you mean contact.first_name?"),
        ("contact.plann", "did you mean contact.plan?"),
        ("sender.nam", "did you mean sender.name?"),
        ("company.name", "is not known"),
    ],
)
def test_unknown_merge_fields_are_answered_with_a_suggestion(path: str, text: str) -> None:
    problem = only(check(email("a", body=f"{{{{ {path} }}}}"), fields=frozenset({"plan"})))
    assert text in problem.message


def test_problems_come_in_the_order_of_the_steps() -> None:
    problems = check(email("a", body=""), email("b", body="{{ x"), email("c", body=""))
    assert [problem.step_number for problem in problems] == [1, 2, 3]


@st.composite
def _graphs(draw: st.DrawFn) -> list[StepDraft]:
    count = draw(st.integers(1, 7))
    keys = [str(number) for number in range(count)]
    target = st.one_of(st.none(), st.sampled_from(keys))
    steps = []
    for key in keys:
        days = draw(st.integers(0, 1))
        if draw(st.booleans()):
            steps.append(split(key, draw(target), draw(target), delay_days=days))
        else:
            steps.append(delay(key, days))
    return steps


@given(_graphs())
def test_loops_and_ends_are_found_as_a_plain_search_finds_them(steps: list[StepDraft]) -> None:
    graph = build_graph(steps)

    def reaches(start: str, goal: str | None, inside: set[str]) -> bool:
        seen: set[str] = set()
        ahead = list(graph[start])
        while ahead:
            key = ahead.pop()
            if key == goal:
                return True
            if key is not None and key in inside and key not in seen:
                seen.add(key)
                ahead.extend(graph[key])
        return False

    assert find_endless(graph) == {key for key in graph if not reaches(key, None, set(graph))}
    instant = {step.key for step in steps if not step.delay}
    looping = {key for key in instant if reaches(key, key, instant)}
    found = find_instant_loops(steps, graph)
    assert bool(found) == bool(looping)
    assert {key for loop in found for key in loop} <= looping


def asks(condition: str, **changes: Any) -> tuple[StepDraft, ...]:
    """A split on an email condition behind one email, with both branches."""
    before = email("a", body=changes.pop("body", "See [this](https://acme.example)."))
    return before, split("b", "c", "d", condition_type=condition), email("c", body="Yes."), email("d", body="No.")


@pytest.mark.parametrize(
    ("steps", "settings", "reason"),
    [
        (asks("email_opened"), {"track_opens": False}, "opens are not tracked"),
        (asks("email_clicked"), {"track_clicks": False}, "clicks are not tracked"),
        (asks("email_clicked", body="Nothing to click."), {}, "the email before it has no link"),
        (asks("email_clicked", body="[Write](mailto:a@b.example)"), {}, "the email before it has no link"),
        (asks("email_opened")[1:], {}, "no email step comes before it"),
        (asks("task_completed"), {}, "no task step comes before it"),
    ],
)
def test_a_split_that_can_never_be_true_prevents_activation_and_no_draft(
    steps: tuple[StepDraft, ...], settings: dict[str, Any], reason: str
) -> None:
    problem = only(errors_of(check(*steps, **settings)))
    assert (problem.field, problem.fits_draft) == ("condition_type", True)
    assert reason in problem.message


@pytest.mark.parametrize(
    "body",
    [
        "https://acme.example", "www.acme.example", "[here](acme.example)", "<a href='{{ contact.page }}'>x</a>",
        "Book: {{ contact.booking_url | default: '' }}", "[here][1]\n\n[1]: https://acme.example",
    ],
)  # fmt: skip
def test_any_form_of_a_link_can_be_clicked(body: str) -> None:
    assert errors_of(check(*asks("email_clicked", body=body), fields=frozenset({"page", "booking_url"}))) == []


def test_the_workspace_decides_about_tracking_where_the_sequence_does_not() -> None:
    draft = SequenceDraft("x", steps=asks("email_opened"))
    assert errors_of(validate_draft(draft, WorkspaceFacts(None, track_opens=False))) != []
    assert errors_of(validate_draft(replace(draft, track_opens=True), WorkspaceFacts(None, track_opens=False))) == []


def test_a_condition_on_replies_is_a_warning_only_where_a_reply_stops() -> None:
    assert only(check(*asks("email_replied"))).severity is Severity.WARNING
    assert check(*asks("email_replied"), on_reply="continue") == []


def test_the_same_text_again_is_a_warning_unless_it_is_meant() -> None:
    again = email("c", delay_days=1)
    assert (only(check(email("a"), again)).step_number, only(check(email("a"), again)).field) == (2, "body")
    assert check(email("a"), replace(again, repeat=True)) == []
    branches = (email("a", body="First."), split("b", "c", "d"), replace(again, key="c"), email("d"))
    # the Yes branch goes on into the No branch here
    assert only(check(*branches)).step_number == 4
    assert only(check(email("a"), delay("b"), split("c", "a", None))).field == "repeat"
