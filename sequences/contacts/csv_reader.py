"""CSV files as records of cells: encodings, delimiters, quotes, sizes, and cells that are no formulas.

A record that is not CSV, or holds a cell that is too large, is answered with its problem and ends where its quotes end:
what stands inside a broken or oversized cell is never read as another record. Pure; opens no file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO

# What a file of rejects adds to each row, so that it can be corrected and imported again.
REJECT_COLUMN = "rejected_reason"
MAX_CELL = 131_072
# Reading what is no list of contacts would take minutes.
MOST_ROWS = 2_000_000
MOST_CELLS = 100_000
_CHUNK = 65_536
# What Excel writes and hides: the first line says by what the cells are parted.
_DELIMITER_LINE = re.compile(r"\"?sep=([,;\t])\"?\s*", re.IGNORECASE)
# A spreadsheet takes a cell that begins so for a formula, full-width forms included (OWASP, CSV injection).
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_ESCAPED = re.compile(r"''*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_QUOTE_OR_END = re.compile(r"[\"\r\n]")


class CsvFormError(ValueError):
    """The file cannot be read. One line: the file, the row where known, and the remedy."""


class UnreadableError(CsvFormError):
    """Nor would it be if its columns were named otherwise."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record; `problem` says why they cannot be used, "" when they can."""

    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    row: int
    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowWarning:
    """A row that is used although something in it is not."""

    row: int
    reason: str


def write_line(cells: Iterable[str]) -> str:
    """One line of CSV in which no cell is a formula; `unescape_cell` reads each back as it was."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells])
    return text.getvalue()


def unescape_cell(cell: str) -> str:
    """Without white space around it and without the apostrophe that keeps spreadsheets from reading a formula."""
    return cell.rstrip()[1:] if _ESCAPED.match(cell) else cell.strip()


def fit_cells(cells: Sequence[str], width: int) -> list[str] | None:
    """As many cells as the header has: spreadsheets drop or add empty ones. None when a surplus cell is filled."""
    if any(cell.strip() for cell in cells[width:]):
        return None
    return [*cells[:width], *[""] * (width - len(cells))]


def detect_delimiter(header: str) -> str:
    """Comma, semicolon or tab, whichever the header has most of outside its quotes."""
    outside_quotes = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=outside_quotes.count)


class TooManyCellsError(ValueError):
    """One record has more than `MOST_CELLS`."""


class UnclosedQuoteError(ValueError):
    """The text ends inside quotes, so it is unknown where the record ends."""


class RecordReader:
    """Splits text into records as RFC 4180 and `csv.reader` do. `text` must not translate line ends."""

    def __init__(self, text: TextIO, delimiter: str, begin: str = "") -> None:
        """`begin` was read from `text` already and comes first."""
        self._text = text
        self._delimiter = delimiter
        self._plain_end = re.compile(rf"[{delimiter}\r\n]")
        self._buffer, self._at = begin, 0
        self._ahead: deque[str] = deque()

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        """The next record. Raises `UnclosedQuoteError`, `TooManyCellsError` and `UnicodeDecodeError`."""
        if not self._peek():
            raise StopIteration
        line = self._buffer
        if self._at == 0 and len(line) < _CHUNK and '"' not in line:
            self._at = len(line)
            bare = line.rstrip("\r\n")
            return Record(bare.split(self._delimiter) if bare else [])
        return self._scan()

    def _scan(self) -> Record:
        cells: list[str] = []
        problem = ""
        while True:
            is_quoted = self._peek() == '"'
            if not cells and not is_quoted and self._ends_line():
                return Record([])
            size, text = self._quoted() if is_quoted else self._plain()
            cells.append(text)
            if len(cells) > MOST_CELLS:
                raise TooManyCellsError
            if size > MAX_CELL:
                problem = problem or f"cell {len(cells)} has {size:,} characters: at most {MAX_CELL:,} can be read"
            if self._peek() == self._delimiter:
                self._at += 1
            elif self._ends_line():
                return Record(cells, problem)
            else:
                self._skip_rest()
                problem = f"is not CSV (cell {len(cells)} goes on after its closing quotation mark): correct it"
                return Record(cells, problem)

    def _plain(self) -> tuple[int, str]:
        """A cell without quotes; a quotation mark inside it is a character like any other."""
        parts: list[str] = []
        size = 0
        while self._peek():
            end = self._plain_end.search(self._buffer, self._at)
            size = self._take(parts, size, end.start() if end else len(self._buffer))
            if end:
                break
        return size, "".join(parts)

    def _quoted(self) -> tuple[int, str]:
        self._at += 1
        parts: list[str] = []
        size = 0
        while True:
            if not self._peek():
                raise UnclosedQuoteError
            end = self._buffer.find('"', self._at)
            size = self._take(parts, size, end if end >= 0 else len(self._buffer))
            if end < 0:
                continue
            self._at += 1
            if self._peek() != '"':
                return size, "".join(parts)
            size = self._take(parts, size, self._at + 1)

    def _take(self, parts: list[str], size: int, end: int) -> int:
        """Keep the text up to `end` as long as the cell is not too large; either way it is read."""
        if size <= MAX_CELL:
            parts.append(self._buffer[self._at : min(end, self._at + MAX_CELL + 1 - size)])
        size += end - self._at
        self._at = end
        return size

    def _skip_rest(self) -> None:
        """Go to the end of a record one of whose quoted cells holds a quotation mark that is not doubled.

        Two readings compete at each line end: the number of marks says whether quotes are open, and so does the place
        of the last one (a mark before a delimiter closes, one after it opens). Where they differ, the next line with a
        mark decides.
        """
        is_inside, marks = True, 2
        while True:
            found = _QUOTE_OR_END.search(self._buffer, self._at)
            self._at = found.start() if found else len(self._buffer)
            if not self._peek():
                if is_inside and marks % 2:
                    raise UnclosedQuoteError
                return
            if not found:
                continue
            if found[0] == '"':
                is_inside, read = self._read_mark(is_inside=is_inside)
                marks += read
                continue
            is_odd = marks % 2 == 1
            is_end = not is_inside and not is_odd
            if self._ends_line() and (is_end or (is_inside != is_odd and self._begins_record())):
                return
            is_inside, marks = True, 1

    def _read_mark(self, *, is_inside: bool) -> tuple[bool, int]:
        """Whether quotes are open after the quotation mark here, and how many marks were read."""
        is_opening = self._at > 0 and self._buffer[self._at - 1] == self._delimiter
        self._at += 1
        if not is_inside:
            return is_opening, 1
        if self._peek() == '"':
            self._at += 1
            return True, 2
        return self._peek() not in ("", self._delimiter, "\r", "\n"), 1

    def _begins_record(self) -> bool:
        """Whether the next line with a quotation mark is a record of its own instead of the end of an open cell."""
        lines: list[str] = []
        while line := self._read_chunk():
            lines.append(line)
            if '"' in line:
                break
        self._ahead.extendleft(reversed(lines))
        if not line:
            return True
        before, _, after = line.partition('"')
        is_opening = not before or before.endswith(self._delimiter)
        return is_opening and not after.startswith((self._delimiter, "\r", "\n"))

    def _ends_line(self) -> bool:
        """Whether the record ends here; the line end is read."""
        character = self._peek()
        if character not in ("", "\r", "\n"):
            return False
        if character:
            self._at += 1
        if character == "\r" and self._at < len(self._buffer) and self._buffer[self._at] == "\n":
            self._at += 1
        return True

    def _peek(self) -> str:
        """The next character; "" at the end of the text."""
        if self._at == len(self._buffer):
            self._buffer, self._at = self._read_chunk(), 0
        return self._buffer[self._at : self._at + 1]

    def _read_chunk(self) -> str:
        """The next line, or as much of it as is read at once; both characters of a line end stay together."""
        if self._ahead:
            return self._ahead.popleft()
        chunk = self._text.readline(_CHUNK)
        return chunk + self._text.read(1) if len(chunk) == _CHUNK and chunk.endswith("\r") else chunk


class CellsFile:
    """One CSV file: `columns` as they are written, then its rows by `read_rows`. `stream` must be seekable."""

    def __init__(self, file: str, stream: BinaryIO) -> None:
        """Read the header. Raises `CsvFormError`."""
        self.file = file
        self._stream = stream
        begin = stream.read(4)
        if begin[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise UnreadableError(f"{file}: is UTF-16: save it as CSV with the encoding UTF-8")
        if begin == b"PK\x03\x04":
            raise UnreadableError(
                f"{file}: is a workbook of a spreadsheet: save it there as CSV with the encoding UTF-8"
            )
        stream.seek(0)
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        header = self._read_line()
        delimiter = detect_delimiter(header)
        if named := _DELIMITER_LINE.fullmatch(header):
            header, delimiter = self._read_line(), named[1]
        self._row = 0
        self._reader = RecordReader(self._text, delimiter, header)
        if header.strip().strip(",;").lower() == "notes:":
            self._skip_notes()
        record = self._read_record()
        if record is None or record.problem:
            raise CsvFormError(f"{file}: row {self._row}: the header {record.problem if record else 'is missing'}")
        self.columns = record.cells

    def read_rows(self) -> Iterator[tuple[int, Record]]:
        """Every row once with its number, as a spreadsheet counts; blank ones are left out. Raises `CsvFormError`."""
        while (record := self._read_record()) is not None:
            if record.problem or any(cell.strip() for cell in record.cells):
                yield self._row, record

    def peek(self, most: int) -> list[list[str]]:
        """The first rows, as far as they can be read."""
        rows: list[list[str]] = []
        try:
            for _, record in self.read_rows():
                rows.append(record.cells)
                if len(rows) == most:
                    break
        except CsvFormError:
            return rows
        return rows

    def detach(self) -> None:
        """Leave the stream open for its owner."""
        self._text.detach()

    def _skip_notes(self) -> None:
        """LinkedIn puts remarks above its header: "Notes:", a quoted text and a blank line."""
        while (record := self._read_record()) is not None and record.cells:
            continue

    def _read_line(self) -> str:
        try:
            line = self._text.readline(_CHUNK)
        except UnicodeDecodeError:
            raise self._explain_encoding() from None
        if not line.strip():
            raise CsvFormError(f"{self.file}: row 1: has no header: name the columns, one of them email")
        return line

    def _read_record(self) -> Record | None:
        self._row += 1
        if self._row > MOST_ROWS:
            raise UnreadableError(f"{self.file}: has more than {MOST_ROWS:,} rows: split it")
        try:
            return next(self._reader, None)
        except TooManyCellsError:
            raise UnreadableError(
                f"{self.file}: row {self._row}: has more than {MOST_CELLS:,} cells: correct it"
            ) from None
        except UnclosedQuoteError:
            raise UnreadableError(f"{self.file}: row {self._row}: a quotation mark is never closed: close it") from None
        except UnicodeDecodeError:
            raise self._explain_encoding() from None

    def _explain_encoding(self) -> UnreadableError:
        self._text.detach()
        self._stream.seek(0)
        start = 0
        for row, line in enumerate(self._stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = start + error.start + 1
                return UnreadableError(
                    f"{self.file}: row {row}: byte {byte} (0x{line[error.start]:02X}) is not UTF-8: "
                    "save the file with the encoding UTF-8"
                )
            start += len(line)
        return UnreadableError(f"{self.file}: is not UTF-8: save the file with the encoding UTF-8")
