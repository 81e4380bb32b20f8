"""`contacts.csv` read as a stream: header, delimiter, cells and addresses judged row by row. Pure; opens no file.

A row that cannot be used is answered with its reason and harms no other row; only a file that cannot be read at all is
an error. Rows are counted as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from common.addresses import AddressError, parse_address, parse_website
from sequences.time.timing import is_valid_timezone

KNOWN_COLUMNS = ("email", "first_name", "last_name", "title", "phone", "company", "domain", "timezone")
# What a file of rejects adds to each row, so that it can be corrected and imported again.
REJECT_COLUMN = "rejected_reason"
_MAX_LENGTHS = {
    "email": 254, "first_name": 200, "last_name": 200, "title": 200, "phone": 64, "company": 200, "domain": 253,
    "timezone": 64,
}  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = frozenset("=+-@")
# What Excel writes and hides: the first line says by what the cells are parted.
_DELIMITER_LINE = re.compile(r"\"?sep=([,;\t])\"?\s*", re.IGNORECASE)
RESERVED = frozenset({"fields", "full_name", "engagement_score"})
_MAX_COLUMNS = 200
LONGEST_FIELD = 10_000
LONGEST_NAME = 100
_MAX_LINE_BYTES = 1_000_000


def write_line(cells: Iterable[str]) -> str:
    """One line of CSV in which no cell is a formula; `bare_cell` reads it back."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow([f"'{cell}" if cell[:1] in _FORMULA else cell for cell in cells])
    return text.getvalue()


def bare_cell(text: str) -> str:
    """Without the apostrophe that keeps spreadsheets from reading a cell as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


class CsvFormError(ValueError):
    """The file cannot be read. One line: the file, the row where known, and the remedy."""


class UnreadableError(CsvFormError):
    """Nor would it be if its columns were named otherwise."""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A usable row. `fields` holds the custom columns whose cell is not empty; empty texts keep what is stored."""

    row: int
    email: str
    first_name: str
    last_name: str
    title: str
    phone: str
    company: str
    domain: str
    timezone: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    row: int
    reason: str
    cells: tuple[str, ...]


class CellsFile:
    """One CSV file: `columns` as they are written, judged by nobody. `stream` must be seekable."""

    def __init__(self, file: str, stream: BinaryIO) -> None:
        """Read the header. Raises `CsvFormError`."""
        self._file = file
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
        header = self._read_header_line()
        delimiter = detect_delimiter(header)
        if named := _DELIMITER_LINE.fullmatch(header):
            header, delimiter = self._read_header_line(), named[1]
        self._reader = csv.reader(self._lines(header), delimiter=delimiter, strict=True)
        self.columns = self._read_row_or_fail()

    def peek(self, most: int) -> list[list[str]]:
        """The first rows, as far as they can be read."""
        rows: list[list[str]] = []
        with contextlib.suppress(csv.Error, CsvFormError, UnicodeDecodeError):
            rows.extend(itertools.islice(self._reader, most))
        return rows

    def detach(self) -> None:
        """Leave the stream open for its owner."""
        self._text.detach()

    def _read_header_line(self) -> str:
        try:
            line = self._text.readline(_MAX_LINE_BYTES)
        except UnicodeDecodeError:
            raise self._explain_encoding() from None
        if not line.strip():
            raise CsvFormError(f"{self._file}: row 1: has no header: name the columns, one of them email")
        return line

    def _lines(self, header: str) -> Iterator[str]:
        yield header
        number = 1
        while line := self._text.readline(_MAX_LINE_BYTES):
            number += 1
            if len(line) >= _MAX_LINE_BYTES:
                raise UnreadableError(
                    f"{self._file}: line {number} is longer than {_MAX_LINE_BYTES:,}: is it a CSV file?"
                )
            yield line

    def _read_row_or_fail(self) -> list[str]:
        try:
            return next(self._reader)
        except csv.Error as error:
            raise CsvFormError(f"{self._file}: row 1: the header is not CSV ({error}): correct it") from None
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
                    f"{self._file}: row {row}: byte {byte} (0x{line[error.start]:02X}) is not UTF-8: "
                    "save the file with the encoding UTF-8"
                )
            start += len(line)
        return UnreadableError(f"{self._file}: is not UTF-8: save the file with the encoding UTF-8")


class ContactsFile(CellsFile):
    """One CSV file of contacts: `columns` as they are written, then the rows by iteration.

    `names` are what the columns are read as: a known column, a merge field, or "" for one that is left out.
    """

    def __init__(self, file: str, stream: BinaryIO, mapping: Mapping[str, str] | None = None) -> None:
        """Read the header. `mapping` names columns, as written, anew; "" leaves one out. Raises `CsvFormError`."""
        super().__init__(file, stream)
        self._mapping = mapping or {}
        self.names = self._name_columns()

    def __iter__(self) -> Iterator[ContactRow | RejectedRow]:
        """Every row once, in order. Raises `CsvFormError` when the rest of the file cannot be read."""
        seen: dict[str, int] = {}
        row = 1
        while True:
            row += 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    raise UnreadableError(
                        f"{self._file}: row {row}: a quotation mark is never closed: close it"
                    ) from None
                yield RejectedRow(row, f"is not CSV ({error}): correct its quotation marks", ())
                continue
            except UnicodeDecodeError:
                raise self._explain_encoding() from None
            if not any(cell.strip() for cell in cells):
                continue
            found = self._judge(row, cells, seen)
            yield found if isinstance(found, ContactRow) else RejectedRow(row, found, tuple(cells))

    def _name_columns(self) -> list[str]:
        if unknown := sorted(set(self._mapping) - set(self.columns)):
            raise CsvFormError(f"{self._file}: row 1: has no column {unknown[0]!r}: name columns as the header does")
        self._left_out = {place for place, column in enumerate(self.columns) if self._mapping.get(column) == ""}
        names = [name_column(self._mapping.get(column, column)) for column in self.columns]
        where = f"{self._file}: row 1"
        if len(names) > _MAX_COLUMNS:
            raise CsvFormError(f"{where}: has {len(names)} columns: {_MAX_COLUMNS} are allowed")
        for place, name in enumerate(names):
            if name and name in names[:place]:
                raise CsvFormError(f"{where}: has the column {name} twice: remove or rename one")
            if name in RESERVED:
                raise CsvFormError(f"{where}: the column name {name} is reserved: rename it")
            if "\0" in self.columns[place]:
                raise CsvFormError(f"{where}: the name of column {place + 1} holds a NUL character: remove it")
            if len(name) > LONGEST_NAME:
                raise CsvFormError(
                    f"{where}: the name of column {place + 1} is longer than {LONGEST_NAME} characters: shorten it"
                )
        if "email" not in names:
            shown = ", ".join(name for name in names if name)[:200]
            raise CsvFormError(f"{where}: the column email is missing (found: {shown}): name one column email")
        return names

    def _judge(self, row: int, cells: list[str], seen: dict[str, int]) -> ContactRow | str:
        """The row, or why it cannot be used."""
        if len(cells) != len(self.names):
            return f"has {len(cells)} cells, the header has {len(self.names)}: add or remove cells"
        if any("\0" in cell for cell in cells):
            return "holds a NUL character: remove it"
        known = dict.fromkeys(KNOWN_COLUMNS, "")
        fields: dict[str, str] = {}
        for place, (name, cell) in enumerate(zip(self.names, cells, strict=True)):
            text = bare_cell(cell.strip())
            if not text or name == REJECT_COLUMN or place in self._left_out:
                continue
            if not name:
                return f"cell {place + 1} stands in a column without a name: name it in the header"
            if len(text) > _MAX_LENGTHS.get(name, LONGEST_FIELD):
                return f"{name} has {len(text)} characters: {_MAX_LENGTHS.get(name, LONGEST_FIELD)} are allowed"
            if name in known:
                known[name] = " ".join(text.split())
            else:
                fields[name] = text
        if problem := _judge_known(known):
            return problem
        email = known["email"].lower()
        if email in seen:
            return f"{known['email']} is already in row {seen[email]}: keep one of them"
        seen[email] = row
        return ContactRow(row=row, fields=fields, **known)


def name_column(written: str) -> str:
    """What a column is called as a merge field."""
    return re.sub(r"\W+", "_", written.strip().lower()).strip("_")


def detect_delimiter(header: str) -> str:
    """Comma, semicolon or tab, whichever the header has most of outside its quotes."""
    outside_quotes = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=outside_quotes.count)


def _judge_known(known: dict[str, str]) -> str | None:
    """Bring address and domain into their stored form; answer what is wrong with the known columns, or None."""
    if not known["email"]:
        return "email is empty: fill it in"
    try:
        known["email"] = parse_address(known["email"])
        known["domain"] = parse_website(known["domain"]) if known["domain"] else ""
    except AddressError as error:
        return str(error)
    if known["timezone"] and not is_valid_timezone(known["timezone"]):
        return f"{known['timezone']} is not a time zone: use an IANA name such as Europe/Berlin"
    return None
