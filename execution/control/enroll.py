"""Enrolls contacts in a sequence: checks them, plans their first step and inserts the enrollments in batches.

Owns the first position of an enrollment and the order of the steps of enrolling. The rules are in `enroll_rules`, their
evaluation in `enroll_statement`, the check of templates in `enroll_preflight`. Must not change existing enrollments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from common.db import Row, fetch_all
from common.notify import notify_engine
from emails.facts.addresses import address_hold, request_domains
from emails.facts.scoring import hot_priority
from emails.models import Mailbox, MailboxPool
from emails.rendering.merge_fields import PERSON_COLUMNS
from execution.choices import LogAction
from execution.control.enroll_pool import PoolSender, find_pool_senders, give_mailboxes
from execution.control.enroll_preflight import Obstacle, Preflight, find_obstacle
from execution.control.enroll_rules import SkipCode, Skipped, skip_by_rule, skip_incomplete, skip_refused, skip_unknown
from execution.control.enroll_statement import Candidate, Enrolling, insert_enrollments, lock_enrolling
from execution.engine.calendar import calendar_for
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from execution.engine.sequence_facts import load_sequences
from execution.engine.snapshot import SequenceFacts
from sequences.choices import SequenceStatus
from sequences.liquid.templating import TemplateError
from sequences.models import EnrollRule, Sequence, Workspace
from sequences.time.contact_calendar import ContactCalendar, read_contact_calendar
from sequences.time.timing import TimingError, plan

BATCH_CONTACTS = 1_000
_NOTHING: Mapping[str, object] = {}


class EnrollError(ValueError):
    """The call as a whole cannot be carried out; one line that names the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class EnrollResult:
    """`enrolled` are enrollment ids and `skipped` the other contacts, both in the order of the contacts."""

    enrolled: tuple[int, ...]
    skipped: tuple[Skipped, ...]

    def present(self) -> dict[str, object]:
        """As the commands print it."""
        return {"enrolled": len(self.enrolled), "skipped": [skipped.present() for skipped in self.skipped]}


@transaction.atomic
def enroll_contacts(
    *,
    sequence: Sequence,
    contact_ids: Rows[int],
    mailbox: Mailbox | None,
    owner: AbstractBaseUser | None,
    actor: str,
    now: datetime,
    pool: MailboxPool | None = None,
    stand_in: AbstractBaseUser | None = None,
    start_at: datetime | None = None,
    again: str = "",
    allow_incomplete: bool = False,
    rule: EnrollRule | None = None,
    most: int | None = None,
    report: Callable[[int], None] = lambda contacts: None,
) -> EnrollResult:
    """Start the sequence for these contacts at `start_at` (default `now`).

    Contacts that a rule keeps out are skipped with a code and a reason. `again` is the reason for overriding the rules
    that a manager may override; the caller checks that `actor` is one. `allow_incomplete` takes contacts that lack a
    merge field: the engine holds each at the step that needs it. `rule` is the auto-enrollment rule that enrolls. At
    most `most` are enrolled, those with the lowest ids; contacts beyond them are in neither list. A dry run is the same
    call in a transaction that is rolled back.

    With a `pool`, each enrollment gets one of its mailboxes for life, and without an `owner` that mailbox's owner, or
    the `stand_in` where it has none. They are chosen together at the end, so that the first emails leave earliest.

    A fixed number of statements per 1,000 contacts; all or nothing. Raises `EnrollError`.
    """
    lock_enrolling(sequence.workspace_id)
    workspace = Workspace.objects.get(pk=sequence.workspace_id)
    # keeps its first step and its status
    current = Sequence.objects.select_for_update(of=("self",), no_key=True).get(pk=sequence.pk)
    facts = _check_sequence(current)
    preflight = Preflight(facts)
    senders: list[PoolSender] = []
    if pool is not None:
        if mailbox is not None:
            raise EnrollError("both a mailbox and a pool are named: name one of them")
        senders = _list_senders(current, pool, owner, stand_in, preflight)
        mailbox, responsible = senders[0].mailbox, senders[0].owner
    owned = _list_owned(current, mailbox, owner)
    sender = mailbox or (owned[0] if len(owned) == 1 else None)
    if pool is None:
        responsible = owner or (sender.owner if sender else None)
    given = Enrolling(
        sequence=current,
        workspace=workspace,
        step_id=facts.steps[0].id,
        mailbox_id=sender.pk if sender else None,
        owner_id=responsible.pk if responsible else None,
        pool_id=pool.pk if pool else None,
        again_reason=again.strip()[:500],
        actor=actor,
        starts_at=max(now, start_at) if start_at else now,
        now=now,
        rule_id=rule.pk if rule else None,
    )
    batches = _Batches(
        given,
        facts,
        sender,
        preflight,
        find_obstacle(preflight, workspace.pk, sender, responsible, owned),
        allow_incomplete=allow_incomplete,
        senders=senders,
        rule=rule,
        most=most,
    )
    # in the order of ids, so that two calls insert in the same order
    wanted = list(dict.fromkeys(contact_ids))
    in_order = sorted(wanted)
    for start in range(0, len(in_order), BATCH_CONTACTS):
        if batches.is_full:
            break
        batch = in_order[start : start + BATCH_CONTACTS]
        batches.enroll(batch)
        report(len(batch))
    if batches.enrolled and pool is not None:
        batches.give_mailboxes(pool.name)
    batches.request_checks()
    if batches.enrolled:
        notify_engine()
    return EnrollResult(
        tuple(batches.enrolled[contact] for contact in wanted if contact in batches.enrolled),
        tuple(batches.skipped[contact] for contact in wanted if contact in batches.skipped),
    )


def _check_sequence(sequence: Sequence) -> SequenceFacts:
    if sequence.status not in {SequenceStatus.ACTIVE, SequenceStatus.PAUSED}:
        remedy = "activate it first" if sequence.status == SequenceStatus.DRAFT else "use another one"
        raise EnrollError(f"the sequence {sequence.name!r} is {sequence.status}: {remedy}")
    facts = load_sequences([sequence.pk])[sequence.pk]
    if not facts.steps:
        raise EnrollError(f"the sequence {sequence.name!r} has no steps: add one")
    return facts


def _list_senders(
    sequence: Sequence,
    pool: MailboxPool,
    owner: AbstractBaseUser | None,
    stand_in: AbstractBaseUser | None,
    preflight: Preflight,
) -> list[PoolSender]:
    if pool.workspace_id != sequence.workspace_id:
        raise EnrollError(f"the pool {pool.name!r} is not of this workspace: choose one of its own")
    senders = find_pool_senders(pool, owner, stand_in, needs_owner=preflight.creates_tasks)
    if not senders:
        raise EnrollError(
            f"the pool {pool.name!r} has no mailbox that can send: add an active one to it, or resume one of its own"
        )
    named = [sender for sender in senders if sender.has_name]
    return named if named and preflight.names_sender else senders


def _list_owned(sequence: Sequence, mailbox: Mailbox | None, owner: AbstractBaseUser | None) -> list[Mailbox]:
    """At most two mailboxes of the owner, when none is named: exactly one of them is taken."""
    if mailbox is not None:
        if mailbox.workspace_id != sequence.workspace_id:
            raise EnrollError(f"the mailbox {mailbox.address} is not of this workspace: choose one of its own")
        return []
    if owner is None:
        return []
    return list(Mailbox.objects.filter(workspace_id=sequence.workspace_id, owner_id=owner.pk).order_by("pk")[:2])


CONTACTS = f"""
SELECT c.id, {PERSON_COLUMNS},
       {address_hold("w.verify_addresses AND %(emails)s::bool", "c.id", "c.email")} AS address_hold
FROM sequences_contact c
JOIN sequences_workspace w ON w.id = c.workspace_id
LEFT JOIN sequences_account a ON a.id = c.account_id
LEFT JOIN emails_mailbox b ON b.id = %(mailbox)s
LEFT JOIN auth_user u ON u.id = %(owner)s
WHERE c.id = ANY(%(ids)s::bigint[]) AND c.workspace_id = %(workspace)s
"""


class _Batches:
    """One call of `enroll_contacts`, batch by batch: `enrolled` and `skipped` by contact id."""

    def __init__(
        self,
        given: Enrolling,
        facts: SequenceFacts,
        mailbox: Mailbox | None,
        preflight: Preflight,
        obstacle: Obstacle | None,
        *,
        allow_incomplete: bool,
        senders: Rows[PoolSender],
        rule: EnrollRule | None,
        most: int | None,
    ) -> None:
        self._rule, self._most = rule, most
        self._senders = senders
        self._zones = sorted({sender.mailbox.timezone for sender in senders})
        # of enrollments into a pool: whether a rule was overridden, and when it is due by the mailbox's time zone
        self._new: list[tuple[int, bool]] = []
        self._dues: dict[int, dict[str, datetime]] = {}
        self._given, self._facts, self._mailbox = given, facts, mailbox
        self._preflight, self._obstacle, self._allow_incomplete = preflight, obstacle, allow_incomplete
        self._zone = ZoneInfo(given.workspace.timezone)
        self._unchecked: set[str] = set()
        self._due_by_calendar: dict[ContactCalendar, datetime] = {}
        self.enrolled: dict[int, int] = {}
        self.skipped: dict[int, Skipped] = {}

    @property
    def is_full(self) -> bool:
        return self._most is not None and len(self.enrolled) >= self._most

    def enroll(self, ids: Rows[int]) -> None:
        given = self._given
        most = None if self._most is None else self._most - len(self.enrolled)
        asked = {
            "ids": ids,
            "workspace": given.workspace.pk,
            "mailbox": given.mailbox_id,
            "owner": given.owner_id,
            "emails": self._preflight.sends_emails,
            "now": given.now,
        }
        contacts = {row["id"]: row for row in fetch_all(CONTACTS, asked)}
        self.skipped |= {id_: skip_unknown(id_) for id_ in ids if id_ not in contacts}
        obstacles = {row["id"]: obstacle for row in contacts.values() if (obstacle := self._find_obstacle(row))}
        candidates = [
            Candidate(
                contact_id=row["id"],
                due_at=self._plan(row),
                priority=hot_priority(given.sequence.priority, row["engagement_score"]),
                is_fit=row["id"] not in obstacles,
            )
            for row in contacts.values()
        ]
        new: list[tuple[int, bool]] = []
        for id_, found in sorted(insert_enrollments(candidates, given, most).items()):
            if found["id"] is not None:
                self.enrolled[id_] = found["id"]
                new.append((found["id"], found["is_again"]))
                if contacts[id_]["address_hold"] == "":
                    self._unchecked.add(contacts[id_]["email"].lower().rpartition("@")[2])
                if self._senders:
                    row = contacts[id_]
                    self._dues[found["id"]] = {
                        zone: self._plan({**row, "mailbox_timezone": zone}) for zone in self._zones
                    }
            elif found["code"] or not self.is_full or id_ in obstacles:
                self.skipped[id_] = self._explain(contacts[id_], found, obstacles.get(id_))
        if self._senders:
            self._new += new
        else:
            self._log(new, {pk: self._mailbox for pk, _ in new})

    def give_mailboxes(self, pool: str) -> None:
        """Choose the mailboxes of all that were enrolled, together; then log them."""
        chosen = give_mailboxes(self._given.workspace.pk, self._dues, self._senders, self._given.now)
        self._log(self._new, {pk: sender.mailbox for pk, sender in chosen.items()}, {"pool": pool})

    def request_checks(self) -> None:
        """Have DNS asked for their domains before the first email is due; a statement of its own, which waits less."""
        domains, now = sorted(self._unchecked), self._given.now
        if domains:
            transaction.on_commit(lambda: request_domains(domains, now, is_awaited=False))

    def _find_obstacle(self, row: Row) -> Skipped | None:
        if self._obstacle is not None:
            return Skipped(row["id"], row["email"], *self._obstacle)
        if row["address_hold"]:
            return skip_refused(row["id"], row["email"], row["address_hold"])
        if self._allow_incomplete:
            return None
        try:
            missing = self._preflight.find_missing(row)
        except TemplateError as error:
            raise EnrollError(f"the sequence {self._facts.name!r} cannot run: {error}") from None
        return skip_incomplete(row["id"], row["email"], missing) if missing else None

    def _explain(self, row: Row, found: Row, obstacle: Skipped | None) -> Skipped:
        """A rule comes first, unless it was overridden; then what the preflight found."""
        is_overridden = bool(self._given.again_reason and found["code"] and SkipCode(found["code"]).override)
        if obstacle is not None and (found["code"] is None or is_overridden):
            return obstacle
        facts = found if found["code"] else {**found, "code": SkipCode.ALREADY_IN_SEQUENCE}
        days = self._given.workspace.answered_within_days, self._given.workspace.cool_down_days
        return skip_by_rule(row["id"], row["email"], facts, self._zone, days)

    def _plan(self, row: Row) -> datetime:
        """When the first step may run. Contacts with the same calendar share the answer."""
        contact = read_contact_calendar(self._facts.window, row)
        if contact not in self._due_by_calendar:
            step = self._facts.steps[0]
            try:
                calendar = calendar_for(step.type, self._facts.window, contact)
                self._due_by_calendar[contact] = plan(self._given.starts_at, step.timing, calendar).at
            except TimingError as error:
                raise EnrollError(f"step {step.number} can never run: {error}") from None
        return self._due_by_calendar[contact]

    def _log(
        self,
        new: Rows[tuple[int, bool]],
        mailboxes: Mapping[int, Mailbox | None],
        more: Mapping[str, object] = _NOTHING,
    ) -> None:
        given, step = self._given, self._facts.steps[0]
        text = f"enrolled in {self._facts.name}"
        if self._rule is not None and self._rule.pk is not None:
            more = {**more, "rule": self._rule.pk}
            text += f" by the rule {self._rule.name}"
        rows = []
        for id_, is_again in new:
            mailbox = mailboxes[id_]
            details = {**({"mailbox": mailbox.address} if mailbox else {}), **more}
            line = LogLine(LogAction.ENROLLED, text, actor=given.actor, details=details)
            if is_again:
                line = LogLine(
                    LogAction.ENROLLED,
                    f"{text} again: {given.again_reason}",
                    actor=given.actor,
                    details={**details, "again": given.again_reason},
                )
            rows.append(LogRow(given.workspace.pk, id_, step.id, step.number, step.type, line))
        write_logs(rows, given.now)
