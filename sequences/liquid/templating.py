"""Liquid templates: parse, check and render what authors write, with strict fields. Pure.

python-liquid does the language (https://shopify.github.io/liquid/) in the dialect of `liquid_dialect`; this file
decides what counts as missing and how errors are worded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from liquid import BoundTemplate
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral, RangeLiteral
from liquid.builtin.tags.case_tag import CaseNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError, LiquidTypeError, UndefinedError
from liquid.expression import Expression

from sequences.liquid.budget import (
    MOST_ITERATIONS,
    MOST_UNITS,
    TOO_COSTLY,
    TOO_MANY_ITERATIONS,
    TooCostlyError,
    one_budget,
)
from sequences.liquid.dialect import (
    ESCAPING,
    PLAIN,
    ComparedValue,
    adapt_expression,
    children_of,
    known_cost,
    needs_default,
    walk_expressions,
    walk_nodes,
)

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LARGEST_SOURCE = 100_000
_TESTS = (IfNode, UnlessNode, CaseNode, ConditionalBlockNode)

# Known for every contact when a template is rendered: no contact's data can lack them.
MADE_WHEN_RENDERED = frozenset({"now", "unsubscribe_url"})


class TemplateError(ValueError):
    """What is wrong with a template or its data: one line, with the line of the template where it is known."""


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field that a template uses. `has_fallback`: it may be blank, by `default:` or inside an `if` about it.

    `instead_of`: it is itself the fallback of that field, and needed only where that one is blank.
    """

    path: str
    line: int
    has_fallback: bool
    instead_of: str | None = None


def parse(source: str, *, autoescape: bool = False) -> BoundTemplate:
    """Compile a template, once per source. Raises `TemplateError`."""
    return _parse(source, autoescape)


@lru_cache(maxsize=4096)
def _parse(source: str, autoescape: bool) -> BoundTemplate:
    if len(source) > _LARGEST_SOURCE:
        raise TemplateError(f"the template is longer than {_LARGEST_SOURCE} characters: shorten it")
    try:
        template = (ESCAPING if autoescape else PLAIN).from_string(source)
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    except RecursionError:
        raise TemplateError("the template is nested too deeply: make it flatter") from None
    for node in walk_nodes(template.nodes):
        for expression in [part for top in node.expressions() for part in walk_expressions(top)]:
            if isinstance(expression, RangeLiteral) and not isinstance(node, ForNode):
                raise TemplateError(f"line {_line(source, node.token.start_index)}: a range belongs in a for tag")
            adapt_expression(expression)
    iterations, units = known_cost(template.nodes)
    if iterations > MOST_ITERATIONS:
        raise TemplateError(TOO_MANY_ITERATIONS)
    if units > MOST_UNITS:
        raise TemplateError(TOO_COSTLY)
    return template


def list_fields(source: str) -> tuple[Field, ...]:
    """Every merge field used, by static analysis. Raises `TemplateError`."""
    found: dict[str, Field] = {}
    for field in _uses(source):
        if field.path not in found or _need(field) > _need(found[field.path]):
            found[field.path] = field
    return tuple(sorted(found.values(), key=lambda item: (item.line, item.path)))


@lru_cache(maxsize=4096)
def _uses(source: str) -> tuple[Field, ...]:
    template = parse(source)
    try:
        given = frozenset(template.analyze().globals)
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    return tuple(
        Field(path, _line(source, index), has_fallback, instead_of)
        for path, index, has_fallback, instead_of in _find_fields(template.nodes, frozenset())
        if path.partition(".")[0] in given
    )


def _need(field: Field) -> int:
    """How badly this use of a field wants a value; the worst of all its uses counts."""
    return 0 if field.has_fallback else 1 if field.instead_of else 2


def unknown_fields(source: str, known: frozenset[str]) -> tuple[Field, ...]:
    """The fields that are not in `known`, a set of dotted paths such as `contact.first_name`."""
    return tuple(item for item in list_fields(source) if item.path not in known)


def find_number_comparisons(source: str) -> tuple[tuple[str, int], ...]:
    """The contact's fields that are compared with a number, with the line. Raises `TemplateError`."""
    found: dict[tuple[str, int], None] = {}
    for node in walk_nodes(parse(source).nodes):
        for expression in (part for top in node.expressions() for part in walk_expressions(top)):
            if not isinstance(expression, ComparedValue) or not isinstance(expression.inner, Path):
                continue
            path = _path(expression.inner)
            if isinstance(expression.other, IntegerLiteral | FloatLiteral) and path.startswith("contact."):
                found[path, _line(source, expression.inner.token.start_index)] = None
    return tuple(where for where in found if where[0] != "contact.engagement_score")


def missing_fields(context: Mapping[str, object], *sources: str) -> tuple[str, ...]:
    """The fields without a fallback that are blank for this person. Cheap: the analysis is done once per sources."""
    missing = [
        path
        for path, keys, instead_of in _required(sources)
        if _is_blank(_read(keys, context)) and (instead_of is None or needs_default(_read(instead_of, context)))
    ]
    return tuple(dict.fromkeys(missing)) if missing else ()


_Keys = tuple[str, ...]


@lru_cache(maxsize=4096)
def _required(sources: tuple[str, ...]) -> tuple[tuple[str, _Keys, _Keys | None], ...]:
    """The path of each needed field, the keys it is made of, and those of what it is the fallback of."""
    uses = [use for source in sources for use in sorted(_uses(source), key=lambda use: (use.line, use.path))]
    needed = [(use.path, use.instead_of) for use in uses if not use.has_fallback and use.path not in MADE_WHEN_RENDERED]
    return tuple((path, _keys(path), _keys(other) if other else None) for path, other in dict.fromkeys(needed))


def _keys(path: str) -> _Keys:
    return tuple(path.split("."))


def render(source: str, context: Mapping[str, object], *, autoescape: bool = False) -> str:
    """Fill in a template. `autoescape`: values are escaped for HTML and Markdown. Raises `TemplateError`.

    `context["now"]` is the contact's local time (an aware datetime), for templates that ask for it.
    """
    template = parse(source, autoescape=autoescape)
    try:
        # the library would read the clock of the server for a `now` that is not given
        with one_budget():
            text = template.render(**{**context, "now": context.get("now"), "today": context.get("now")})
    except TooCostlyError as error:
        raise TemplateError(str(error)) from None
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    except ArithmeticError:
        raise TemplateError("the template cannot be rendered: it calculates with something that is no number") from None
    except (AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        raise TemplateError("the template cannot be rendered: a filter cannot take the value it is given") from None
    return _CONTROL_CHARACTERS.sub("", str(text))


def _read(keys: _Keys, context: Mapping[str, object]) -> object:
    value: object = context
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        try:
            value = value[key]
        except KeyError:
            return None
    return value


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _find_fields(nodes: Iterable[Node], guarded: frozenset[str]) -> Iterator[tuple[str, int, bool, str | None]]:
    for node in nodes:
        inside = guarded
        tested = isinstance(node, _TESTS)
        for expression in node.expressions():
            for path, index, has_fallback, instead_of in _expression_fields(expression):
                yield path, index, has_fallback or tested or path in guarded, instead_of
                if tested:
                    inside |= {path}
        yield from _find_fields(children_of(node), inside)


def _expression_fields(expression: Expression) -> Iterator[tuple[str, int, bool, str | None]]:
    """(path, index, has a fallback, is the fallback of). A `default:` serves all that stands before it."""
    if not isinstance(expression, FilteredExpression):
        yield from ((_path(part), part.token.start_index, False, None) for part in _paths(expression))
        return
    filters = expression.filters or []
    last = max((number for number, used in enumerate(filters) if used.name == "default"), default=-1)
    left = list(_paths(expression.left))
    yield from ((_path(part), part.token.start_index, last >= 0, None) for part in left)
    for number, used in enumerate(filters):
        instead_of = _path(left[0]) if used.name == "default" and left else None
        for argument in used.children():
            for part in _paths(argument):
                yield _path(part), part.token.start_index, number < last, instead_of


def _paths(expression: Expression) -> Iterator[Path]:
    return (part for part in walk_expressions(expression) if isinstance(part, Path))


def _path(path: Path) -> str:
    return ".".join(str(segment) for segment in path.path)


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, max(index, 0)) + 1


def _describe(error: LiquidError) -> str:
    message = str(error.message or "the template is wrong").splitlines()[0]
    if isinstance(error, UndefinedError):
        message = f"no value for {message.removesuffix(' is undefined')}: fill it in or give the field a default"
    elif isinstance(error, LiquidTypeError):
        message = "a comparison cannot take the values it is given: compare texts with texts and numbers with numbers"
    if error.token is not None and error.token.start_index >= 0:
        return f"line {_line(error.token.source, error.token.start_index)}: {message}"
    return message
