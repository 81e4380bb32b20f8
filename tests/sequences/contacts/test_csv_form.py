"""`contacts.csv`: delimiters, encodings, headers and rows, each validated with its place and reason."""

from __future__ import annotations

import io

import pytest

from sequences.contacts.csv_form import ContactRow, ContactsFile, OptedOutRow
from sequences.contacts.csv_reader import CsvFormError, RejectedRow


def read(data: str | bytes) -> list[ContactRow | OptedOutRow | RejectedRow]:
    stream = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return list(ContactsFile("c.csv", stream))


def contacts(data: str | bytes) -> list[ContactRow]:
    found = [row for row in read(data) if isinstance(row, ContactRow)]
    assert len(found) == len(read(data))
    return found


def reasons(data: str | bytes) -> dict[int, str]:
    return {row.row: row.reason for row in read(data) if isinstance(row, RejectedRow)}


def refuse(data: str | bytes) -> str:
    with pytest.raises(CsvFormError) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends_are_found(delimiter: str, line_end: str) -> None:
    rows = [["Email", " First Name ", "company"], ["ada@a.example", "Ada", '"Love, Lace; & Co"']]
    (row,) = contacts(line_end.join(delimiter.join(cells) for cells in rows))
    assert (row.row, row.email, row.first_name, row.company) == (2, "ada@a.example", "Ada", "Love, Lace; & Co")


@pytest.mark.parametrize(("line", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=\t", "\t")])
def test_the_line_by_which_excel_names_the_delimiter_is_no_header(line: str, delimiter: str) -> None:
    (row,) = contacts(f"\ufeff{line}\r\nemail{delimiter}first_name\r\nada@a.example{delimiter}Ada\r\n")
    assert (row.row, row.first_name) == (2, "Ada")


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    (row,) = contacts("\ufeffemail\nada@a.example\n".encode())
    assert row.email == "ada@a.example"


def test_other_columns_become_fields_and_empty_cells_are_left_out() -> None:
    (row,) = contacts("email,Deal Size,plan,timezone\nada@a.example,12, ,Europe/Berlin\n")
    assert row.fields == {"deal_size": "12"}
    assert row.timezone == "Europe/Berlin"


def test_addresses_are_stored_as_mail_servers_take_them() -> None:
    (row,) = contacts("email,domain\n Ada@Bücher.Example ,WWW.Acme.Example.\n")
    assert row.email == "Ada@xn--bcher-kva.example"
    assert row.domain == "acme.example"


def test_names_are_one_line() -> None:
    (row,) = contacts('email,first_name\nada@a.example,"Ada\nBcc: x@y.example"\n')
    assert row.first_name == "Ada Bcc: x@y.example"


def test_rows_are_counted_like_a_spreadsheet_does() -> None:
    found = reasons('email,note\na@a.example,"two\nlines"\n\n,\nbroken,x\n')
    assert list(found) == [5]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("not-an-address,", "not-an-address is not an email address"),
        ("a@b@c.example,", "is not an email address"),
        ("a@localhost,", "is not an email address"),
        ('"a@a.example\nBcc: b@b.example",', "is not an email address"),
        ("ä@a.example,", "ä@a.example has letters before the @ that not every mail server takes"),
        (",Europe/Berlin", "email is empty"),
        ("a@a.example,Berlin", "Berlin is not a time zone: use an IANA name such as Europe/Berlin"),
        ("a@a.example,UTC,x", "has 3 cells, the header has 2: remove what is too many"),
        ("a@a.example,U\x00TC", "holds a NUL character: remove it"),
        ('"a@a.example"x,UTC', "is not CSV"),
        ("a@a.example," + "x" * 65, "is not a time zone: use an IANA name such as Europe/Berlin"),
        ("a@a.example," + "x" * 1_000_001, "cell 2 has 1,000,001 characters: at most 131,072 can be read"),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbours_are_read(cells: str, reason: str) -> None:
    found = read(f"email,timezone\nfirst@a.example,UTC\n{cells}\nlast@a.example,UTC\n")
    assert [type(row) for row in found] == [ContactRow, RejectedRow, ContactRow]
    rejected = found[1]
    assert isinstance(rejected, RejectedRow)
    assert rejected.row == 3
    assert reason in rejected.reason


def test_the_second_of_two_equal_addresses_is_rejected() -> None:
    found = reasons("email\nAda@a.example\nb@a.example\nada@A.example\n")
    assert found == {4: "ada@a.example is already in row 2: keep one of them"}


def test_a_domain_must_look_like_one() -> None:
    assert reasons("email,domain\na@a.example,tongs dot example\n") == {
        2: "tongs dot example is not a domain: write it as in example.com"
    }


def test_an_empty_column_without_a_name_is_nothing_a_filled_one_is_rejected() -> None:
    found = read("email,\na@a.example,\nb@a.example,x\n")
    assert isinstance(found[0], ContactRow)
    assert reasons("email,\na@a.example,\nb@a.example,x\n") == {
        3: "cell 2 stands in a column without a name: name it in the header"
    }


def test_the_column_of_reasons_is_not_imported_again() -> None:
    (row,) = contacts("email,rejected_reason\na@a.example,row 3: email is empty\n")
    assert row.fields == {}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "c.csv: row 1: has no header: name the columns, one of them email"),
        (b"\n\n", "c.csv: row 1: has no header: name the columns, one of them email"),
        (b"address,name\n", "c.csv: row 1: the column email is missing (found: address, name): name one column email"),
        (b"email,Plan,plan\n", "c.csv: row 1: has the column plan twice: remove or rename one"),
        (b"email,Full Name\n", "c.csv: row 1: the column name full_name is reserved: rename it"),
        (b"email,x\x00y\n", "c.csv: row 1: the name of column 2 holds a NUL character: remove it"),
        (
            "email,first_name\nada@a.example,Zoë\n".encode("latin-1"),
            "c.csv: row 2: byte 34 (0xEB) is not UTF-8: save the file with the encoding UTF-8",
        ),
        (
            "email,Größe\n".encode("cp1252"),
            "c.csv: row 1: byte 9 (0xF6) is not UTF-8: save the file with the encoding UTF-8",
        ),
        (
            "email\nada@a.example\n".encode("utf-16"),
            "c.csv: is UTF-16: save it as CSV with the encoding UTF-8",
        ),
        (
            b"PK\x03\x04\x14\x00\xff",
            "c.csv: is a workbook of a spreadsheet: save it there as CSV with the encoding UTF-8",
        ),
        (
            b'email,note\na@a.example,"never closed\nb@a.example,x\n',
            "c.csv: row 2: a quotation mark is never closed: close it",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(data: bytes, expected: str) -> None:
    assert refuse(data) == expected


def test_a_wrong_byte_far_behind_is_found() -> None:
    data = b"email\n" + b"".join(b"p%d@a.example\n" % number for number in range(5_000)) + b"\xff@a.example\n"
    assert refuse(data).startswith(f"c.csv: row 5002: byte {data.index(0xFF) + 1} (0xFF) is not UTF-8")


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("Email,Given Name,Family Name,Position", "email,first_name,last_name,title"),
        ("Work E-mail,Job Title,Company Name,Direct Dial,Website", "email,title,company,phone,domain"),
        ("E-Mail;FirstName;LastName;Job title;Account", "email;first_name;last_name;title;company"),
        # Salesforce
        ("First Name,Last Name,Title,Account Name,Phone,Email", "first_name,last_name,title,company,phone,email"),
        # HubSpot
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Associated Company,Company Domain Name,Time Zone",
            "record_id,first_name,last_name,email,phone,company,domain,timezone",
        ),
        # Apollo
        (
            "First Name,Last Name,Title,Company,Company Name for Emails,Email,Work Direct Phone,Mobile Phone,Website",
            "first_name,last_name,title,company,company_name_for_emails,email,phone,mobile_phone,domain",
        ),
        # Lemlist
        ("email,firstName,lastName,companyName,jobTitle,ice", "email,first_name,last_name,company,title,ice"),
        # LinkedIn
        (
            "First Name,Last Name,URL,Email Address,Company,Position,Connected On",
            "first_name,last_name,url,email,company,title,connected_on",
        ),
        # Google Contacts
        (
            "First Name,Last Name,Organization Name,Organization Title,E-mail 1 - Label,E-mail 1 - Value",
            "first_name,last_name,company,title,e_mail_1_label,email",
        ),
        # Outlook, whose Title is a salutation
        (
            "Title,First Name,Company,Job Title,Business Phone,Home Phone,E-mail Address,E-mail 2 Address,Web Page",
            "other_title,first_name,company,title,phone,home_phone,email,e_mail_2_address,domain",
        ),
        # what is called exactly so is it: as in our own exports
        ("email,title,job_title,phone,mobile,Work Email", "email,title,job_title,phone,mobile,work_email"),
    ],
)  # fmt: skip
def test_columns_are_known_by_the_names_that_other_tools_give_them(header: str, names: str) -> None:
    delimiter = ";" if ";" in header else ","
    assert ContactsFile("c.csv", io.BytesIO(f"{header}\n".encode())).names == names.split(delimiter)


def test_a_mapping_goes_before_what_a_name_suggests() -> None:
    stream = io.BytesIO(b"Mail,Work Email,Title\na@a.example,b@b.example,CTO\n")
    file = ContactsFile("c.csv", stream, {"Work Email": "email", "Title": ""})
    assert file.names == ["mail", "email", ""]
    (row,) = list(file)
    assert isinstance(row, ContactRow)
    assert (row.email, row.title, row.fields) == ("b@b.example", "", {"mail": "a@a.example"})


def test_empty_cells_at_the_end_may_be_missing_or_too_many() -> None:
    rows = contacts("email,first_name,remark\na@a.example\nb@b.example,Bo\nc@c.example,Cy,keen,, \n")
    assert [(row.email, row.first_name, row.fields) for row in rows] == [
        ("a@a.example", "", {}), ("b@b.example", "Bo", {}), ("c@c.example", "Cy", {"remark": "keen"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#NV", "#¿NOMBRE?", "#BEZUG!"],
)
def test_errors_of_a_spreadsheet_are_empty_with_a_warning(text: str) -> None:
    (row,) = contacts(f"email,first_name,city\na@a.example,{text},{text}\n")
    assert (row.first_name, row.fields) == ("", {})
    assert [(warning.row, warning.reason) for warning in row.warnings] == [
        (2, f"first_name is {text}, an error of the spreadsheet: left empty"),
        (2, f"city is {text}, an error of the spreadsheet: left empty"),
    ]
    assert reasons(f"email\n{text}\n") == {2: f"email is {text}, an error of the spreadsheet: correct it"}


@pytest.mark.parametrize("text", ["#1", "# Berlin", "#hello!", "#Sales", "N/A"])
def test_what_only_looks_like_an_error_of_a_spreadsheet_is_kept(text: str) -> None:
    (row,) = contacts(f"email,note\na@a.example,{text}\n")
    assert (row.fields, row.warnings) == ({"note": text}, ())


def test_typed_columns_give_numbers_and_booleans() -> None:
    (row,) = contacts(
        "email,seats:number,share:number,is_partner:boolean,zip,seats\na@a.example,12,-0.5,TRUE,01069,many\n"
    )
    assert row.fields == {"seats": "many", "share": -0.5, "is_partner": True, "zip": "01069"}
    assert reasons("email,seats:number\na@a.example,1e999\nb@b.example,some\nc@c.example,012\n") == {
        2: "seats is '1e999', which is no number: correct it",
        3: "seats is 'some', which is no number: correct it",
        4: "seats is '012', which is no number: correct it",
    }


def test_a_web_address_and_a_time_zone_of_windows_are_read() -> None:
    (row,) = contacts(
        'email,Website,Time Zone\na@a.example,https://www.Kiln.example/en/?ref=7,"(UTC+01:00) Amsterdam, Berlin"\n'
    )
    assert (row.domain, row.timezone) == ("kiln.example", "Europe/Amsterdam")


def test_the_rest_of_a_large_or_broken_cell_is_no_contact() -> None:
    minutes = "".join(f"{n}. berth asks for a crane\n" for n in range(6_000)) + "lena@tidewater.example,Lena,\n"
    for cell in (f'"{minutes}"', '"she said "no"\nlena@tidewater.example,Lena,x"'):
        found = read(f"email,first_name,remark\nmoor@berth.example,Moor,{cell}\nkeel@berth.example,Keel,x\n")
        assert [type(row) for row in found] == [RejectedRow, ContactRow]
        assert isinstance(found[1], ContactRow)
        assert (found[0].row, found[1].row, found[1].email) == (2, 3, "keel@berth.example")
