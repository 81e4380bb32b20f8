"""What the pages of a contact and of an account show around their forms: who it is, where they stand, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from emails.facts.addresses import AddressReport, report_address
from emails.facts.scores import explain_score
from execution.admin.enrolling import may_enroll
from execution.admin.enrollments import STATUS_COLOURS
from execution.admin.queue_list import describe_status
from execution.insight.contact_history import Participation, read_account, read_contact
from sequences.access.admin_rights import MEMBERS, is_allowed
from sequences.choices import LIVE_STATUSES, HolidaySource, SequenceStatus
from sequences.models import Account, Contact, Sequence
from sequences.time.countries import find_country, holiday_countries
from sequences.time.zone_names import parse_timezone

ENTRIES_SHOWN = 30
MOST_ENTRIES = 1_000
_OFFERED_SEQUENCES = 200
_WORDS = {"opened": ("open", "opens"), "clicked": ("click", "clicks"), "replied": ("reply", "replies")}


def present_contact(contact: Contact, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The context of a contact's page; a fixed number of queries."""
    is_whole = "all" in request.GET
    history = read_contact(contact, request.user, now, MOST_ENTRIES if is_whole else ENTRIES_SHOWN)
    return {
        "title": contact.full_name or contact.email,
        "subtitle": None,
        "contact": contact,
        "clock": _local_clock(contact, now),
        "score_parts": [
            {
                "points": f"{part.points:.1f}",
                "what": f"{part.count} {_WORDS[part.type][part.count != 1]}",
                "newest_at": part.newest_at,
            }
            for part in explain_score(contact.pk, now)
        ],
        "participations": [_present(each) for each in history.participations],
        "open_tasks": history.open_tasks,
        "history": history.entries,
        "is_whole": is_whole,
        "has_more": history.has_more,
        "suppressions": history.suppressions,
        "address": _describe_address(contact, now),
        "holidays": _describe_holidays(contact),
        "sequences": _list_sequences(contact, request),
        "merge_fields": list(contact.fields.items()) if isinstance(contact.fields, dict) else [],
    }


def _describe_address(contact: Contact, now: datetime) -> AddressReport | None:
    """What is known of the address; None where nothing is, or where its workspace does not ask."""
    if not contact.workspace.verify_addresses:
        return None
    found = report_address(contact, now)
    return found if found.checked_at else None


def _describe_holidays(contact: Contact) -> str:
    """Whose public holidays move the contact's steps; empty where that is a matter of the workspace alone."""
    workspace = contact.workspace
    if workspace.holidays_of == HolidaySource.WORKSPACE:
        return ""
    country = str(contact.fields.get("country") or "") if isinstance(contact.fields, dict) else ""
    found = holiday_countries(workspace.holidays_of, workspace.holiday_country, country)
    named = f"those of {found.replace(',', ' and ')}" if found else "none"
    if country and find_country(country) is None:
        return f"{named}: the country {country[:50]!r} is not known, or has no holiday calendar"
    return named if country else f"{named}: the merge field country is empty"


def present_account(account: Account, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The context of an account's page; a fixed number of queries."""
    history = read_account(account, request.user, now)
    return {
        "account": account,
        "contacts": history.contacts,
        "has_more_contacts": history.has_more_contacts,
        "participations": [_present(each) for each in history.participations],
        "replies": history.replies,
    }


def _present(each: Participation) -> dict[str, Any]:
    row = each.enrollment
    is_live = row.status in LIVE_STATUSES
    return {
        "row": row,
        "status": describe_status(row),
        "colour": STATUS_COLOURS.get(row.status, ""),
        "is_live": is_live,
        "hold": each.holds[0] if each.holds and is_live else None,
    }


def _list_sequences(contact: Contact, request: HttpRequest) -> list[Sequence]:
    """The sequences to enroll in, for users who may enroll this contact."""
    is_possible = contact.erased_at is None and may_enroll(request)
    if not is_possible or not is_allowed(request, contact.workspace_id, None, MEMBERS):
        return []
    active = Sequence.objects.filter(workspace=contact.workspace_id, status=SequenceStatus.ACTIVE)
    return list(active.order_by("name", "pk")[:_OFFERED_SEQUENCES])


def _local_clock(contact: Contact, now: datetime) -> dict[str, str] | None:
    """The time of day where the contact is, and whose time zone says so; None without one."""
    account = contact.account.timezone if contact.account else ""
    for name, source in ((contact.timezone, "their own"), (account, "the account's")):
        try:
            zone = ZoneInfo(parse_timezone(name)) if name else None
        except ValueError:
            continue
        if zone is not None:
            return {"time": f"{now.astimezone(zone):%a %H:%M}", "zone": name, "source": source}
    return None
