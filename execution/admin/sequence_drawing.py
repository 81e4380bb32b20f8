"""Lays out the steps of a sequence as a flow chart: one box per step, one arrow per way. Pure; reads no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BOX_HEIGHT, _PITCH, _LEFT, _TOP = 34, 64, 12, 6
_LONGEST_LABEL = 44
# Of a letter, of "12 here" beside the label, and of the edges.
_LETTER_WIDTH, _COUNT_WIDTH, _MARGIN = 7, 70, 24
# Between two branches beside each other, and how many there are at most.
_GAP, _MOST_COLUMNS = 56, 4
# Where lines enter and leave a box from above and below.
_STEM = 40
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
    """In the order given from above, branches beside each other, with the end below; None without steps."""
    if not nodes:
        return None
    end = len(nodes)
    width = max(_box_width(node) for node in nodes)
    columns = [*_place_branches(nodes), 0]
    boxes = [
        Box(_shorten(node.label), node.enrollments, _x(columns[place], width), _y(place), False)
        for place, node in enumerate(nodes)
    ]
    boxes.append(Box("End", 0, _LEFT, _y(end), True))
    ways = [
        (place, end if target is None else target, word, number)
        for place, node in enumerate(nodes)
        for number, (word, target) in enumerate(node.leads)
    ]
    farthest = max((abs(target - place) for place, target, _, _ in ways), default=1)
    right = _x(max(columns), width) + width
    return Drawing(
        width=right + _BULGE + _LANE * farthest,
        height=_y(end) + _BOX_HEIGHT + _TOP,
        box_width=width,
        box_height=_BOX_HEIGHT,
        boxes=tuple(boxes),
        lines=tuple(_line(*way, boxes=boxes, columns=columns, width=width, right=right) for way in ways),
    )


def _place_branches(nodes: Sequence[Node]) -> list[int]:
    """The column of each step: the way that a branch does not go on with begins a column of its own."""
    columns: dict[int, int] = {0: 0}
    for place, node in enumerate(nodes):
        here = columns.setdefault(place, 0)
        ahead = [target for _, target in node.leads if target is not None and target > place and target not in columns]
        # the next step goes on below; where neither way is the next step, the first one does
        ahead.sort(key=lambda target: target != place + 1)
        for number, target in enumerate(ahead):
            is_beside = number > 0 or (len(node.leads) > 1 and target != place + 1)
            columns[target] = min(max(columns.values()) + 1, _MOST_COLUMNS - 1) if is_beside else here
    return [columns[place] for place in range(len(nodes))]


def _box_width(node: Node) -> int:
    return _MARGIN + _LETTER_WIDTH * len(_shorten(node.label)) + (_COUNT_WIDTH if node.enrollments else 0)


def _shorten(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


def _y(place: int) -> int:
    return _TOP + place * _PITCH


def _x(column: int, width: int) -> int:
    return _LEFT + column * (width + _GAP)


def _line(
    place: int,
    target: int,
    word: str,
    number: int,
    *,
    boxes: Sequence[Box],
    columns: Sequence[int],
    width: int,
    right: int,
) -> Line:
    source, goal = boxes[place], boxes[target]
    between = {columns[each] for each in range(place + 1, target)}
    if target > place and source.x == goal.x and columns[place] not in between:
        x, begin, end = source.x + _STEM, source.y + _BOX_HEIGHT, goal.y
        return Line(f"M {x} {begin} L {x} {end - 3}", word, x + 8, begin + 19)
    # two lines of one box leave it one below the other
    begin, end = source.y + 11 + 12 * number, goal.y + _BOX_HEIGHT // 2
    out, above = source.x + width, begin - 3 if number == 0 else begin + 11
    if target > place and goal.x > source.x and columns[target] not in between:
        x = goal.x + _STEM
        return Line(f"M {out} {begin} L {x} {begin} L {x} {goal.y - 3}", word, out + 8, above)
    if target > place and goal.x < source.x and columns[place] not in between:
        x = source.x + _STEM
        path = f"M {x} {source.y + _BOX_HEIGHT} L {x} {end} L {goal.x + width + 4} {end}"
        return Line(path, word, x + 8, source.y + _BOX_HEIGHT + 19)
    reach = right + _BULGE + _LANE * (abs(target - place) - 1)
    path = f"M {out} {begin} C {reach} {begin}, {reach} {end}, {goal.x + width + 4} {end}"
    return Line(path, word, out + 8, above)
