"""Lays out the steps of a sequence as a flow chart: one box per step, one arrow per way. Pure; reads no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BOX_HEIGHT, _PITCH, _LEFT, _TOP = 34, 64, 12, 6
_LONGEST_LABEL = 44
# Of a letter, of "12 here" beside the label, and of the edges.
_LETTER_WIDTH, _COUNT_WIDTH, _MARGIN = 7, 70, 24
# How far to the right a line bulges that passes over one box more.
_BULGE, _LANE = 46, 14


@dataclass(frozen=True, slots=True)
class Node:
    """A step and the number of enrollments at it. `leads`: (word, place of the next step); None is the end."""

    label: str
    enrollments: int
    leads: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Box:
    label: str
    enrollments: int
    x: int
    y: int
    is_end: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An SVG path with its arrow at the end, and its word at (`x`, `y`)."""

    path: str
    word: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw_steps(nodes: Sequence[Node]) -> Drawing | None:
    """In the order given, with the end below; None without steps."""
    if not nodes:
        return None
    end = len(nodes)
    width = max(_box_width(node) for node in nodes)
    boxes = [Box(_shorten(node.label), node.enrollments, _LEFT, _y(place), False) for place, node in enumerate(nodes)]
    boxes.append(Box("End", 0, _LEFT, _y(end), True))
    ways = [
        (place, end if target is None else target, word, number)
        for place, node in enumerate(nodes)
        for number, (word, target) in enumerate(node.leads)
    ]
    farthest = max((abs(target - place) for place, target, _, _ in ways), default=1)
    return Drawing(
        width=_LEFT + width + _BULGE + _LANE * farthest,
        height=_y(end) + _BOX_HEIGHT + _TOP,
        box_width=width,
        box_height=_BOX_HEIGHT,
        boxes=tuple(boxes),
        lines=tuple(_line(*way, right=_LEFT + width) for way in ways),
    )


def _box_width(node: Node) -> int:
    return _MARGIN + _LETTER_WIDTH * len(_shorten(node.label)) + (_COUNT_WIDTH if node.enrollments else 0)


def _shorten(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


def _y(place: int) -> int:
    return _TOP + place * _PITCH


def _line(place: int, target: int, word: str, number: int, *, right: int) -> Line:
    if target == place + 1:
        x, begin, end = _LEFT + 40, _y(place) + _BOX_HEIGHT, _y(target)
        return Line(f"M {x} {begin} L {x} {end - 3}", word, x + 8, (begin + end) // 2 + 4)
    # two lines of one box leave it one below the other
    begin, end = _y(place) + 11 + 12 * number, _y(target) + _BOX_HEIGHT // 2
    reach = right + _BULGE + _LANE * (abs(target - place) - 1)
    path = f"M {right} {begin} C {reach} {begin}, {reach} {end}, {right + 4} {end}"
    return Line(path, word, right + 8, begin - 3 if number == 0 else begin + 11)
