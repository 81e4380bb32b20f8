"""Liquid templates: parse, check and render what authors write, with strict fields and bounded resources. Pure.

python-liquid does the language (https://shopify.github.io/liquid/); this file decides what an author may use, what
counts as missing, and how errors are worded. Nothing is loaded from files, and no template can run away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, RenderContext
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import LiquidError, UndefinedError
from liquid.expression import Expression
from liquid.undefined import is_undefined

_FORBIDDEN_TAGS = ("include", "render", "tablerow", "increment", "decrement", "ifchanged", "doc")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LARGEST_SOURCE = 200_000


class TemplateError(ValueError):
    """What is wrong with a template or its data: one line, with the line of the template where it is known."""


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field that a template uses. `has_fallback`: it may be blank, by `default:` or inside an `if` about it."""

    path: str
    line: int
    has_fallback: bool


class _Environment(Environment):
    """Bounds: nothing an author writes may take the engine's time or memory."""

    loop_iteration_limit = 10_000
    output_stream_limit = 262_144
    local_namespace_limit = 262_144
    context_depth_limit = 20
    block_nesting_limit = 20


def _make_environment(*, autoescape: bool) -> Environment:
    environment = _Environment(undefined=FalsyStrictUndefined, autoescape=autoescape)
    for tag in _FORBIDDEN_TAGS:
        environment.tags.pop(tag, None)
    environment.filters["default"] = _default
    return environment


def _default(value: object, fallback: object = "", *, allow_false: bool = False) -> object:
    """Liquid's `default`, which also takes the fallback where a value is nothing but blanks."""
    if is_undefined(value) or value is None or (value is False and not allow_false):
        return fallback
    if isinstance(value, str) and not value.strip():
        return fallback
    return fallback if isinstance(value, list | dict) and not value else value


_PLAIN = _make_environment(autoescape=False)
_ESCAPING = _make_environment(autoescape=True)


def parse(source: str, *, autoescape: bool = False) -> BoundTemplate:
    """Compile a template, once per source. Raises `TemplateError`."""
    return _parse(source, autoescape)


@lru_cache(maxsize=4096)
def _parse(source: str, autoescape: bool) -> BoundTemplate:
    if len(source) > _LARGEST_SOURCE:
        raise TemplateError(f"the template is longer than {_LARGEST_SOURCE} characters: shorten it")
    try:
        template = (_ESCAPING if autoescape else _PLAIN).from_string(source)
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    except RecursionError:
        raise TemplateError("the template is nested too deeply: make it flatter") from None
    for node in _walk(template.nodes):
        if isinstance(node, ForNode):
            continue
        if any(isinstance(part, RangeLiteral) for top in node.expressions() for part in _parts(top)):
            raise TemplateError(f"line {_line(source, node.token.start_index)}: a range belongs in a for tag")
    return template


def list_fields(source: str) -> tuple[Field, ...]:
    """Every merge field used, by static analysis. Raises `TemplateError`."""
    return _fields(source)


@lru_cache(maxsize=4096)
def _fields(source: str) -> tuple[Field, ...]:
    template = parse(source)
    try:
        given = frozenset(template.analyze().globals)
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    found: dict[str, Field] = {}
    for path, index, has_fallback in _find_fields(template.nodes, frozenset()):
        if path.partition(".")[0] not in given:
            continue
        known = found.get(path)
        if known is None or (known.has_fallback and not has_fallback):
            found[path] = Field(path, _line(source, index), has_fallback)
    return tuple(sorted(found.values(), key=lambda item: (item.line, item.path)))


def unknown_fields(source: str, known: frozenset[str]) -> tuple[Field, ...]:
    """The fields that are not in `known`, a set of dotted paths such as `contact.first_name`."""
    return tuple(item for item in list_fields(source) if item.path not in known)


def missing_fields(source: str, context: Mapping[str, object]) -> tuple[str, ...]:
    """The fields without a fallback that are blank for this person."""
    return tuple(path for path in _required(source) if _is_blank(path, context))


@lru_cache(maxsize=4096)
def _required(source: str) -> tuple[str, ...]:
    return tuple(item.path for item in _fields(source) if not item.has_fallback and item.path != "unsubscribe_url")


def render(source: str, context: Mapping[str, object], *, autoescape: bool = False) -> str:
    """Fill in a template. `autoescape`: values are escaped for HTML. Raises `TemplateError`."""
    template = parse(source, autoescape=autoescape)
    try:
        text = template.render(**context)
    except LiquidError as error:
        raise TemplateError(_describe(error)) from None
    except (RecursionError, MemoryError, OverflowError, ValueError, TypeError) as error:
        raise TemplateError(f"the template cannot be rendered: {error}") from None
    return _CONTROL_CHARACTERS.sub("", str(text))


def _is_blank(path: str, context: Mapping[str, object]) -> bool:
    value: object = context
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return True
        value = value[part]
    return value is None or (isinstance(value, str) and not value.strip())


def _find_fields(nodes: Iterable[Node], guarded: frozenset[str]) -> Iterator[tuple[str, int, bool]]:
    for node in nodes:
        inside = guarded
        tested = isinstance(node, ConditionalBlockNode) or hasattr(node, "condition")
        for expression in node.expressions():
            for path, index, has_fallback in _expression_fields(expression):
                yield path, index, has_fallback or tested or path in guarded
                if tested:
                    inside |= {path}
        yield from _find_fields(_children(node), inside)


def _expression_fields(expression: Expression) -> Iterator[tuple[str, int, bool]]:
    left = expression.left if isinstance(expression, FilteredExpression) else None
    if isinstance(left, Path) and isinstance(expression, FilteredExpression):
        has_fallback = any(filter_.name == "default" for filter_ in expression.filters or ())
        yield _path(left), left.token.start_index, has_fallback
    for part in _parts(expression):
        if isinstance(part, Path) and part is not left:
            yield _path(part), part.token.start_index, False


def _path(path: Path) -> str:
    return ".".join(str(segment) for segment in path.path)


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _parts(child)


def _walk(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _walk(_children(node))


def _children(node: Node) -> Iterable[Node]:
    return node.children(_STATIC, include_partials=False)


_STATIC = RenderContext(_PLAIN.from_string(""))


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, max(index, 0)) + 1


def _describe(error: LiquidError) -> str:
    message = str(error.message or "the template is wrong").splitlines()[0]
    if isinstance(error, UndefinedError):
        message = f"no value for {message.removesuffix(' is undefined')}: fill it in or give the field a default"
    if error.token is not None and error.token.start_index >= 0:
        return f"line {_line(error.token.source, error.token.start_index)}: {message}"
    return message
