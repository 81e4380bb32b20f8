"""The one form of addresses and domains: what is accepted, what is refused, and that the form is one."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.addresses import (
    ADDRESS_FORM,
    MAX_ADDRESS,
    AddressError,
    is_address,
    normalize_for_search,
    parse_address,
    parse_domain,
    parse_website,
)

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e"
    "\u2060\u2061\u2066\u3164\ufe0f\ufeff\uffa0\U000e0041"
)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" uma@slate.example \r\n", "uma@slate.example"),
        ("UMA@SLATE.EXAMPLE", "UMA@slate.example"),
        ("vic@köln-markt.example", "vic@xn--kln-markt-07a.example"),
        ("vic@xn--kln-markt-07a.example", "vic@xn--kln-markt-07a.example"),
        ("vic@KÖLN-MARKT.EXAMPLE", "vic@xn--kln-markt-07a.example"),
        ("vic@ko\u0308ln-markt.example", "vic@xn--kln-markt-07a.example"),
        ("jo@straße.example", "jo@xn--strae-oqa.example"),
        ("o'neil+sales=eu@mail.example.co", "o'neil+sales=eu@mail.example.co"),
        ("jo@r3---sn.example", "jo@r3---sn.example"),
        ("jo@пример.рф", "jo@xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_ways_to_write_an_address_have_one_stored_form(text: str, stored: str) -> None:
    assert parse_address(text) == stored
    assert normalize_for_search(text) == stored.lower()


@pytest.mark.parametrize(
    "text",
    [
        "", "jo", "@acme.example", "jo@", "jo@@acme.example", "jo@intranet", "jo@localhost", "jo@[10.0.0.7]",
        "jo@10.0.0.7",
        "jo@[IPv6:::1]", "jo@a.t", "jo@shop.42", "jo@shop.example.", "jo@.shop.example", "jo@a..example",
        "jo@-a.example",
        "jo@a-.example", "jo@a_b.example", "jo@xn--a.example", "jo@xn--.example", "jo@ex。example", "jo@ｅx.example",
        "jo@a b.example", "Jo Ray <jo@acme.example>", "<jo@acme.example>", '"jo ray"@acme.example',
        "jo(x)@acme.example",
        ".jo@acme.example", "jo.@acme.example", "j..o@acme.example", "jö@acme.example",
        "jo@acme.example,x@acme.example",
        "jo\x00@acme.example", "jo@acme.example\x7f", "jo@ac\nme.example", "jo\u00a0@acme.example",
        "x" * 65 + "@acme.example", "jo@" + "x" * 64 + ".example", "jo@" + "abc." * 64 + "example",
        "x" * 64 + "@" + "abc." * 47 + "example",
    ],
)  # fmt: skip
def test_what_a_mail_server_might_not_take_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 300
    assert normalize_for_search(text) == text.strip().lower()


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize("place", range(len("jo@acme.example") + 1))
def test_an_invisible_character_is_refused_at_any_position(unseen: str, place: int) -> None:
    text = "jo@acme.example"
    with pytest.raises(AddressError, match=f"U\\+{ord(unseen):04X}"):
        parse_address(text[:place] + unseen + text[place:])


_LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_ODD = st.sampled_from([*UNSEEN, " ", ".", "-", "@", "ß", "ſ", "İ", "K", "ﬁ", "xn--", "\u0308", "example", "<", '"'])
_TEXTS = st.lists(st.one_of(_LETTERS, _ODD, st.sampled_from("abcxyz019")), max_size=12).map("".join)


@given(_TEXTS, _TEXTS)
def test_the_form_is_stable_and_is_what_the_database_checks(local: str, domain: str) -> None:
    text = f"{local}@{domain}.example"
    try:
        stored = parse_address(text)
    except AddressError:
        return
    assert parse_address(stored) == stored
    assert is_address(stored)
    assert re.fullmatch(ADDRESS_FORM, stored)
    assert stored.isascii()
    assert len(stored) <= MAX_ADDRESS
    assert stored.rpartition("@")[2] == stored.rpartition("@")[2].lower()
    assert stored.rpartition("@")[0] == text.strip().rpartition("@")[0]


@given(_TEXTS, st.sampled_from(["NFC", "NFD"]), st.sampled_from([str.lower, str.upper, str]))
def test_composition_and_case_of_a_domain_do_not_matter(domain: str, form: str, change: type[str]) -> None:
    try:
        stored = parse_domain(f"{domain}.example")
    except AddressError:
        return
    respelled = unicodedata.normalize(form, f"{domain}.example")  # type: ignore[arg-type]
    assert parse_domain(respelled) == stored
    assert parse_domain(stored.upper()) == stored


@given(st.text(st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"]), min_size=1, max_size=1))
def test_no_invisible_character_is_silently_removed(character: str) -> None:
    for text in (f"j{character}o@acme.example", f"jo@ac{character}me.example"):
        with pytest.raises(AddressError):
            parse_address(text)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("http://forge.example:8080/shop#top", "forge.example"),
        ("HTTP://WWW.ANVIL.EXAMPLE", "anvil.example"),
        ("//bellows.example/", "bellows.example"),
        ("https://www.kiln.example/en/?ref=7", "kiln.example"),
        ("www.köln.example.", "xn--kln-sna.example"),
        ("user:secret@acme.example", "acme.example"),
        ("acme.example?utm=1", "acme.example"),
        ("www.com", "www.com"),
    ],
)
def test_a_web_address_means_its_host(text: str, domain: str) -> None:
    assert parse_website(text) == domain


@pytest.mark.parametrize(
    "text", ["tongs dot example", "https://", "localhost", "http://10.0.0.7/", "acme.exa\u200bmple"]
)
def test_a_web_address_without_a_domain_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="write it as in example"):
        parse_website(text)
