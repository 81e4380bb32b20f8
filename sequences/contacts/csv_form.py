"""`contacts.csv`: what each row of a file says about one contact. Pure; opens no file.

A row that cannot be used is answered with its reason and harms no other row; only a file that cannot be read at all is
an error. Rows are counted as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from common.addresses import AddressError, parse_address, parse_website
from sequences.contacts.csv_columns import KNOWN_COLUMNS, Column, read_columns
from sequences.contacts.csv_reader import (
    REJECT_COLUMN,
    CellsFile,
    CsvFormError,
    RejectedRow,
    RowWarning,
    fit_cells,
    unescape_cell,
)
from sequences.contacts.opt_outs import OptOut, OptOutReader, UnclearFlagError
from sequences.time.zone_names import parse_timezone

RESERVED = frozenset({"fields", "full_name", "engagement_score"})
LONGEST_FIELD = 10_000
LONGEST_NAME = 100
MOST_FIELDS_BYTES = 1024 * 1024
FIELDS_TOO_LARGE = "its merge fields have more than 1 MB in all: shorten or leave out some"
_MAX_COLUMNS = 200
# Addresses, web addresses and time zones are measured in their stored form.
_MAX_LENGTHS = {"first_name": 200, "last_name": 200, "title": 200, "phone": 64, "company": 200, "external_id": 200}
# What a spreadsheet shows where a formula failed, in several languages: #N/A, #REF!, #NAME?, #DIV/0!, #NV, #¿NOMBRE?
_SHEET_ERROR = re.compile(r"#(?:N/A|N/D|NV|N/B|Н/Д|GETTING_DATA|¿?[^\W\d_]{2,14}(?:/0)?[!?])")
_BOOLEANS = {"true": True, "false": False, "wahr": True, "falsch": False, "vrai": True, "faux": False}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")

FieldValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A usable row. `fields` holds the custom columns whose cell is not empty; empty texts keep what is stored.

    `warnings` say what of the row was left out; `cells` are those of the file; `opt_out`: who must not be mailed.
    """

    row: int
    email: str
    first_name: str
    last_name: str
    title: str
    phone: str
    company: str
    domain: str
    timezone: str
    external_id: str
    fields: dict[str, FieldValue]
    warnings: tuple[RowWarning, ...] = ()
    cells: tuple[str, ...] = ()
    opt_out: OptOut | None = None


@dataclass(frozen=True, slots=True)
class OptedOutRow:
    """No usable row, for `reason`; but it says that the address must not be mailed."""

    row: int
    email: str
    reason: str
    opt_out: OptOut
    cells: tuple[str, ...] = ()
    warnings: tuple[RowWarning, ...] = ()


def size_of_fields(fields: Mapping[str, Any]) -> int:
    """Bytes that merge fields have as JSON in UTF-8, with numbers written out as PostgreSQL keeps them."""
    written_out = sum(len(f"{value:.0f}") for value in fields.values() if isinstance(value, float))
    return len(json.dumps(fields, ensure_ascii=False).encode()) + written_out


class ContactsFile(CellsFile):
    """One CSV file of contacts: `columns` as they are written, then the rows by iteration.

    `names` are what the columns are read as: a known column, a merge field, or "" for one that is left out.
    """

    def __init__(self, file: str, stream: BinaryIO, mapping: Mapping[str, str] | None = None) -> None:
        """Read the header. `mapping` renames columns, as written; "" leaves one out. Raises `CsvFormError`."""
        super().__init__(file, stream)
        self._read_as = self._read_header(mapping or {})
        self.names = [column.name for column in self._read_as]
        self._opt_outs = OptOutReader(
            self.columns, [(mapping or {}).get(column, column) for column in self.columns], self._left_out
        )

    def __iter__(self) -> Iterator[ContactRow | OptedOutRow | RejectedRow]:
        """Every row once, in order. Raises `CsvFormError` when the rest of the file cannot be read."""
        seen: dict[str, int] = {}
        for row, record in self.read_rows():
            found = record.problem or self._read_contact(row, record.cells, seen)
            yield self._reject(row, found, record.cells) if isinstance(found, str) else found

    def _reject(self, row: int, reason: str, written: list[str]) -> OptedOutRow | RejectedRow:
        cells = fit_cells(written, len(self._read_as))
        try:
            opt_out = self._opt_outs.read(cells) if cells else None
            if cells and opt_out:
                email = parse_address(unescape_cell(cells[self.names.index("email")]))
                return OptedOutRow(row, email, reason, opt_out, tuple(written))
        except (UnclearFlagError, AddressError):
            # the row is rejected anyway
            return RejectedRow(row, reason, tuple(written))
        return RejectedRow(row, reason, tuple(written))

    def _read_header(self, mapping: Mapping[str, str]) -> list[Column]:
        if unknown := sorted(set(mapping) - set(self.columns)):
            raise CsvFormError(f"{self.file}: row 1: has no column {unknown[0]!r}: name columns as the header does")
        self._left_out = {place for place, column in enumerate(self.columns) if mapping.get(column) == ""}
        columns = read_columns(self.columns, mapping)
        names = [column.name for column in columns]
        where = f"{self.file}: row 1"
        if len(names) > _MAX_COLUMNS:
            raise CsvFormError(f"{where}: has {len(names)} columns: {_MAX_COLUMNS} are allowed")
        for place, name in enumerate(names):
            if name and columns[place] in columns[:place]:
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
        return columns

    def _read_contact(self, row: int, written: list[str], seen: dict[str, int]) -> ContactRow | str:
        """The row, or why it cannot be used."""
        cells = fit_cells(written, len(self._read_as))
        if cells is None:
            return f"has {len(written)} cells, the header has {len(self._read_as)}: remove what is too many"
        if any("\0" in cell for cell in cells):
            return "holds a NUL character: remove it"
        known = dict.fromkeys(KNOWN_COLUMNS, "")
        fields: dict[str, FieldValue] = {}
        warnings: list[RowWarning] = []
        for place, (column, cell) in enumerate(zip(self._read_as, cells, strict=True)):
            text = unescape_cell(cell)
            name = column.name
            if not text or name == REJECT_COLUMN or place in self._left_out:
                continue
            if not name:
                return f"cell {place + 1} stands in a column without a name: name it in the header"
            if _SHEET_ERROR.fullmatch(text) and text == text.upper():
                if name == "email":
                    return f"email is {text}, an error of the spreadsheet: correct it"
                warnings.append(RowWarning(row, f"{name} is {text}, an error of the spreadsheet: left empty"))
            elif name in known:
                known[name] = " ".join(text.split())
                if len(known[name]) > (most := _MAX_LENGTHS.get(name, LONGEST_FIELD)):
                    return f"{name} has {len(known[name]):,} characters: {most:,} are allowed"
            elif len(text) > LONGEST_FIELD:
                return f"{name} has {len(text):,} characters: {LONGEST_FIELD:,} are allowed"
            elif (value := _read_value(text, column.type)) is None:
                return f"{name} is {text[:50]!r}, which is no {column.type}: correct it"
            else:
                fields[name] = value
        # a quick look first: nearly all rows are small
        if sum(map(len, cells)) > MOST_FIELDS_BYTES // 8 and size_of_fields(fields) > MOST_FIELDS_BYTES:
            return FIELDS_TOO_LARGE
        if problem := _normalize(known):
            return problem
        # an address has an @ and no blank, the mark of ids
        keys = {known["email"].lower(): known["email"]}
        if known["external_id"]:
            keys[f"id {known['external_id']}"] = f"external_id {known['external_id']}"
        for key, name in keys.items():
            if key in seen:
                return f"{name} is already in row {seen[key]}: keep one of them"
        seen.update(dict.fromkeys(keys, row))
        try:
            opt_out = self._opt_outs.read(cells)
        except UnclearFlagError as error:
            return str(error)
        return ContactRow(
            row=row, fields=fields, warnings=tuple(warnings), cells=tuple(written), opt_out=opt_out, **known
        )


def _read_value(text: str, type_: str) -> FieldValue | None:
    """The cell of a merge field with its type; None when it does not have it."""
    if type_ == "number":
        value = json.loads(text) if _NUMBER.fullmatch(text) else None
        return value if isinstance(value, int) or (value is not None and abs(value) < float("inf")) else None
    return _BOOLEANS.get(text.lower()) if type_ == "boolean" else text


def _normalize(known: dict[str, str]) -> str | None:
    """Bring address, domain and time zone into their stored form; answer what is wrong with them, or None."""
    if not known["email"]:
        return "email is empty: fill it in"
    try:
        known["email"] = parse_address(known["email"])
        known["domain"] = parse_website(known["domain"]) if known["domain"] else ""
        known["timezone"] = parse_timezone(known["timezone"]) if known["timezone"] else ""
    except (AddressError, ValueError) as error:
        return str(error)
    if not known["external_id"].isprintable():
        return "external_id holds a control character: remove it"
    return None
