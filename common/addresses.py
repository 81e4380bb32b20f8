"""The one form of an email address and of a domain, made by one function at every entry point. Pure, no DNS.

An address is `local@domain`: the local part is a dot-atom in ASCII (RFC 5321 section 4.1.2, no quoted strings) and
keeps its case, the domain is IDNA 2008 (RFC 5891) in ASCII and lower case. What is stored in this form is compared by
`lower()` and given to the server byte for byte. White space around an address is removed; every other character that
is not part of the form is refused, never removed.
"""

from __future__ import annotations

import re
import unicodedata

import idna

MAX_ADDRESS = 254
MAX_DOMAIN = 253
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])"
# As PostgreSQL and Python both read them; the database checks stored rows with the same text.
ADDRESS_FORM = rf"^(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@{_DOMAIN}$"
DOMAIN_FORM = rf"^{_DOMAIN}$"
_ADDRESS = re.compile(ADDRESS_FORM.removesuffix("$") + r"\Z")
_DOMAIN_ONLY = re.compile(DOMAIN_FORM.removesuffix("$") + r"\Z")
_ATOMS = re.compile(rf"{_ATOM}(\.{_ATOM})*")
# Controls, formats (soft hyphen, zero width joiner), separators, surrogates, private and unassigned characters.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Cs", "Co", "Cn"})
# Drawn as nothing although they count as letters or marks (Unicode DerivedCoreProperties, Default_Ignorable).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_SHOWN = 100
_ONLY = "write only the address, as in jo@example.com, without name, quotation marks or brackets"


class AddressError(ValueError):
    """The text is not an address or a domain in a form that every mail server takes; one line with the remedy."""


def parse_address(text: str) -> str:
    """The stored form of an address. Raises `AddressError`."""
    address = text.strip()
    local, _, domain = address.rpartition("@")
    plain = f"{local}@{domain.lower()}"
    if is_address(plain) and "xn--" not in plain:
        # what nearly all are: nothing to decode, compose or refuse
        return plain
    if not address:
        raise AddressError("The email address is empty: fill it in")
    if "<" in address or ">" in address:
        raise AddressError(f"{_show(address)} is not an email address: {_ONLY}")
    _refuse_unseen(address, "an email address")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise AddressError(f"{_show(address)} is not an email address: write it as in jo@example.com")
    if not local.isascii():
        raise AddressError(
            f"{_show(address)} has letters before the @ that not every mail server takes: use another address"
        )
    if len(local) > 64:
        raise AddressError(f"{_show(address)} has more than 64 characters before the @: correct it")
    if not _ATOMS.fullmatch(local):
        raise AddressError(f"{_show(address)} is not an email address: {_ONLY}")
    try:
        found = f"{local}@{_to_ascii(domain)}"
    except AddressError as error:
        raise AddressError(f"{_show(address)} is not an email address: {error}") from None
    if len(found) > MAX_ADDRESS:
        raise AddressError(f"{_show(address)} has more than {MAX_ADDRESS} characters: correct it")
    return found


def parse_domain(text: str) -> str:
    """The stored form of a domain; an @ before it is removed. Raises `AddressError`."""
    domain = text.strip().removeprefix("@")
    plain = domain.lower()
    if len(plain) <= MAX_DOMAIN and _DOMAIN_ONLY.match(plain) and plain.isascii() and "xn--" not in plain:
        return plain
    if not domain:
        raise AddressError("The domain is empty: fill it in")
    _refuse_unseen(domain, "a domain")
    return _to_ascii(domain)


def parse_website(text: str) -> str:
    """The domain of a company from a domain or a web address: its host without `www.`. Raises `AddressError`."""
    host = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//", "", text.strip())
    host = re.split(r"[/?#\\]", host, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", host).rstrip(".")
    bare = re.sub(r"^www\.", "", host, flags=re.IGNORECASE)
    try:
        return parse_domain(bare if "." in bare else host)
    except AddressError:
        raise AddressError(f"{_show(text.strip())} is not a domain: write it as in example.com") from None


def normalize_for_search(text: str) -> str:
    """The form under which an address would be stored, in lower case; what cannot be an address stays as it is."""
    try:
        return parse_address(text).lower()
    except AddressError:
        return text.strip().lower()


def repair_address(text: str) -> str:
    """The stored form of an address that was stored before this form was required. Raises `AddressError`.

    Only what a reader cannot see, a display name, `mailto:` and a final dot are removed: the person stays the same.
    """
    seen = "".join(each for each in text if not _is_unseen(each) or each.isspace()).strip()
    inside = re.fullmatch(r"[^<>]*<([^<>]+)>", seen)
    return parse_address((inside[1] if inside else seen).strip().removeprefix("mailto:").rstrip("."))


def is_address(text: str) -> bool:
    """Whether the text is an address in its stored form already."""
    return len(text) <= MAX_ADDRESS and _ADDRESS.match(text) is not None


def _to_ascii(domain: str) -> str:
    labels = unicodedata.normalize("NFC", unicodedata.normalize("NFC", domain).lower()).split(".")
    try:
        found = ".".join(_encode_label(label) for label in labels)
    except (idna.IDNAError, UnicodeError):
        found = ""
    if len(labels) == 1 and found:
        raise AddressError(f"{_show(domain)} is not a domain on the internet: write it as in example.com")
    if len(found) > MAX_DOMAIN or not _DOMAIN_ONLY.match(found):
        raise AddressError(f"{_show(domain)} is not a domain: write it as in example.com")
    return found


def _encode_label(label: str) -> str:
    """RFC 5891 section 4; a label that claims to be encoded must decode and encode to itself."""
    if label.isascii() and not label.startswith("xn--"):
        return label
    return idna.encode(label).decode("ascii")


def _refuse_unseen(text: str, kind: str) -> None:
    for character in text:
        if _is_unseen(character):
            name = "a space" if character == " " else f"an invisible character (U+{ord(character):04X})"
            raise AddressError(f"{_show(text)} is not {kind}: it holds {name}; type it again without it")


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or _IGNORABLE.match(character) is not None


def _show(text: str) -> str:
    """The text with its unseen characters written out, shortened."""
    return ascii(text)[1:-1][:_SHOWN] if not text.isprintable() else text[:_SHOWN]
