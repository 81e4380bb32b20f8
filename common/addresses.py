"""One spelling for one address: its domain as it travels, in ASCII (RFC 5891), however people have written it. Pure."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def ascii_domain(domain: str) -> str:
    """In lower case. Raises `ValueError` for what is no domain in any script."""
    lowered = domain.lower()
    if lowered.isascii():
        return lowered
    try:
        # no DNS, and the domain .test counts, as in files of contacts
        found = validate_email(
            f"name@{lowered}", check_deliverability=False, globally_deliverable=False, test_environment=True
        )
    except EmailNotValidError:
        raise ValueError(f"domain {domain!r} is not a domain: write it as in example.com") from None
    return found.ascii_domain


def ascii_address(address: str) -> str:
    """What cannot be an address stays as it is."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{ascii_domain(domain)}" if at and not domain.isascii() else address
    except ValueError:
        return address
