"""The flow chart of a sequence has each step once, the end, and an arrow for every way."""

from __future__ import annotations

from execution.admin.sequence_drawing import Node, draw_steps


def test_every_way_is_an_arrow_to_its_step() -> None:
    drawing = draw_steps(
        [
            Node("1. Introduction", 7, (("", 1),)),
            Node("2. Did they read it", 3, (("yes", 2), ("no", None))),
            Node("3. Call", 0, (("", 0),)),
        ]
    )
    assert drawing is not None
    assert [(box.label, box.enrollments, box.is_end) for box in drawing.boxes] == [
        ("1. Introduction", 7, False),
        ("2. Did they read it", 3, False),
        ("3. Call", 0, False),
        ("End", 0, True),
    ]
    assert [line.word for line in drawing.lines] == ["", "yes", "no", ""]
    middles = {box.y + drawing.box_height // 2 for box in drawing.boxes}
    assert int(drawing.lines[2].path.split()[-1]) == drawing.boxes[3].y + drawing.box_height // 2, "no leads to the end"
    assert int(drawing.lines[3].path.split()[-1]) == drawing.boxes[0].y + drawing.box_height // 2, "back to the first"
    assert len(middles) == 4, "no boxes overlap"
    assert all(box.y + drawing.box_height <= drawing.height for box in drawing.boxes)


def test_long_names_are_cut_and_no_steps_are_no_chart() -> None:
    drawing = draw_steps([Node("x" * 200, 0, (("", None),))])
    assert drawing is not None
    assert drawing.boxes[0].label.endswith("…")
    assert len(drawing.boxes[0].label) < 50
    assert draw_steps([]) is None


def test_the_ways_of_a_branch_stand_beside_each_other_and_meet_again() -> None:
    drawing = draw_steps(
        [
            Node("1. Intro", 0, (("", 1),)),
            Node("2. Opened?", 0, (("yes", 4), ("no", 2))),
            Node("3. Nudge", 0, (("", 3),)),
            Node("4. Bye", 0, (("", None),)),
            Node("5. Call", 0, (("", 5),)),
            Node("6. LinkedIn", 0, (("", None),)),
        ]
    )
    assert drawing is not None
    left, beside = drawing.boxes[0].x, drawing.boxes[4].x
    assert [box.x for box in drawing.boxes] == [left, left, left, left, beside, beside, left]
    assert beside > left + drawing.box_width
    assert all(box.x + drawing.box_width <= drawing.width for box in drawing.boxes)
    yes, no = drawing.lines[1], drawing.lines[2]
    assert yes.path.endswith(f"L {beside + 40} {drawing.boxes[4].y - 3}")
    assert no.path.endswith(f"L {left + 40} {drawing.boxes[2].y - 3}")
    assert drawing.lines[6].path.split()[-1] == str(drawing.boxes[6].y + drawing.box_height // 2)


def test_nested_branches_stay_within_the_columns() -> None:
    nodes = [Node(f"{place}", 0, (("yes", 19 - place), ("no", place + 1))) for place in range(9)]
    nodes += [Node(f"{place}", 0, (("", place + 1 if place < 19 else None),)) for place in range(9, 20)]
    drawing = draw_steps(nodes)
    assert drawing is not None
    assert len({box.x for box in drawing.boxes}) <= 4
    assert len({(box.x, box.y) for box in drawing.boxes}) == 21
