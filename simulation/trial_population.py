"""The workspaces, mailboxes, sequences and people of a trial, made through the product's own endpoints.

Owns what the check of the promises must know about them beforehand: windows, caps, paces and who is whose colleague.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from common.encryption import Secrets
from emails.choices import AuthMethod, Inbound, LimitScope, LimitWindow, Security
from emails.models import Mailbox, SendLimit
from execution.control.edit import store_sequence
from execution.control.enroll import enroll_contacts
from execution.control.enroll_rules import SkipCode
from sequences.choices import AccountReplyPolicy, Role
from sequences.contacts.csv_import import import_contacts
from sequences.models import Contact, Membership, Sequence, Workspace
from sequences.yaml.form import parse_text
from simulation.trial_cast import Persona, cast
from simulation.trial_truth import Cap, Hours, Person, Truth

ACTOR = "trial"
PASSWORD = "trial-password"
FLEETING = "Fleeting"
GAP_SECONDS = 120
HOURLY, DAILY = 10, 50
_PEOPLE_PER_MAILBOX = 50
_MAILBOXES_PER_USER = 2
_NEWCOMER_EVERY = 40
_FLEETING_EVERY = 25
_USER_DAILY = 80
_BIG_DOMAIN = "bigcorp.example"
_BIG_DOMAIN_HOURLY = 25
_WORKSPACE_DAILY_PER_MAILBOX = 40
_WEEK = frozenset(range(5))
_ZONES = ("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney", "")
_WORKSPACE_ZONES = ("Europe/London", "America/Chicago", "UTC", "Asia/Tokyo", "Europe/Paris")

_INTRO = """
name: Intro
steps:
  - email:
      subject: "About {{ contact.plan }}"
      body: "[[intro-1]]\\n\\nHello {{ contact.first_name | default: 'there' }}, [look](https://trial.example/a)."
  - email: {delay: {days: 1}, body: "[[intro-2]]\\n\\nDid this reach you? [Here](https://trial.example/b) it is again."}
  - task: {type: call, instructions: "Call {{ contact.email }}"}
  - email: {delay: {hours: 20}, skip_weekends: true, body: "[[intro-3]]\\n\\nA last word."}
"""
_BRANCH = """
name: Branch
window: {timezone: contact, mon-fri: ["08:00-18:00"]}
steps:
  - email: {subject: "A question about {{ contact.plan }}", body: "[[branch-1]]\\n\\n[Three figures](https://trial.example/c)."}
  - split: {condition: email_opened, wait_hours: 24, if_true: opened, if_false: nudge}
  - email: {id: nudge, delay: {hours: 1}, body: "[[branch-nudge]]\\n\\nIt may have gone under."}
  - split: {condition: contact_field, field: plan, operator: is_set, if_true: last, if_false: last}
  - email: {id: opened, delay: {hours: 2}, body: "[[branch-opened]]\\n\\nThanks for reading."}
  - email: {id: last, delay: {days: 1}, body: "[[branch-last]]\\n\\nShall I close this?"}
"""
_WAIT = """
name: Wait
window: {timezone: Europe/Berlin, mon-sat: ["07:00-21:00"]}
steps:
  - email: {subject: "{{ contact.plan }} and you", body: "[[wait-1]]\\n\\n[Read on](https://trial.example/d)."}
  - task: {type: linkedin, wait_for_completion: true, instructions: "Connect with {{ contact.email }}"}
  - email: {delay: {hours: 2}, body: "[[wait-2]]\\n\\nWe are connected now."}
  - delay: {hours: 30}
  - email: {body: "[[wait-3]]\\n\\nGoodbye."}
"""
_FLEETING = """
name: Fleeting
steps:
  - email: {subject: "{{ contact.plan }}, while it lasts", body: "[[fleeting-1]]\\n\\nIt is [here](https://trial.example/e)."}
  - email: {delay: {days: 1}, body: "[[fleeting-2]]\\n\\nIt is still here."}
"""
# Why contacts may be skipped that are enrolled from two sides at once, or again.
_SKIPPED = {
    SkipCode.ALREADY_IN_SEQUENCE,
    SkipCode.HAD_SEQUENCE,
    SkipCode.SUPPRESSED,
    SkipCode.OPTED_OUT,
    SkipCode.COMPLAINED,
    SkipCode.BOUNCED,
    SkipCode.MAILBOX_UNUSABLE,
}
_SEQUENCES = {
    "Intro": (_INTRO, Hours(_WEEK, 9, 17)),
    "Branch": (_BRANCH, Hours(_WEEK, 8, 18)),
    "Wait": (_WAIT, Hours(frozenset(range(6)), 7, 21, ZoneInfo("Europe/Berlin"))),
    FLEETING: (_FLEETING, Hours(_WEEK, 9, 17)),
}
# The step of a sequence that may be taken out of it while people are in it.
REMOVABLE = {"Intro": "intro-2", "Wait": "wait-2"}


@dataclass(frozen=True, slots=True)
class Population:
    """The rows that a trial acts on: its mailboxes by address, its sequences by the slug of their workspace and their
    name, and one member of each workspace. `newcomers` are not there yet.
    """

    mailboxes: dict[str, Mailbox]
    sequences: dict[tuple[str, str], Sequence]
    members: dict[str, User]
    newcomers: list[Person]


def count_mailboxes(people: int) -> int:
    return max(_count_workspaces(people), -(-people // _PEOPLE_PER_MAILBOX))


def _count_workspaces(people: int) -> int:
    return 5 if people >= 2_000 else 2


def populate(
    truth: Truth,
    *,
    seed: int,
    people: int,
    smtp_port: int,
    is_poisoned: bool,
    has_fleeting: bool,
    some_come_later: bool,
    now: datetime,
    is_quiet: bool = False,
) -> Population:
    """Make everything and enroll at `now` all but the newcomers; `truth` gets what the check of the promises must know.

    `has_fleeting`: some are in sequences that are there to be archived. `is_quiet`: all are people who do nothing.
    """
    workspaces = [_make_workspace(index) for index in range(_count_workspaces(people))]
    sequences = {
        (workspace.slug, name): store_sequence(
            workspace, parse_text(name, text.strip().encode()).draft, activate=True, actor=ACTOR, now=now
        ).saved.sequence
        for workspace in workspaces
        for name, (text, _) in _SEQUENCES.items()
    }
    truth.hours = {name: hours for name, (_, hours) in _SEQUENCES.items()}
    truth.account_stop = frozenset({workspaces[0].slug})
    mailboxes = _make_mailboxes(workspaces, count_mailboxes(people), smtp_port)
    members = {}
    for workspace in workspaces:
        own = [mailbox for mailbox in mailboxes if mailbox.workspace_id == workspace.pk]
        _make_caps(truth, workspace, own)
        first = own[0].owner
        assert first is not None
        members[workspace.slug] = first
    truth.gaps = {mailbox.address: mailbox.gap_seconds for mailbox in mailboxes}
    truth.workspaces = {mailbox.address: mailbox.workspace.slug for mailbox in mailboxes}
    for number in range(people):
        mailbox = mailboxes[number % len(mailboxes)]
        person = _invent(seed, number, mailbox, is_poisoned=is_poisoned, has_fleeting=has_fleeting)
        if is_quiet:
            person = replace(person, persona=Persona.SILENT)
        truth.people[person.address] = person
    newcomers = [p for p in truth.people.values() if some_come_later and _comes_later(truth, p)]
    population = Population({mailbox.address: mailbox for mailbox in mailboxes}, sequences, members, newcomers)
    late = {person.address for person in newcomers}
    import_and_enroll(population, [person for person in truth.people.values() if person.address not in late], now)
    return population


def _comes_later(truth: Truth, person: Person) -> bool:
    # where a reply stops colleagues, it stops those who are there
    return person.number % _NEWCOMER_EVERY == 1 and person.workspace not in truth.account_stop


def import_and_enroll(population: Population, people: list[Person], now: datetime) -> int:
    """Import them by CSV, as a customer would, and enroll them. Returns how many enrollments are new."""
    enrolled = 0
    for slug in sorted({person.workspace for person in people}):
        own = [person for person in people if person.workspace == slug]
        workspace = population.mailboxes[own[0].mailbox].workspace
        _import_people(workspace, own, now)
        enrolled += _enroll(population, own, now)
    return enrolled


def _make_workspace(index: int) -> Workspace:
    policy = AccountReplyPolicy.STOP if index == 0 else AccountReplyPolicy.IGNORE
    return Workspace.objects.create(
        name=f"Trial {index}",
        slug=f"trial-{index}",
        timezone=_WORKSPACE_ZONES[index],
        postal_address="1 Trial Street\n10115 Berlin",
        account_reply_policy=policy.value,
    )


def _make_mailboxes(workspaces: list[Workspace], count: int, smtp_port: int) -> list[Mailbox]:
    users = get_user_model()
    mailboxes: list[Mailbox] = []
    owners: dict[str, User] = {}
    for number in range(count):
        workspace = workspaces[number % len(workspaces)]
        name = f"sdr{number // len(workspaces) // _MAILBOXES_PER_USER}@{workspace.slug}.example"
        if name not in owners:
            owners[name] = users.objects.create(username=name, email=name)
            Membership.objects.create(workspace=workspace, user=owners[name], role=Role.SDR.value)
        address = f"s{number}@{workspace.slug}.example"
        mailboxes.append(
            Mailbox(
                workspace=workspace,
                owner=owners[name],
                address=address,
                smtp_host="127.0.0.1",
                smtp_port=smtp_port,
                smtp_security=Security.NONE.value,
                smtp_username=address,
                auth_method=AuthMethod.PASSWORD.value,
                credentials=Secrets({"password": PASSWORD}),  # type: ignore[misc]
                inbound=Inbound.IMAP.value,
                imap_host="127.0.0.1",
                imap_port=1143,
                imap_security=Security.NONE.value,
                gap_seconds=GAP_SECONDS,
                jitter_seconds=60,
                ramp_enabled=False,
            )
        )
    return Mailbox.objects.bulk_create(mailboxes)


def _make_caps(truth: Truth, workspace: Workspace, mailboxes: list[Mailbox]) -> None:
    own = frozenset(mailbox.address for mailbox in mailboxes)
    limits: list[SendLimit] = []

    def cap(scope: LimitScope, window: LimitWindow, maximum: int, senders: frozenset[str], **target: object) -> None:
        limits.append(SendLimit(workspace=workspace, scope=scope.value, window=window.value, maximum=maximum, **target))
        seconds = 3_600 if window is LimitWindow.HOUR else 86_400
        name = f"{scope.value} of {workspace.slug}, {maximum} per {window.value}"
        truth.caps.append(Cap(name, senders, seconds, maximum, str(target.get("recipient_domain", ""))))

    for mailbox in mailboxes:
        cap(LimitScope.MAILBOX, LimitWindow.HOUR, HOURLY, frozenset({mailbox.address}), mailbox=mailbox)
        cap(LimitScope.MAILBOX, LimitWindow.DAY, DAILY, frozenset({mailbox.address}), mailbox=mailbox)
    for owner in {mailbox.owner for mailbox in mailboxes}:
        senders = frozenset(mailbox.address for mailbox in mailboxes if mailbox.owner == owner)
        cap(LimitScope.USER, LimitWindow.DAY, _USER_DAILY, senders, user=owner)
    cap(LimitScope.WORKSPACE, LimitWindow.DAY, _WORKSPACE_DAILY_PER_MAILBOX * len(mailboxes), own)
    cap(LimitScope.RECIPIENT_DOMAIN, LimitWindow.HOUR, _BIG_DOMAIN_HOURLY, own, recipient_domain=_BIG_DOMAIN)
    SendLimit.objects.bulk_create(limits)


def _invent(seed: int, number: int, mailbox: Mailbox, *, is_poisoned: bool, has_fleeting: bool) -> Person:
    workspace = mailbox.workspace
    persona = cast(seed, number)
    if persona is Persona.NAMELESS and not is_poisoned:
        persona = Persona.SILENT
    # big enough a company for its cap to bite; in the first workspace a reply would stop all of it
    is_big = number % 8 == 0 and workspace.slug != "trial-0"
    domain = _BIG_DOMAIN if is_big else f"{workspace.slug}-c{number // 20}.example"
    zone = _ZONES[number // 3 % len(_ZONES)]
    names = tuple(name for name in _SEQUENCES if name != FLEETING)
    is_fleeting = has_fleeting and number % _FLEETING_EVERY == 3
    return Person(
        number=number,
        address=f"p{number}@{domain}",
        workspace=workspace.slug,
        sequence=FLEETING if is_fleeting else names[number // 7 % len(names)],
        mailbox=mailbox.address,
        zone=ZoneInfo(zone or workspace.timezone),
        persona=persona,
    )


def _import_people(workspace: Workspace, people: list[Person], now: datetime) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["email", "first_name", "company", "domain", "timezone", "plan"])
    for person in people:
        zone = _ZONES[person.number // 3 % len(_ZONES)]
        plan = "" if person.persona is Persona.NAMELESS else f"plan {person.number % 9}"
        first_name = "" if person.number % 11 == 0 else f"Pat{person.number}"
        writer.writerow([person.address, first_name, person.domain, person.domain, zone, plan])
    imported = import_contacts(workspace.pk, "people.csv", io.BytesIO(text.getvalue().encode()), now)
    assert not imported.rejected, imported.rejected[:3]


def enroll_again(truth: Truth, population: Population, now: datetime) -> None:
    """Import and enroll once more all who were enrolled before: the routine of a customer after each import."""
    there = set(Contact.objects.values_list("email", flat=True))
    people = [
        person
        for address, person in truth.people.items()
        if address in there and (person.workspace, person.sequence) not in truth.archived
    ]
    if people:
        truth.named_again += len(people)
        truth.enrolled_again += import_and_enroll(population, people, now)


def _enroll(population: Population, people: list[Person], now: datetime) -> int:
    enrolled = 0
    addresses = [person.address for person in people]
    known = dict(Contact.objects.filter(email__in=addresses).values_list("email", "pk"))
    groups: dict[tuple[str, str], list[int]] = {}
    for person in people:
        groups.setdefault((person.mailbox, person.sequence), []).append(known[person.address])
    for (address, name), ids in groups.items():
        mailbox = population.mailboxes[address]
        result = enroll_contacts(
            sequence=population.sequences[mailbox.workspace.slug, name],
            contact_ids=ids,
            mailbox=mailbox,
            owner=mailbox.owner,
            actor=ACTOR,
            now=now,
            # contacts without a field are held at the step that needs it
            allow_incomplete=True,
        )
        assert {skipped.code for skipped in result.skipped} <= _SKIPPED, result.skipped[:3]
        enrolled += len(result.enrolled)
    return enrolled
