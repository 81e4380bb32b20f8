"""Batches packed for PostgreSQL mean what the driver's own conversion of a list means."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from common.arrays import PackedArray, pack_array, pack_arrays

EPOCH = datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=-7)))
OIDS = {"bool": 1000, "bigint": 1016, "smallint": 1005, "int": 1007, "text": 1009, "timestamptz": 1185, "uuid": 2951}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "text": st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    "timestamptz": st.integers(-(10**14), 10**16).map(
        lambda microseconds: EPOCH + timedelta(microseconds=microseconds)
    ),
    "uuid": st.uuids(),
}


def read_back(packed: bytes, type_name: str) -> list[Any]:
    loader = Transformer().get_loader(OIDS[type_name], Format.BINARY)
    found: list[Any] = loader.load(packed)
    return found


@pytest.mark.parametrize("type_name", sorted(VALUES))
@given(st.data())
def test_what_is_packed_is_read_back(type_name: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | VALUES[type_name], max_size=20))
    assert read_back(pack_array(values, type_name), type_name) == values


@pytest.mark.parametrize("type_name", sorted(VALUES))
@given(st.data())
def test_a_column_of_one_value_is_read_back(type_name: str, data: st.DataObject) -> None:
    values = [data.draw(st.none() | VALUES[type_name])] * data.draw(st.integers(0, 20))
    assert read_back(pack_array(values, type_name), type_name) == values


@pytest.mark.parametrize(
    ("value", "type_name"), [("a\x00b", "text"), (2**31, "int"), (2**63, "bigint"), ("seven", "smallint")]
)
def test_what_no_column_can_hold_is_a_data_error(value: object, type_name: str) -> None:
    with pytest.raises(psycopg.DataError):
        pack_array([value], type_name)


def test_only_lists_that_the_statement_casts_are_packed() -> None:
    sql = "SELECT %(ids)s::bigint[], %(none)s::bigint[], %(tokens)s::uuid[], %(other)s, %(prices)s::numeric[]"
    token = UUID(int=7)
    params = {"ids": [1], "none": None, "tokens": [token], "other": [2], "prices": [3]}
    packed = pack_arrays(sql, params)
    assert isinstance(packed["ids"], PackedArray)
    assert read_back(packed["tokens"], "uuid") == [token]
    assert (packed["none"], packed["other"], packed["prices"]) == (None, [2], [3])
    assert params["ids"] == [1], "the caller's are left as they are"
