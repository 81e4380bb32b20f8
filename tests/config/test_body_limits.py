"""Bodies that are too large are refused before they are kept, with or without a length, and no file is left behind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from sequences.choices import Role
from sequences.models import Contact
from tests.api.conftest import join, log_in
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


class _Chunks(io.RawIOBase):
    """What a server that understands chunks gives: a stream that ends, perhaps with an error."""

    def __init__(self, body: bytes, *, breaks: bool = False) -> None:
        self._body, self._breaks = io.BytesIO(body), breaks
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._body.read(size)
        self.taken += len(chunk)
        if not chunk and self._breaks:
            raise OSError("the client went away")
        return chunk


@pytest.fixture
def api(db: None) -> Any:
    return log_in(join(WorkspaceFactory(), Role.ADMIN))


def send_chunks(api: Any, path: str, source: Any, content_type: str, *, is_read: bool = True) -> Any:
    environ = {"wsgi.input": source, "wsgi.input_terminated": is_read, "HTTP_TRANSFER_ENCODING": "chunked"}
    return api.generic("POST", path, b"", content_type=content_type, **environ, CONTENT_LENGTH="")


def form(rows: bytes) -> bytes:
    return encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("c.csv", rows)})


def test_a_body_in_chunks_is_read_as_any_other(api: Any) -> None:
    answer = send_chunks(api, "/api/contacts", _Chunks(b'{"email": "jo@x.example"}'), "application/json")
    assert (answer.status_code, Contact.objects.get().email) == (201, "jo@x.example")
    answer = send_chunks(api, "/api/contacts/import", _Chunks(form(b"email\nal@x.example\n")), MULTIPART_CONTENT)
    assert answer.json()["created"] == 1


@pytest.mark.parametrize(
    ("path", "content_type", "most"),
    [
        ("/api/contacts", "application/json", MB),
        ("/api/contacts", MULTIPART_CONTENT, MB),
        ("/api/contacts/import", MULTIPART_CONTENT, 50 * MB),
        ("/api/contacts/import", "application/json", MB),
        ("/hooks/postmark/00000000-0000-4000-8000-000000000000", "application/json", 26 * MB),
        ("/admin/sequences/contact/import/", MULTIPART_CONTENT, 50 * MB),
        ("/admin/login/", MULTIPART_CONTENT, MB),
        ("/u/token", "application/x-www-form-urlencoded", MB),
    ],
)
def test_the_limit_of_each_kind_of_body_holds_before_it_is_read(
    api: Any, path: str, content_type: str, most: int
) -> None:
    class _Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    environ = {"wsgi.input": _Unread(), "CONTENT_LENGTH": str(most + 1)}
    answer = api.generic("POST", path, b"x", content_type=content_type, **environ)
    assert (answer.status_code, str(most) in answer.content.decode()) == (413, True)
    if path.startswith("/api/"):
        assert (answer["Content-Type"], answer.json()["code"]) == ("application/problem+json", "too_big")

    chunks = _Chunks(b"x" * (most + 5 * MB))
    assert send_chunks(api, path, chunks, content_type).status_code == 413
    assert chunks.taken <= most + MB


def test_the_desk_says_what_is_wrong() -> None:
    answer = Client().post("/admin/login/", b"x" * (MB + 1), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "Nothing was changed." in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "breaks"),
    [
        (form(b"email\n" + b"x" * 3 * MB)[: 2 * MB], True),
        (form(b"email\n" + b"x" * 3 * MB)[: 2 * MB], False),
        (form(b"email\n\xff\xfe" + b"x" * 3 * MB), False),
        (form(b"\x00" * 3 * MB), False),
    ],
)
def test_no_file_is_left_behind(api: Any, settings: Any, tmp_path: Path, body: bytes, breaks: bool) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1024
    answer = send_chunks(api, "/api/contacts/import", _Chunks(body, breaks=breaks), MULTIPART_CONTENT)
    assert answer.status_code == 400
    answer = api.generic("POST", "/api/contacts/import", body, content_type=MULTIPART_CONTENT)
    assert answer.status_code == 400
    assert list(tmp_path.iterdir()) == []


def test_an_upload_has_no_name_while_it_is_held(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    body = form(b"x" * 4 * MB)
    request = RequestFactory().generic("POST", "/api/contacts/import", body, content_type=MULTIPART_CONTENT)
    file: Any = request.FILES["file"]
    assert file.size == 4 * MB
    assert list(tmp_path.iterdir()) == []
    request.close()


def test_a_server_that_cannot_read_chunks_asks_for_the_length(api: Any) -> None:
    answer = send_chunks(api, "/api/contacts", _Chunks(b"{}"), "application/json", is_read=False)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
