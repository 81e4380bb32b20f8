"""The Liquid that authors may write: what of it exists, how much it may use, how values enter Markdown or HTML. Pure.

Templates come from many authors and run inside the engine: nothing is loaded, every loop and every text is bounded.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.logical import (
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral, RangeLiteral
from liquid.builtin.filters.misc import date as format_date
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.exceptions import LiquidValueError, LoopIterationLimitError
from liquid.expression import Expression
from liquid.filter import sequence_filter, string_filter, with_context
from liquid.stringify import to_liquid_string
from liquid.token import Token
from liquid.undefined import UNDEFINED, is_undefined

from sequences.liquid.budget import LARGEST_VALUE, MOST_ITERATIONS, TOO_MANY_ITERATIONS, current_budget, size_of
from sequences.liquid.comparing import read_number
from sequences.liquid.places import Place, find_place, write_value
from sequences.liquid.ranges import ChargedRange

LARGEST_OUTPUT = LARGEST_VALUE
_READ_UNITS = 5
_FILTER_UNITS = 8
_ENCODING_FILTERS = frozenset({"url_encode"})
_FORBIDDEN_TAGS = ("include", "render", "tablerow", "increment", "decrement", "ifchanged", "doc")


class _Context(RenderContext):
    """Counts what one rendering does: iterations of all loops (the library bounds only those of one nest), values that
    are read, and characters that filters read and write."""

    __slots__ = ("budget", "iterations", "loop_weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.budget = current_budget()
        self.iterations = 0
        self.loop_weight = 1

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        self.budget.charge(_READ_UNITS)
        return super().get(path, token=token, default=default)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        run = super().filter(name, token)

        def charged(*args: object, **named: object) -> object:
            self.take(args)
            self.take(tuple(named.values()))
            return self.take(run(*args, **named))

        return charged

    def take(self, value: object) -> Any:
        """The value itself, once its size is charged and found to be within the limit."""
        size = size_of(value)
        _check_size(size)
        self.budget.charge(size + _FILTER_UNITS)
        return value

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.budget.charge(length * self.loop_weight)
        self.iterations += length
        if self.iterations > MOST_ITERATIONS:
            raise LoopIterationLimitError(TOO_MANY_ITERATIONS, token=None)


class _Template(BoundTemplate):
    context_class = _Context


class _Environment(Environment):
    template_class = _Template
    output_stream_limit = LARGEST_OUTPUT
    local_namespace_limit = 65_536
    context_depth_limit = 20
    block_nesting_limit = 20


class _WeighedFor(ForNode):
    """A loop that knows what one iteration costs: the nodes and expressions in it, those of inner loops aside."""

    __slots__ = ("weight",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weight = _weigh(self.block)
        loop = self.expression
        if isinstance(loop.iterable, RangeLiteral):
            loop.iterable = ChargedRange(loop.iterable.token, loop.iterable.start, loop.iterable.stop)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        context.loop_weight = self.weight  # type: ignore[attr-defined]
        return super().render_to_output(context, buffer)


class _WeighedForTag(ForTag):
    node_class = _WeighedFor


def known_cost(nodes: Iterable[Node]) -> tuple[int, int]:
    """Iterations and units of the loops over written numbers: they are the same for every contact."""
    iterations = units = 0
    for node in nodes:
        inner_iterations, inner_units = known_cost(children_of(node))
        times = _count_written(node) if isinstance(node, _WeighedFor) else 1
        if isinstance(node, _WeighedFor) and times:
            inner_iterations, inner_units = (inner_iterations + 1) * times, (inner_units + node.weight) * times
        iterations, units = iterations + inner_iterations, units + inner_units
    return iterations, units


def _count_written(node: ForNode) -> int:
    """How often the loop runs, 0 where it depends on more than what is written."""
    loop, numbers = node.expression, node.expression.iterable
    if loop.limit is not None or loop.offset is not None or not isinstance(numbers, RangeLiteral):
        return 0
    if not isinstance(numbers.start, IntegerLiteral) or not isinstance(numbers.stop, IntegerLiteral):
        return 0
    return max(numbers.stop.value - numbers.start.value + 1, 0)


def _weigh(node: Node) -> int:
    weight = 1 + sum(1 for top in node.expressions() for _ in walk_expressions(top))
    inner = () if isinstance(node, ForNode) else children_of(node)
    return weight + sum(map(_weigh, inner))


class _BoundedOutput(OutputNode):
    """A list is as large as all that it holds: known before it is written."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = context.take(self.expression.evaluate(context))  # type: ignore[attr-defined]
        return buffer.write(to_liquid_string(value, context.autoescape))


class _BoundedEcho(EchoNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = context.take(self.expression.evaluate(context))  # type: ignore[attr-defined]
        return buffer.write(to_liquid_string(value, context.autoescape))


class _BoundedOutputTag(Output):
    node_class = _BoundedOutput


class _BoundedEchoTag(EchoTag):
    node_class = _BoundedEcho


class _EscapedOutput(OutputNode):
    """Writes a value as the place where it stands wants it."""

    __slots__ = ("is_encoded", "place")

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        self.place = find_place(token.source[: token.start_index])
        self.is_encoded = _is_encoded(expression)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = context.take(self.expression.evaluate(context))  # type: ignore[attr-defined]
        return buffer.write(_write(value, self.place, is_encoded=self.is_encoded))


class _EscapedEcho(EchoNode):
    __slots__ = ("is_encoded", "place")

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        self.place = find_place(token.source[: token.start_index])
        self.is_encoded = _is_encoded(expression)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = context.take(self.expression.evaluate(context))  # type: ignore[attr-defined]
        return buffer.write(_write(value, self.place, is_encoded=self.is_encoded))


class _EscapingOutputTag(Output):
    node_class = _EscapedOutput


class _EscapingEchoTag(EchoTag):
    node_class = _EscapedEcho


def _is_encoded(expression: Expression) -> bool:
    filters = expression.filters if isinstance(expression, FilteredExpression) else None
    return any(used.name in _ENCODING_FILTERS for used in filters or ())


def _write(value: object, place: Place, *, is_encoded: bool) -> str:
    """What the author wrote (`Markup`) stays in running text; inside a link target it is encoded too."""
    is_markup = hasattr(value, "__html__")
    if place is Place.TEXT and is_markup:
        return to_liquid_string(value, True)
    text = to_liquid_string(value, False)
    return write_value(html.unescape(text) if is_markup else text, place, is_encoded=is_encoded)


class BlankIfMissing(Expression):
    """Reads `inner`, and is the empty text where that has no value."""

    __slots__ = ("inner",)

    def __init__(self, inner: Expression) -> None:
        super().__init__(inner.token)
        self.inner = inner

    def __str__(self) -> str:
        return str(self.inner)

    def evaluate(self, context: RenderContext) -> object:
        value = self.inner.evaluate(context)
        return "" if value is None or is_undefined(value) else value

    def children(self) -> list[Expression]:
        return [self.inner]


class ComparedValue(Expression):
    """One side of a comparison, `inner`, as a number where both sides are plain numbers.

    Imported values are texts, and the library refuses to order a text and a number. In `is_ordering`, such a pair
    evaluates to no value, so that the comparison is false.
    """

    __slots__ = ("inner", "is_ordering", "other")

    def __init__(self, inner: Expression, other: Expression, *, is_ordering: bool) -> None:
        super().__init__(inner.token)
        self.inner, self.other, self.is_ordering = inner, other, is_ordering

    def __str__(self) -> str:
        return str(self.inner)

    def evaluate(self, context: RenderContext) -> object:
        value, other = self.inner.evaluate(context), self.other.evaluate(context)
        texts = isinstance(value, str), isinstance(other, str)
        if not any(texts):
            return value
        number, other_number = read_number(value), read_number(other)
        if number is not None and other_number is not None:
            return number if self.is_ordering or not all(texts) else value
        return None if self.is_ordering and not all(texts) else value

    def children(self) -> list[Expression]:
        return [self.inner]


_ORDERINGS = (GeExpression, GtExpression, LeExpression, LtExpression)


def adapt_expression(expression: Expression) -> None:
    """Change what the library makes of missing values and of texts beside numbers, in place.

    A value may be missing where the author has said what then: `== blank`, or `default:` after another filter. The
    library calls nothing but the empty text blank, and lets `upcase` see a missing value before `default` can.
    """
    if isinstance(expression, EqExpression | NeExpression):
        if isinstance(expression.right, Blank | Empty):
            expression.left = BlankIfMissing(expression.left)
        elif isinstance(expression.left, Blank | Empty):
            expression.right = BlankIfMissing(expression.right)
        else:
            _compare_numbers(expression, is_ordering=False)
    elif isinstance(expression, _ORDERINGS):
        _compare_numbers(expression, is_ordering=True)
    elif isinstance(expression, FilteredExpression) and any(
        used.name == "default" for used in expression.filters or ()
    ):
        expression.left = BlankIfMissing(expression.left)


def _compare_numbers(
    expression: EqExpression | NeExpression | GeExpression | GtExpression | LeExpression | LtExpression,
    *,
    is_ordering: bool,
) -> None:
    left, right = expression.left, expression.right
    expression.left = ComparedValue(left, right, is_ordering=is_ordering)
    expression.right = ComparedValue(right, left, is_ordering=is_ordering)


def walk_nodes(nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        yield node
        yield from walk_nodes(children_of(node))


def children_of(node: Node) -> Iterable[Node]:
    return node.children(_STATIC, include_partials=False)


def walk_expressions(expression: Expression) -> Iterable[Expression]:
    yield expression
    for child in expression.children():
        yield from walk_expressions(child)


def needs_default(value: object, *, allow_false: bool = False) -> bool:
    """Whether `default:` takes its fallback: as in Liquid, and where a text is nothing but blanks."""
    if is_undefined(value) or value is None or (value is False and not allow_false):
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, list | dict) and not value


def _default(value: object, fallback: object = "", *, allow_false: bool = False) -> object:
    return fallback if needs_default(value, allow_false=allow_false) else value


@string_filter
def _replace(value: str, old: object, new: object = "") -> str:
    """Bounded before it is done: one `replace` could square the size of a text."""
    sought, put = str(old), str(new)
    _check_size(len(value) + value.count(sought) * len(put))
    return value.replace(sought, new if isinstance(new, str) else put)


@sequence_filter
def _join(items: Iterable[object], separator: object = " ") -> str:
    texts = [to_liquid_string(item, False) for item in items]
    between = separator if isinstance(separator, str) else str(separator)
    _check_size(sum(map(len, texts)) + len(texts) * len(between))
    return between.join(texts)


@sequence_filter
def _uniq(items: Iterable[object]) -> list[object]:
    return list(dict.fromkeys(items))


@with_context
def _date(value: object, layout: object = "%Y-%m-%d", *, context: RenderContext) -> object:
    """Write a date (strftime). "now" and "today" are the contact's local time, given by the caller as `now`."""
    if is_undefined(value) or value is None:
        return ""
    now = context.resolve("now", default=None)
    if value in ("now", "today"):
        if not isinstance(now, datetime):
            raise LiquidValueError("the time is not known here: leave 'now' out", token=None)
        value = now
    elif isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        zone = now.tzinfo if isinstance(now, datetime) else UTC
        try:
            value = datetime.fromtimestamp(int(value), zone)
        except (OverflowError, OSError, ValueError):
            return str(value)
    if isinstance(value, datetime) and isinstance(layout, str):
        # the library caches dates by their instant, and would write one contact's zone for another
        return value.strftime(layout)
    return format_date(value, layout, environment=context.env)


def _check_size(length: int) -> None:
    if length > LARGEST_OUTPUT:
        raise LiquidValueError(f"a text grows beyond {LARGEST_OUTPUT} characters", token=None)


def _make_environment(*, autoescape: bool) -> Environment:
    environment = _Environment(undefined=FalsyStrictUndefined, autoescape=autoescape)
    for tag in _FORBIDDEN_TAGS:
        environment.tags.pop(tag, None)
    environment.add_tag(_WeighedForTag)
    environment.add_tag(_EscapingOutputTag if autoescape else _BoundedOutputTag)
    environment.add_tag(_EscapingEchoTag if autoescape else _BoundedEchoTag)
    environment.filters.update({"default": _default, "replace": _replace, "join": _join, "uniq": _uniq, "date": _date})
    return environment


PLAIN = _make_environment(autoescape=False)
ESCAPING = _make_environment(autoescape=True)
_STATIC = RenderContext(PLAIN.from_string(""))
