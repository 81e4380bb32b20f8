"""The envelope sender of one message: what it looks like, and which messages it proves."""

from __future__ import annotations

from typing import Any

import pytest

from common.addresses import is_address
from emails.tracking.bounce_addresses import bounce_address, find_bounced_messages

ADDRESS = "ada@sender.example"


def test_the_address_names_its_message() -> None:
    made = bounce_address(ADDRESS, 123_456_789)
    assert made.startswith("ada+b-") and made.endswith("@sender.example")
    assert is_address(made)
    assert find_bounced_messages([f"Bounces <{made}>", made.upper()]) == (123_456_789,)


def test_a_token_that_was_changed_names_nothing() -> None:
    made = bounce_address(ADDRESS, 16)
    assert find_bounced_messages([made.replace("+b-10-", "+b-11-"), "ada+b-10-aaaaaaaaaaaaaaaa@sender.example"]) == ()


def test_a_replaced_key_goes_on_counting_as_a_fallback(settings: Any) -> None:
    made = bounce_address(ADDRESS, 7)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    assert find_bounced_messages([made]) == ()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert find_bounced_messages([made]) == (7,)


@pytest.mark.parametrize(("length", "is_tagged"), [(38, True), (64, False)])
def test_a_local_part_that_would_get_too_long_stays_as_it_is(length: int, is_tagged: bool) -> None:
    address = f"{'a' * length}@sender.example"
    assert (bounce_address(address, 9) != address) is is_tagged
