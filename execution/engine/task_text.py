"""Renders the title and the instructions of a task. Pure.

They are for colleagues and never hold an enrollment: a merge field without a value reads "(no phone)", and a text that
cannot be rendered is shown as it was written, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from sequences.liquid.templating import TemplateError, missing_fields, render


def render_task_text(source: str, context: Mapping[str, object]) -> str:
    """`context` holds the merge fields and `now`. Never raises `TemplateError`."""
    try:
        return render(source, _fill_in(context, missing_fields(context, source)))
    except TemplateError as error:
        return f"{source}\n\n(The merge fields could not be filled in: {error}.)"


def _fill_in(context: Mapping[str, object], paths: tuple[str, ...]) -> Mapping[str, object]:
    """The context with a note in place of every field in `paths`, such as `contact.phone`."""
    filled: dict[str, object] = dict(context)
    for path in paths:
        *parents, name = path.split(".")
        place = filled
        for parent in parents:
            known = place.get(parent)
            inner: dict[str, object] = dict(known) if isinstance(known, Mapping) else {}
            place[parent] = inner
            place = inner
        place[name] = f"(no {name.replace('_', ' ')})"
    return filled
