"""One part of an email, the body or a signature, from its template to a finished page. Pure.

In order: Liquid with escaped values; Markdown or HTML; styles into their elements; sanitising; links and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

from sequences.choices import BodyFormat
from sequences.content.allowed import list_removed, sanitise
from sequences.content.finishing import Page, finish_page
from sequences.content.markup import MarkupError, find_format, make_page
from sequences.liquid.budget import TooCostlyError, one_budget
from sequences.liquid.templating import TemplateError, render


def render_part(
    source: str, context: Mapping[str, object], body_format: BodyFormat = BodyFormat.AUTO, *, explains: bool = False
) -> Page:
    """Render `source` for one contact.

    `explains`: `changes` lists also what sanitising removes, which costs a second reading of the page. Raises
    `TemplateError`.
    """
    return render_markup(render(source, context, autoescape=True), find_format(source, body_format), explains=explains)


def render_markup(text: str, body_format: BodyFormat, *, explains: bool = False) -> Page:
    """The finished page of a text in which all values are filled in. Raises `TemplateError`."""
    try:
        with one_budget() as budget:
            page = make_page(text, body_format)
            budget.check_time()
            finished = finish_page(sanitise(page))
            budget.check_time()
    except (MarkupError, TooCostlyError) as error:
        raise TemplateError(str(error)) from None
    if not explains:
        return finished
    return Page(finished.html, tuple(dict.fromkeys([*list_removed(text, page), *finished.changes])))
