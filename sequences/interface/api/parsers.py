"""Reads bodies: JSON and forms. Refuses what is ambiguous and what PostgreSQL could not store."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser, MultiPartParser, get_encoding  # type: ignore[attr-defined]
from rest_framework.utils.json import strict_constant

from common.text import storable_text


class TooBigError(APIException):
    """The body is larger than `limit` bytes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_big"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes: send it in parts.")


class StorableJSONParser(JSONParser):
    """JSON in which each key is given once (RFC 8259 section 4), and whose texts can be stored.

    Such texts hold neither a NUL character nor half of a surrogate pair (section 8.2).
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = parser_context or {}
        try:
            text = codecs.getreader(get_encoding(context))(stream).read()
            data = json.loads(text, object_pairs_hook=_read_object, parse_constant=strict_constant)
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except (ValueError, LookupError) as error:
            raise ParseError(f"The body is not JSON: {error}") from None
        _require_storable(data)
        return data


class FormParser(MultiPartParser):
    """A form with files, in which each field is given once."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        parsed: Any = super().parse(stream, media_type, parser_context)
        _require_once(name for part in (parsed.data, parsed.files) for name, values in part.lists() for _ in values)
        return parsed


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _require_once(name for name, _ in pairs)
    return dict(pairs)


def _require_once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ParseError(f"The body has {name[:50]!r} more than once: give it once.")
        seen.add(name)


def _require_storable(data: Any) -> None:
    pending: list[Any] = [data]
    while pending:
        match pending.pop():
            case str() as text if text != storable_text(text):
                raise ParseError("The body holds a NUL character or half of a surrogate pair: remove it.")
            case dict() as inner:
                pending += [*inner.keys(), *inner.values()]
            case list() as inner:
                pending += inner
