"""Serializer fields for email addresses and domains, in the one form that `common.addresses` makes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.addresses import MAX_ADDRESS, MAX_DOMAIN, AddressError, parse_address, parse_website

# Longer than a stored address: a domain may shrink or grow when it is encoded.
_MAX_TYPED = 1_000


class AddressField(serializers.CharField):
    """An email address in its stored form. Declared as a string of format `email` in the schema."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", f"At most {MAX_ADDRESS} characters; the domain is stored in ASCII, lower case.")
        super().__init__(**{"max_length": _MAX_TYPED, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text:
            return text
        try:
            return parse_address(text)
        except AddressError as error:
            raise serializers.ValidationError(f"{error}.") from None


class WebsiteField(serializers.CharField):
    """The domain of a company in its stored form; a web address is read as its host."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", f"At most {MAX_DOMAIN} characters; stored in ASCII, lower case.")
        super().__init__(**{"max_length": _MAX_TYPED, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text:
            return text
        try:
            return parse_website(text)
        except AddressError as error:
            raise serializers.ValidationError(f"{error}.") from None
