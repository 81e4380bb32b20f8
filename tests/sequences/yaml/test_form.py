"""`sequence.yaml`: what is accepted, what is refused with its line, and that writing and reading are inverse."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.authoring.drafts import SequenceDraft
from sequences.authoring.step_fields import StepDraft
from sequences.yaml.export import export_sequence
from sequences.yaml.form import ParsedFile, YamlFormError, parse_file, parse_text

SAMPLE = """\
name: Warm intro
window: {timezone: contact, mon-fri: ["09:00-17:00"]}
steps:
  - email: {subject: "Question, {{ contact.first_name | default: 'there' }}", body_file: intro.md}
  - split: {condition: email_opened, wait_hours: 48, if_true: call, if_false: nudge}
  - task: {id: call, type: call, instructions: "Call {{ contact.first_name }}"}
  - email: {id: nudge, delay: {days: 2}, skip_weekends: true, send_time: "09:30", body: "…"}
"""


def parse(text: str) -> ParsedFile:
    return parse_text("f.yaml", text.encode())


def refuse(text: str | bytes) -> list[str]:
    with pytest.raises(YamlFormError) as caught:
        parse_text("f.yaml", text if isinstance(text, bytes) else text.encode())
    return list(caught.value.problems)


def step(text: str) -> StepDraft:
    return parse(f"name: x\nsteps:\n  - {text}\n").draft.steps[0]


def test_reads_every_step_type(tmp_path: Path) -> None:
    (tmp_path / "intro.md").write_text("Hello\n")
    path = tmp_path / "warm.yaml"
    path.write_text(SAMPLE)
    parsed = parse_file(path)
    email, split, task, nudge = parsed.draft.steps
    assert parsed.draft.name == "Warm intro"
    assert parsed.draft.window == {"timezone": "contact", "mon-fri": ["09:00-17:00"]}
    assert (email.type, email.body) == ("email", "Hello\n")
    assert (split.condition_type, split.condition_config) == ("email_opened", {"wait_hours": 48})
    assert (split.if_true, split.if_false) == (task.key, nudge.key)
    assert (task.task_type, task.instructions) == ("call", "Call {{ contact.first_name }}")
    assert (nudge.delay_days, nudge.skip_weekends, nudge.send_time) == (2, True, time(9, 30))
    assert dict(parsed.step_lines) == {1: 4, 2: 5, 3: 6, 4: 7}


def test_delay_step_has_its_units_directly() -> None:
    assert step("delay: {days: 1, hours: 2, minutes: 3}").delay == StepDraft("", "", "", 1, 2, 3).delay


def test_model_names_are_understood_too() -> None:
    found = step("conditional_split: {condition_type: email_clicked, if_true_goto: }")
    assert (found.condition_type, found.if_true) == ("email_clicked", None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("09:30", time(9, 30)), ("9:30", time(9, 30)), ("17:05", time(17, 5)), ('"17:05:10"', time(17, 5, 10))],
)
def test_unquoted_clock_times_stay_clock_times(written: str, expected: time) -> None:
    assert step(f"email: {{body: x, send_time: {written}}}").send_time == expected


def test_words_that_yaml_takes_for_values_stay_words() -> None:
    found = step("split: {condition: contact_field, field: on, operator: equals, value: no}")
    assert found.condition_config == {"field": "on", "operator": "equals", "value": "no"}
    assert step("task: {name: 2026-01-02, instructions: 1_000}").name == "2026-01-02"


def test_condition_values_keep_their_kind() -> None:
    config = step("split: {condition: engagement_score, value: 12.5, wait_hours: 1.5}").condition_config
    assert config == {"value": 12.5, "wait_hours": 1.5}
    assert step('split: {condition: contact_field, field: plan, value: "12"}').condition_config["value"] == "12"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nstpes: []\n", "f.yaml:2: the sequence has the unknown key 'stpes': did you mean steps?"),
        ("name: x\nname: y\nsteps: [delay: {days: 1}]\n", "f.yaml:2: the sequence has the key name twice: keep one"),
        ("steps: [delay: {days: 1}]\n", "f.yaml:1: name is missing: name the sequence"),
        ("name: x\n", "f.yaml:1: steps is missing: list at least one step"),
        ("name: x\nsteps: 3\n", "f.yaml:2: steps must be a list"),
        ("- x\n", "f.yaml:1: the sequence must be a mapping of keys to values"),
        (
            "name: x\nsteps:\n- sms: {}\n",
            "f.yaml:3: step 1 has the unknown type 'sms': use email, task, delay, split",
        ),
        (
            "name: x\nsteps:\n- email: {body: x}\n  task: {}\n",
            "f.yaml:3: step 1 must have exactly one of email, task, delay, split, with its keys under it",
        ),
        (
            "name: x\nsteps:\n- email:\n    body: x\n    subjct: y\n",
            "f.yaml:5: step 1 (email) has the unknown key 'subjct': did you mean subject?",
        ),
        (
            "name: x\nsteps:\n- delay: {days: two}\n",
            "f.yaml:3: step 1 (delay) days must be a whole number from 0 to 730, not 'two'",
        ),
        (
            "name: x\nsteps:\n- delay: {days: 700, hours: 17000}\n",
            "f.yaml:3: step 1 (delay) adds up to more than 730 days: shorten it",
        ),
        (
            "name: x\nsteps:\n- email: {body: x, skip_weekends: maybe}\n",
            "f.yaml:3: step 1 (email) skip_weekends must be true or false, not 'maybe'",
        ),
        (
            "name: x\nsteps:\n- email: {body: x, send_time: 25:00}\n",
            "f.yaml:3: step 1 (email) send_time must be a time of day such as 09:30, not '25:00'",
        ),
        (
            "name: x\nsteps:\n- task: {type: fax}\n",
            "f.yaml:3: step 1 (task) type must be one of call, linkedin, generic, manual_email, not 'fax'",
        ),
        (
            "name: x\nsteps:\n- split:\n    condition: email_opened\n    if_true: gone\n- delay: {id: there, days: 1}",
            "f.yaml:5: no step has the id 'gone': use one of there, or leave it empty to end there",
        ),
        (
            "name: x\nsteps:\n- delay: {id: a, days: 1}\n- delay: {id: a, days: 1}\n",
            "f.yaml:4: step 2 (delay) has the id 'a' of step 1: choose another",
        ),
        (
            "name: x\nsteps:\n- email: {subject: [a], body: x}\n",
            "f.yaml:3: step 1 (email) subject must be text: put it in quotes",
        ),
        (
            "name: x\npriority: -1\nsteps: [delay: {days: 1}]\n",
            "f.yaml:2: priority must be a whole number from 0 to 100, not '-1'",
        ),
        ("name: &n x\nsteps: [*n]\n", "f.yaml:2: the alias *n is not allowed: write the value out"),
        (
            "name: !!python/name:os.system x\n",
            "f.yaml:1: the tag tag:yaml.org,2002:python/name:os.system is not allowed: write a plain value",
        ),
        ("name: x\x00\n", "f.yaml:1: the character U+0000 is not allowed: remove it"),
        ("", "f.yaml:1: is empty: it needs name and steps"),
        (b"name: x\n\xff\n", "f.yaml:2: byte 9 is not UTF-8: save the file with the encoding UTF-8"),
        ("[" * 10_000, "f.yaml:1: values are nested too deeply: a sequence needs five levels"),
        (b"- {}\n" * 400_000, "f.yaml:30000: there are more than 30,000 values: a sequence has fewer"),
        (b"#" * 2_000_001, "f.yaml: has 2,000,001 bytes; a sequence may have 2,000,000: split it"),
        (
            "name: x\nsteps:\n- email: {body_file: a.md}\n",
            "f.yaml:3: body_file can only be used from a file on disk: write the text under body",
        ),
    ],
)  # fmt: skip
def test_refuses_with_line_and_remedy(text: str | bytes, expected: str) -> None:
    assert refuse(text) == [expected]


def test_lists_every_problem_at_once() -> None:
    problems = refuse("name: x\nsteps:\n- email: {bdy: x}\n- sms: {}\n")
    assert [problem.split(":")[1] for problem in problems] == ["3", "3", "4"]


def test_a_split_with_a_wrong_condition_names_the_allowed_ones() -> None:
    (problem,) = refuse("name: x\nsteps:\n- split: {condition: mail_opened}\n")
    assert problem.startswith("f.yaml:3: step 1 (split): condition 'mail_opened' is not known: use one of email_opened")


def test_a_wrong_window_names_its_line() -> None:
    (problem,) = refuse("name: x\nwindow: {someday: ['09:00-17:00']}\nsteps: [delay: {days: 1}]\n")
    assert problem.startswith("f.yaml:2: window: 'someday' is not a day")


@pytest.mark.parametrize("name", ["../secret.md", "/etc/hostname", "link.md", ""])
def test_body_file_stays_in_its_directory(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("secret")
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    path = inside / "s.yaml"
    path.write_text(f"name: x\nsteps:\n- email: {{body_file: '{name}'}}\n")
    with pytest.raises(YamlFormError) as caught:
        parse_file(path)
    assert str(caught.value).endswith("must name a file in the directory of the sequence")


def test_body_file_must_exist_and_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("name: x\nsteps:\n- email: {body_file: a.md}\n- email: {body_file: b.md}\n")
    (tmp_path / "b.md").write_bytes(b"caf\xe9")
    with pytest.raises(YamlFormError) as caught:
        parse_file(path)
    missing, wrong = caught.value.problems
    assert "body_file 'a.md' cannot be read (No such file or directory)" in missing
    assert "body_file 'b.md': byte 4 is not UTF-8" in wrong


def test_accepts_a_byte_order_mark() -> None:
    assert parse_text("f.yaml", "\ufeffname: x\nsteps: [delay: {days: 1}]\n".encode()).draft.name == "x"


_line = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=40)
_text = st.text(
    st.one_of(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), st.sampled_from("\n\r\t\x85 :#'\"")),
    max_size=80,
)
_time = st.builds(time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
_number = st.integers(0, 9)
_config = st.one_of(
    st.fixed_dictionaries({"wait_hours": st.one_of(st.integers(0, 99), st.sampled_from([0.5, 2.25]))}),
)


@st.composite
def _steps(draw: st.DrawFn) -> tuple[StepDraft, ...]:
    count = draw(st.integers(1, 6))
    keys = [str(number) for number in range(count)]
    target = st.one_of(st.none(), st.sampled_from(keys))
    found = []
    for key in keys:
        common: dict[str, Any] = {
            "key": key,
            "name": draw(_line),
            "delay_days": draw(_number),
            "delay_hours": draw(_number),
            "skip_weekends": draw(st.booleans()),
            "send_time": draw(st.one_of(st.none(), _time)),
        }
        kind = draw(st.sampled_from(["email", "task", "delay", "conditional_split"]))
        if kind == "email":
            common |= {"subject": draw(_line).strip(), "body": draw(_text)}
        elif kind == "task":
            common |= {"task_type": draw(st.sampled_from(["call", "generic"])), "instructions": draw(_text)}
        elif kind == "conditional_split":
            common |= {
                "condition_type": "email_opened",
                "condition_config": draw(_config),
                "if_true": draw(target),
                "if_false": draw(target),
            }
        found.append(StepDraft(type=kind, **common))
    return tuple(found)


@given(st.builds(
    SequenceDraft,
    name=_line.map(str.strip).filter(bool),
    description=_text,
    window=st.sampled_from([{}, {"timezone": "contact", "mon-fri": ["09:00-17:00"]}]),
    priority=st.integers(0, 100),
    steps=_steps(),
))  # fmt: skip
def test_what_is_written_reads_back_the_same(draft: SequenceDraft) -> None:
    text = export_sequence(draft)
    again = parse(text).draft
    assert export_sequence(again) == text
    places = {step.key: place for place, step in enumerate(again.steps)}
    names = {step.key: place for place, step in enumerate(draft.steps)}

    def comparable(step: StepDraft, where: dict[str, int]) -> tuple[object, ...]:
        gotos = tuple(None if key is None else where[key] for key in (step.if_true, step.if_false))
        return (
            step.type, step.name, step.delay, step.skip_weekends, step.send_time, step.subject, step.body,
            step.task_type, step.instructions, step.condition_type, dict(step.condition_config), gotos,
        )  # fmt: skip

    assert [comparable(step, places) for step in again.steps] == [comparable(step, names) for step in draft.steps]
    assert (again.name, again.description, again.priority) == (draft.name, draft.description, draft.priority)
    assert dict(again.window) == dict(draft.window)


def test_the_zone_of_a_window_comes_first() -> None:
    text = export_sequence(SequenceDraft(name="x", window={"mon": ["09:00-10:00"], "timezone": "UTC"}))
    assert text.index("timezone") < text.index("mon:")


def test_targets_are_named_after_their_steps() -> None:
    draft = SequenceDraft(
        name="x",
        steps=(
            StepDraft(key="7", type="conditional_split", condition_type="email_opened", if_true="9", if_false="8"),
            StepDraft(key="8", type="delay", delay_days=1),
            StepDraft(key="9", type="task", name="Call them!"),
        ),
    )
    text = export_sequence(draft)
    assert "if_true: call-them" in text
    assert "if_false: step-2" in text


def test_tracking_is_switched_per_sequence_and_reads_back() -> None:
    text = "name: x\ntrack: {opens: false}\nsteps:\n  - delay: {days: 1}\n"
    draft = parse_text("a.yaml", text.encode()).draft
    assert (draft.track_opens, draft.track_clicks) == (False, None)
    assert "track:" in (exported := export_sequence(draft))
    assert parse_text("b.yaml", exported.encode()).draft.track_opens is False
    with pytest.raises(YamlFormError, match="track: opens"):
        parse_text("c.yaml", text.replace("false", "maybe").encode())
