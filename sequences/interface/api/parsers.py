"""Reads the JSON of a request, and refuses what PostgreSQL could not store, wherever it stands in it."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from common.text import storable_text


class StorableJSONParser(JSONParser):
    """JSON whose texts hold neither a NUL character nor half of a surrogate pair (RFC 8259 section 8.2)."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(*args, **kwargs)
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        pending: list[Any] = [data]
        while pending:
            match pending.pop():
                case str() as text if text != storable_text(text):
                    raise ParseError("The body holds a NUL character or half of a surrogate pair: remove it.")
                case dict() as inner:
                    pending += [*inner.keys(), *inner.values()]
                case list() as inner:
                    pending += inner
        return data
