"""Packs the columns of a batch as PostgreSQL's binary arrays. Knows no statements and no tables.

The driver converts a list value by value, and a batch is dozens of lists of hundreds of values, often all equal. The
format is that of PostgreSQL's array_recv(): a header, then each value after its length. See docs/decisions/0009.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

_HEADER = struct.Struct(">iiIii").pack
_EMPTY = struct.Struct(">iiI").pack
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CAST = re.compile(r"%\((\w+)\)s::(\w+)\[\]")


class PackedArray(bytes):
    """An array as PostgreSQL reads it in binary. Each type of array has a subclass of its own."""


@dataclass(frozen=True, slots=True)
class _ArrayType:
    """`pack_all`: the values in order, each after its length; none of them is NULL."""

    oid: int
    pack_all: Callable[[Sequence[Any]], bytes]
    packed: type[PackedArray]
    dumper: type[Dumper]


def _array_type(oid: int, array_oid: int, pack_all: Callable[[Sequence[Any]], bytes]) -> _ArrayType:
    class Packed(PackedArray):
        pass

    class PackedDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: bytes) -> bytes:
            return obj

    PackedDumper.oid = array_oid
    return _ArrayType(oid, pack_all, Packed, PackedDumper)


def _sized(letter: str) -> Callable[[Sequence[Any]], bytes]:
    """Values of one size, packed in one call: a length before each."""
    size = struct.calcsize(f">{letter}")

    @lru_cache(maxsize=8)
    def shape(count: int) -> struct.Struct:
        return struct.Struct(">" + f"i{letter}" * count)

    def pack_all(values: Sequence[Any]) -> bytes:
        flat: list[Any] = [size] * (2 * len(values))
        flat[1::2] = values
        return shape(len(values)).pack(*flat)

    return pack_all


def _pack_texts(values: Sequence[str]) -> bytes:
    encoded = [value.encode() for value in values]
    if b"\x00" in b"".join(encoded):
        raise psycopg.DataError("a text of the database cannot contain a NUL character (0x00)")
    return b"".join([part for text in encoded for part in (_LENGTH(len(text)), text)])


_pack_bigints = _sized("q")


def _pack_moments(values: Sequence[datetime]) -> bytes:
    """Microseconds since 2000-01-01 UTC."""
    return _pack_bigints([(value - _EPOCH) // _MICROSECOND for value in values])


def _pack_uuids(values: Sequence[Any]) -> bytes:
    return b"".join([_LENGTH(16) + UUID(str(value)).bytes for value in values])


# By the names that casts use. The numbers never change: they are those of pg_type.dat.
_TYPES = {
    "bool": _array_type(16, 1000, _sized("?")),
    "bigint": _array_type(20, 1016, _pack_bigints),
    "smallint": _array_type(21, 1005, _sized("h")),
    "int": _array_type(23, 1007, _sized("i")),
    "text": _array_type(25, 1009, _pack_texts),
    "timestamptz": _array_type(1184, 1185, _pack_moments),
    "uuid": _array_type(2950, 2951, _pack_uuids),
}


def pack_array(values: Sequence[Any], type_name: str) -> PackedArray:
    """One-dimensional; None is NULL. Raises `psycopg.DataError` for a value that the type cannot hold."""
    array_type = _TYPES[type_name]
    count = len(values)
    if not count:
        return array_type.packed(_EMPTY(0, 0, array_type.oid))
    first = values[0]
    try:
        if values.count(first) == count:
            body = _pack_some([first], array_type) * count
        else:
            body = _pack_some(values, array_type)
    except struct.error as error:
        raise psycopg.DataError(f"not a value of {type_name}: {error}") from None
    # the second field is only a hint that NULLs may follow
    return array_type.packed(_HEADER(1, 1, array_type.oid, count, 1) + body)


def _pack_some(values: Sequence[Any], array_type: _ArrayType) -> bytes:
    if None not in values:
        return array_type.pack_all(values)
    return b"".join([_NULL if value is None else array_type.pack_all([value]) for value in values])


def pack_arrays(sql: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with each list that the statement casts (`%(ids)s::bigint[]`) packed as what it is cast to."""
    packed = dict(params)
    for name, type_name in _list_casts(sql):
        if packed[name] is not None:
            packed[name] = pack_array(packed[name], type_name)
    return packed


@lru_cache(maxsize=512)
def _list_casts(sql: str) -> tuple[tuple[str, str], ...]:
    return tuple({name: type_name for name, type_name in _CAST.findall(sql) if type_name in _TYPES}.items())


def register_arrays(adapters: AdaptersMap) -> None:
    """Register the dumpers of packed arrays on a connection."""
    for array_type in _TYPES.values():
        adapters.register_dumper(array_type.packed, array_type.dumper)
