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
