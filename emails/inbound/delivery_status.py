"""The groups of fields of a delivery status notification (RFC 3464), however they are packed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from emails.inbound.parse import AnyMessage, decode_text, list_children, read_text

Fields = dict[str, str]
DELIVERY_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
# more groups than any report needs, and few enough to be read at once
_MOST_GROUPS = 200
_LONGEST_FIELD = 4_000
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)$")
_NAMES_RECIPIENT = re.compile(r"^[> \t]{0,20}(?:Final|Original)-Recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)


def list_groups(part: AnyMessage) -> list[Fields]:
    """The groups of one delivery-status part; names in lower case."""
    return list(islice(_groups(part), _MOST_GROUPS))


def list_groups_in_text(text: str) -> list[Fields]:
    """Groups that stand in plain text; none when no recipient is named in the form of a field."""
    return list(islice(_split(text), _MOST_GROUPS)) if _NAMES_RECIPIENT.search(text) else []


def _groups(part: AnyMessage) -> Iterator[Fields]:
    if part.get("Content-Transfer-Encoding", "").strip().lower() in {"base64", "quoted-printable"}:
        text = read_text(part) or "\n\n".join(_body(child) for child in list_children(part))
        yield from _split(text)
        return
    for child in list_children(part):
        if fields := {name.lower(): decode_text(str(value)) for name, value in reversed(list(child.raw_items()))}:
            yield fields
        # what the parser could not take for headers, and all groups but the first of the international form
        yield from _split(_body(child))
    if not list_children(part):
        yield from _split(read_text(part))


def _body(child: AnyMessage) -> str:
    payload = child.get_payload()
    return payload if isinstance(payload, str) else ""


def _split(text: str) -> Iterator[Fields]:
    fields: Fields = {}
    name = ""
    for line in text.replace("\r", "").split("\n"):
        line = line.lstrip(">") if line.startswith(">") else line
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            fields[name] = f"{fields[name]} {line.strip()}"[:_LONGEST_FIELD]
        elif found := _FIELD.match(line.strip()):
            name = found[1].lower()
            if name == "final-recipient" and name in fields:
                # groups without a blank line between them
                yield fields
                fields = {}
            fields.setdefault(name, found[2].strip()[:_LONGEST_FIELD])
    if fields:
        yield fields
