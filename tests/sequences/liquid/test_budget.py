"""A rendering that costs too much is an error of that one: counted in units, so that it fails alike everywhere."""

from __future__ import annotations

import resource
import threading
import time
import tracemalloc
from typing import Any

import pytest

from emails.rendering.render import Frame, Template, render_email
from emails.rendering.signatures import check_signature
from sequences.choices import BodyFormat
from sequences.content.rendering import render_markup, render_part
from sequences.liquid import budget
from sequences.liquid.budget import MOST_UNITS, TOO_COSTLY, one_budget, size_of
from sequences.liquid.templating import TemplateError, parse, render

TEN_THOUSAND = "{% for i in (1..10000) %}"
CONTEXT: dict[str, Any] = {"contact": {"note": "x" * 9_000, "count": 9_000}}


@pytest.mark.parametrize(
    "source",
    [
        TEN_THOUSAND + "{% if 1 == 1 %}{% endif %}" * 3_000 + "{% endfor %}",
        TEN_THOUSAND + "{% if 1 == 2 %}" + "{% elsif 1 == 2 %}" * 4_000 + "{% endif %}{% endfor %}",
        TEN_THOUSAND + "{% cycle 'a', 'b' %}" * 4_000 + "{% endfor %}",
        TEN_THOUSAND + "{% assign a = contact.note | upcase | downcase %}" * 1_000 + "{% endfor %}",
        "{% for a in (1..100) %}{% for b in (1..90) %}" + "{% assign c = 1 %}" * 2_000 + "{% endfor %}{% endfor %}",
    ],
)
def test_loops_over_written_numbers_are_refused_when_they_are_saved(source: str) -> None:
    with pytest.raises(TemplateError, match=TOO_COSTLY):
        parse(source)
    assert check_signature(source) == TOO_COSTLY


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..contact.count) %}" + "{% if 1 == 1 %}{% endif %}" * 3_000 + "{% endfor %}",
        "{% for i in (1..contact.count) %}{{ contact.note | truncatewords: 5 | slice: 0, 1 }}{% endfor %}",
        "{% for i in (1..9000) %}{% assign n = contact.note | strip_html | escape %}{% endfor %}",
    ],
)
@pytest.mark.parametrize("autoescape", [False, True])
def test_what_depends_on_the_contact_is_refused_when_it_is_rendered(source: str, autoescape: bool) -> None:
    with one_budget() as spent, pytest.raises(TemplateError, match=TOO_COSTLY):
        render(source, CONTEXT, autoescape=autoescape)
    assert spent.units > MOST_UNITS
    # another rendering has a budget of its own
    assert render("{{ contact.note | size }}", CONTEXT) == "9000"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..contact.n) reversed %}x{% endfor %}",
        "{% for i in (1..900000000) offset: 899999990 %}x{% endfor %}",
        "{% for i in (1..contact.n) offset: 899999990 reversed limit: 1 %}x{% endfor %}",
        "{% assign n = 50000 %}{% for j in (1..90) %}{% for i in (1..n) offset: 49999 %}x{% endfor %}{% endfor %}",
        "{% for i in (1..contact.big) limit: 1 %}x{% endfor %}",
    ],
)
def test_numbers_that_a_loop_only_passes_are_charged_too(source: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateError, match=r"costs more than is allowed|run more than"):
        render(source, {"contact": {"n": 900_000_000, "big": 10**30}})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_part_of_a_range_is_what_it_was() -> None:
    parts = ("limit: 2", "offset: 3", "reversed", "limit: 2 offset: 1", "offset: 'continue' limit: 1")
    loops = "|".join(f"{{% for i in (1..n) {part} %}}{{{{ i }}}}{{% endfor %}}" for part in parts)
    assert render("{% assign n = 5 %}" + loops, {}) == "12|45|54321|23|4"


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.note" + " | append: contact.note" * 3_000 + " | size }}",
        "{% assign l = contact.note | split: 'zz' %}" + "{% assign l = l | concat: l %}" * 14 + "{{ l }}",
        "{% assign l = contact.note | split: 'zz' %}" + "{% assign l = l | concat: l %}" * 5 + "{{ l | upcase }}",
        "{% assign n = 99999999999999999999 %}" + "{% assign n = n | times: n %}" * 40 + "{{ n }}",
        "{{ contact.note | replace: 'x', contact.note }}",
    ],
)
def test_no_text_between_two_filters_grows_without_end(source: str) -> None:
    parse(source)
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError, match=r"a text grows beyond|namespace limit|costs more"):
            render(source, CONTEXT)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_what_authors_write_is_far_from_the_limit() -> None:
    source = "{% for i in (1..500) %}{{ i | times: 3 | append: ', ' | upcase }}{% if i > 3 %}x{% endif %}{% endfor %}"
    with one_budget() as spent:
        assert len(render(source, CONTEXT)) > 1_000
    assert spent.units < MOST_UNITS / 50


def test_parts_of_one_email_share_a_budget() -> None:
    loop = "{% for i in (1..300) %}{% assign n = contact.note | upcase %}{% endfor %}."
    template, context = Template("Hello", loop), {**CONTEXT, "unsubscribe_url": "https://u.example/"}
    assert render_email(template, context, Frame("", "", "https://u.example/")).subject == "Hello"
    with pytest.raises(TemplateError, match=f"signature: {TOO_COSTLY}"):
        render_email(template, context, Frame(loop, "", "https://u.example/"))


class _Clock:
    """Processor time that passes with each look at it."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.mark.parametrize("body_format", [BodyFormat.MARKDOWN, BodyFormat.HTML])
def test_the_time_covers_what_follows_liquid(monkeypatch: pytest.MonkeyPatch, body_format: BodyFormat) -> None:
    monkeypatch.setattr(time, "thread_time", _Clock(1.5))
    with pytest.raises(TemplateError, match=TOO_COSTLY):
        render_markup("<p>a</p>\n\n" * 10, body_format)


def test_markdown_is_given_up_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(0.1)
    monkeypatch.setattr(time, "thread_time", clock)
    with pytest.raises(TemplateError, match=TOO_COSTLY):
        render_part("[" * 90_000, {})
    assert clock.now < 3


def test_it_works_in_any_thread() -> None:
    found: list[str] = []

    def run() -> None:
        try:
            render("{% for i in (1..contact.count) %}" + "{% cycle 1 %}" * 4_000 + "{% endfor %}", CONTEXT)
        except TemplateError as error:
            found.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TOO_COSTLY] * 3


def test_a_value_is_measured_no_further_than_to_the_limit() -> None:
    assert size_of(["ab", 7, None, {"a": "xyz"}]) == len("ab") + len("7 ") + 8 + len("xyz") + 4 + 1
    endless: list[object] = ["x" * 1_000]
    for _ in range(30):
        endless = [endless, endless]
    assert budget.LARGEST_VALUE < size_of(endless) < budget.LARGEST_VALUE * 2
