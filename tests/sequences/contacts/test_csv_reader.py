"""Records of a CSV file: as Python's reader splits them, and never shifted by a broken or oversized cell."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.contacts import csv_reader
from sequences.contacts.csv_reader import (
    MAX_CELL,
    CellsFile,
    Record,
    RecordReader,
    UnclosedQuoteError,
    UnreadableError,
    fit_cells,
    unescape_cell,
    write_line,
)


def split(text: str, delimiter: str = ",") -> list[Record]:
    return list(RecordReader(io.StringIO(text, newline=""), delimiter))


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return [record.cells for record in split(text, delimiter)]


_CELL = st.text(st.sampled_from("ab ,;\t\"'\r\né\0"), max_size=8)
_ROWS = st.lists(st.lists(_CELL, min_size=1, max_size=4), max_size=6)


@given(_ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_what_python_writes_is_read_back(
    rows: list[list[str]], delimiter: str, line_end: str, quotes_all: bool
) -> None:
    text = io.StringIO(newline="")
    # before Python 3.13 a lone \r or \n is quoted only where the line end has it
    if quotes_all or line_end != "\r\n":
        csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(text, delimiter=delimiter).writerows(rows)
    assert cells(text.getvalue(), delimiter) == rows


@given(st.text(st.sampled_from('ab,"\r\n '), max_size=40))
def test_what_python_reads_without_an_error_is_read_alike(text: str) -> None:
    try:
        expected = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return
    assert split(text) == [Record(row) for row in expected]


@given(st.text(st.sampled_from('ab,"\r\n'), max_size=40), st.text(st.sampled_from('ab",\n'), max_size=20))
def test_no_record_begins_inside_quotes(before: str, inside: str) -> None:
    """Whatever a broken record holds, a text between quotes of its own is one cell or part of a rejected record."""
    hidden = inside.replace('"', '""')
    text = f'{before.count(chr(34)) % 2 * chr(34)}{before}\nx,"{hidden}\nmail@hidden.example,"\nlast,z\n'
    try:
        records = split(text)
    except UnclosedQuoteError:
        return
    assert all(record.problem or record.cells[:1] != ["mail@hidden.example"] for record in records)


def test_the_rest_of_an_oversized_cell_is_no_record() -> None:
    note = "minutes\n" * (MAX_CELL // 4) + "press@quayside.example, wants\n"
    first, large, last = split(f'a,b\nmoor@berth.example,"{note}"\nkeel@berth.example,x\n')
    assert (first.problem, last) == ("", Record(["keel@berth.example", "x"]))
    assert large.problem == f"cell 2 has {len(note):,} characters: at most 131,072 can be read"
    assert len(large.cells[1]) <= MAX_CELL + 1


def test_a_line_of_any_length_is_one_record() -> None:
    long = "x" * 1_500_000
    for text in (f"a,{long},b\nc\n", f'a,"{long}",b\nc\n', f"a,{long}\r\nc\n"):
        large, last = split(text)
        assert "1,500,000 characters" in large.problem
        assert last == Record(["c"])


@pytest.mark.parametrize("length", range(65_530, 65_542))
def test_line_ends_at_the_edge_of_a_chunk(length: int) -> None:
    assert [len(row) for row in cells("x" * length + "\r\nb,c\r\n")] == [1, 2]
    assert cells(f'"{"x" * length}""",1\r\nb\r\n')[1:] == [["b"]]


@pytest.mark.parametrize(
    "broken",
    [
        '"he said "hello"\nlena@tidewater.example,asks"',
        '"a" ,b',
        '"6" pipe"',
        '"6" pipe"\nquin@berth.example,"8"" pipe, or ""9"""',
        '"6"" " pipe"',
        '"he said "hello", and went.\nlena@tidewater.example,asks\nmore"',
        '"he said "hi to all.\nlena@tidewater.example,asks\nbye"',
        '"she said "hello", and\nlena@tidewater.example,asks\nthen "bye" and left"',
    ],
)
def test_a_malformed_record_ends_with_its_quotes(broken: str) -> None:
    first, bad, *others, last = split(f"email,note\nmoor@berth.example,{broken}\nkeel@berth.example,x\n")
    assert (first.problem, last) == ("", Record(["keel@berth.example", "x"]))
    assert [other.cells[0] for other in others] == ["quin@berth.example"] * broken.count("quin")
    assert bad.problem == "is not CSV (cell 2 goes on after its closing quotation mark): correct it"


@pytest.mark.parametrize("cell", ['"b', '"he said "hello" and went'])
def test_quotes_that_never_end_are_an_error_of_the_file(cell: str) -> None:
    text = f"email,note\na@a.example,x\nb@b.example,{cell}\nc@c.example,x\n"
    with pytest.raises(UnreadableError, match="row 3: a quotation mark is never closed"):
        list(CellsFile("c.csv", io.BytesIO(text.encode())).read_rows())


@pytest.mark.parametrize(
    ("most", "text", "problem"),
    [
        ("MOST_ROWS", "email\n" + "\n" * 60 + "a@b.example\n", "x.csv: has more than 50 rows: split it"),
        ("MOST_ROWS", "email\r" + ",\r" * 60, "x.csv: has more than 50 rows: split it"),
        ("MOST_CELLS", 'email\n"a"' + "," * 60 + "\n", "x.csv: row 2: has more than 50 cells: correct it"),
    ],
)
def test_what_takes_minutes_to_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, most: str, text: str, problem: str
) -> None:
    monkeypatch.setattr(csv_reader, most, 50)
    with pytest.raises(UnreadableError) as error:
        list(CellsFile("x.csv", io.BytesIO(text.encode())).read_rows())
    assert str(error.value) == problem


def test_the_remarks_above_the_header_of_linkedin_are_skipped() -> None:
    notes = 'Notes:\n"When exporting your data, you may notice, that\nsome are missing"\n\n'
    text = f"{notes}First Name,Email Address\nJo,j@x.example\n"
    found = CellsFile("c.csv", io.BytesIO(text.encode()))
    assert found.columns == ["First Name", "Email Address"]
    assert [row for row, _ in found.read_rows()] == [5]


@pytest.mark.parametrize(
    ("cells_", "fitted"),
    [
        (["a"], ["a", "", ""]),
        (["a", "b", "c", "", " "], ["a", "b", "c"]),
        (["a", "b", "c", "d"], None),
        (["a", "b", "c"], ["a", "b", "c"]),
    ],
)
def test_empty_cells_at_the_end_do_not_count(cells_: list[str], fitted: list[str] | None) -> None:
    assert fit_cells(cells_, 3) == fitted


_FORMULAS = [
    "=1+1",
    "+31 20 555",
    "-lead",
    "@today",
    "\tx",
    "\r=x",
    "\n=x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "'=x",
    "''@x",
    "=cmd|' /C'!A0",
]


@pytest.mark.parametrize("value", [*_FORMULAS, "'quoted", "''", "'", "plain", "a=b", "1-2"])
def test_no_written_cell_is_a_formula_and_each_comes_back(value: str) -> None:
    (row,) = csv.reader(io.StringIO(write_line([value]), newline=""))
    assert row[0][0] not in "=+-@\t\r\n＝＋－＠"
    assert unescape_cell(row[0]) == value


@given(st.text(st.sampled_from("'=+-@\t\r\n＝x1 "), max_size=6).map(str.rstrip))
def test_every_value_comes_back_from_a_file(value: str) -> None:
    (row,) = cells(write_line([value, "end"]))
    expected = value if value[:1] in set("'=+-@\t\r\n＝") else value.strip()
    assert unescape_cell(row[0]) == expected
    assert row[0][:1] not in set("=+-@\t\r\n＝")
