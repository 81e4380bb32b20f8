"""URLs as people type them become complete links, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequences.content.links import complete_target, find_bare_links


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("See https://a.example/x?y=1&z=2.", ["https://a.example/x?y=1&z=2"]),
        ("(https://a.example/x)", ["https://a.example/x"]),
        ("https://a.example/wiki/Foo_(bar)!", ["https://a.example/wiki/Foo_(bar)"]),
        ("www.a.example, or HTTP://B.example?", ["https://www.a.example", "HTTP://B.example"]),
        ("“https://a.example/q”…", ["https://a.example/q"]),
        ("https://bücher.example/straße", ["https://bücher.example/straße"]),
        ("https://a.example/?q=", ["https://a.example/?q="]),
        ("https:// and www. and http://?", []),
        ("mailto:a@b.example ftp://a.example a.example xhttps://a.example", []),
        ("ann@www.a.example", []),
        ("https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]),
        ("见 https://a.example/路径。", ["https://a.example/路径"]),
    ],
)
def test_bare_addresses_are_found_without_the_punctuation_behind(text: str, targets: list[str]) -> None:
    assert [link.target for link in find_bare_links(text)] == targets


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("https://a.example/", "https://a.example/"),
        ("acme.example/x?y=1", "https://acme.example/x?y=1"),
        ("www.acme.example", "https://www.acme.example"),
        ("acme.example:8080/x", "https://acme.example:8080/x"),
        ("bücher.example", "https://bücher.example"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("kim@quay.example", "mailto:kim@quay.example"),
        ("kim@quay.example?subject=Hi", "mailto:kim@quay.example?subject=Hi"),
        (" https://a.example ", "https://a.example"),
        ("#part", "#part"),
        ("tel:+1", "tel:+1"),
        ("/pricing", None),
        ("pricing", None),
        ("", None),
        ("#", None),
        ("North West", None),
    ],
)
def test_targets_are_completed_or_refused(written: str, target: str | None) -> None:
    assert complete_target(written) == target


@given(st.text("htps:/.w a(),;!?[]<>\"'éx&=#", max_size=40))
def test_found_links_are_part_of_the_text(text: str) -> None:
    end = 0
    for link in find_bare_links(text):
        assert end <= link.start < link.end
        assert link.target.endswith(text[link.start : link.end])
        end = link.end
