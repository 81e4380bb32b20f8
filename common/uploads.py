"""Keeps uploaded files in files without a name, which are gone when the request ends, whatever ends it.

Django's own handler gives large files a name: a worker that is killed before the end would leave them on the disk.
"""

from __future__ import annotations

import tempfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class UnnamedFileHandler(FileUploadHandler):
    """Small files stay in memory (`FILE_UPLOAD_MAX_MEMORY_SIZE`), larger ones go to the disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._files: list[Any] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files.append(open_unnamed())

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._files[-1].write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:
        file = self._files[-1]
        file.seek(0)
        return UploadedFile(file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra)

    def close(self) -> None:
        """Close all files, those that no form took over too."""
        for file in self._files:
            file.close()


def open_unnamed() -> Any:
    """A file for reading and writing bytes that has no name once it is on the disk."""
    return tempfile.SpooledTemporaryFile(settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=settings.FILE_UPLOAD_TEMP_DIR)
