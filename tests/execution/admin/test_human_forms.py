"""The sending window and the condition of a branch on the page of their sequence: readable, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sequences.models import Sequence, Step
from tests import factories
from tests.execution.admin.test_sequences import form_of, save
from tests.support.admin_pages import log_in_root

pytestmark = pytest.mark.django_db

WRITTEN = {"timezone": "Asia/Kolkata", "mon,wed": ["9:00-12:00", "12:00-17:00"], "sat": []}


@pytest.fixture
def client() -> Client:
    return log_in_root()


def open_page(client: Client, sequence: Sequence) -> Any:
    return client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk]))


def make_split(**values: Any) -> Step:
    first: Any = factories.StepFactory(sequence__status="draft")
    split: Any = factories.SplitStepFactory(sequence=first.sequence, **values)
    return split  # type: ignore[no-any-return]


def save_split(client: Client, split: Step, **values: Any) -> Any:
    response = save(client, split.sequence, form_of(split.sequence, {}, values))
    split.refresh_from_db()
    return response


def errors_at(response: Any) -> dict[str, list[str]]:
    return dict(response.context["inline_admin_formsets"][0].formset.forms[1].errors)


def test_the_window_is_readable_and_an_unchanged_one_stays_as_it_was(client: Client) -> None:
    sequence: Any = factories.SequenceFactory(status="draft", window=WRITTEN)
    form = open_page(client, sequence).context["adminform"].form
    shown = {name: form[name].value() for name in ("time_zone", "sending_hours")}
    assert shown == {"time_zone": "Asia/Kolkata", "sending_hours": "mon 09:00-17:00, wed 09:00-17:00"}
    assert save(client, sequence, {**form_of(sequence), **shown, "name": "Other"}).status_code == 302
    sequence.refresh_from_db()
    assert (sequence.name, sequence.window) == ("Other", WRITTEN)


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        ("Mon – Fri 09:00 - 12:00 13:00-17:00; sat, sun 10:00-12:00",
         {"mon-fri": ["09:00-12:00", "13:00-17:00"], "sat,sun": ["10:00-12:00"]}),
        ("", {}),
    ],
)  # fmt: skip
def test_sending_hours_are_flexible(client: Client, hours: str, window: dict[str, Any]) -> None:
    sequence: Any = factories.SequenceFactory(status="draft")
    data = {**form_of(sequence), "time_zone": "contact", "sending_hours": hours}
    assert save(client, sequence, data).status_code == 302
    sequence.refresh_from_db()
    assert sequence.window == {"timezone": "contact", **window}


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        (
            "sending_hours",
            "09:00-17:00",
            "no day before 09:00-17:00: write the days first, such as mon-fri 09:00-17:00",
        ),
        ("sending_hours", "mon-fri", "mon-fri has no hours: write them behind it, such as mon-fri 09:00-17:00"),
        ("sending_hours", "mon-fri 9-17", "'mon-fri': '9-17' is not a range: use HH:MM-HH:MM"),
        ("time_zone", "Mars/Olympus", "Select a valid choice. Mars/Olympus is not one of the available choices."),
    ],
)
def test_errors_of_the_window_are_shown_at_their_field(client: Client, field: str, text: str, message: str) -> None:
    sequence: Any = factories.SequenceFactory(status="draft")
    response = save(client, sequence, {**form_of(sequence), field: text})
    assert dict(response.context["adminform"].form.errors) == {field: [message]}


@pytest.mark.parametrize(
    "config",
    [
        {"wait_hours": 0, "value": ""},
        {"field": "seats", "operator": "at_least", "value": 5, "wait_hours": 1.5},
        {"field": "title", "operator": "is_set"},
        {"field": "title", "value": ""},
    ],
)
def test_an_unchanged_condition_stays_as_it_was(client: Client, config: dict[str, Any]) -> None:
    split = make_split(condition_type="contact_field" if "field" in config else "email_opened", condition_config=config)
    assert save_split(client, split, name="Asked").status_code == 302
    assert (split.name, split.condition_config) == ("Asked", config)


def test_a_changed_field_of_a_condition_keeps_the_others(client: Client) -> None:
    split = make_split(condition_type="engagement_score", condition_config={"value": 70, "wait_hours": 48})
    assert save_split(client, split, wait_hours="36", operator="at_most").status_code == 302
    assert split.condition_config == {"value": 70, "wait_hours": 36, "operator": "at_most"}
    assert save_split(client, split, wait_hours="").status_code == 302
    assert split.condition_config == {"value": 70, "operator": "at_most"}


def test_errors_of_a_condition_are_shown_at_their_field(client: Client) -> None:
    split = make_split()
    for values, name, text in [
        ({"wait_hours": "soon"}, "wait_hours", "Enter a number."),
        ({"condition_type": ""}, "condition_type", "is not known"),
        ({"condition_type": "contact_field"}, "field", "such as title"),
        ({"condition_type": "contact_field", "field": "title"}, "value", "a contact_field condition needs"),
        ({"condition_type": "engagement_score", "value": "many"}, "value", "a plain number such as 1200 or 2.5"),
    ]:
        errors = errors_at(save_split(client, split, **values))
        assert list(errors) == [name]
        assert text in errors[name][0]
    assert split.condition_config == {"wait_hours": 48}


def test_a_branch_with_an_invalid_condition_can_be_removed(client: Client) -> None:
    split = make_split()
    data = form_of(split.sequence, {}, {"condition_type": "", "DELETE": "on"})
    assert save(client, split.sequence, data).status_code == 302
    assert split.sequence.steps.count() == 1


def test_users_who_can_only_read_see_the_same(client: Client) -> None:
    split = make_split(condition_type="contact_field", condition_config={"field": "title", "operator": "is_set"})
    Sequence.objects.filter(pk=split.sequence_id).update(status="archived", window=WRITTEN)
    html = open_page(client, split.sequence).content.decode()
    assert "mon 09:00-17:00, wed 09:00-17:00" in html
    assert "Asia/Kolkata" in html
    assert "is_set" in html
    assert "&quot;operator&quot;" not in html
    assert "condition_config" not in html
