"""Who is enrolled when in the demo: all at its beginning, or spread so that everything is in progress in the present.

Owns the plot only; what happens then is the business of the engine and of demo_world.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.control.enrollments import pause_enrollments
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment, Workspace
from simulation.demo_workspace import SAMPLES, SDRS, TRIALS, add_trials, enroll_some, list_addresses
from simulation.demo_world import World
from simulation.prospects import TRIAL_CAST, Persona, cast_personas

#: The sample sequences take about so long, so that their last steps happen about now.
SPAN = timedelta(days=8)
# Of each list so many at the beginning, the others in the middle of the week.
_FIRST = 12
_SECOND_BEFORE = timedelta(days=3, hours=2)
_TRIALS_BEFORE = timedelta(hours=27)
# Their emails are today's queue.
_LAST_BEFORE = timedelta(minutes=3)
_PAUSED_FOR = timedelta(days=3)


def cast(workspace: Workspace) -> dict[str, Persona]:
    """Every sample contact's persona by address."""
    personas: dict[str, Persona] = {}
    for sample in SAMPLES:
        personas |= cast_personas(list_addresses(workspace, sample))
    trials = _cast_trials(list_addresses(workspace, TRIALS))
    # An answer is lost once: what a visitor sends again after a restart arrives.
    lasting = {key: Persona.READER if who is Persona.UNCONFIRMED else who for key, who in trials.items()}
    return personas | lasting


def enroll_all(workspace: Workspace, now: datetime) -> int:
    """Every sample contact now. Returns how many."""
    groups = [(sample, list_addresses(workspace, sample)) for sample in SAMPLES]
    for sample, addresses in groups:
        enroll_some(workspace, sample, addresses, now)
    return sum(len(addresses) for _, addresses in groups)


def spread_enrolling(world: World, workspace: Workspace, present_at: datetime, smtp_port: int) -> int:
    """Plan it so that something of every kind is in progress at `present_at`. Returns how many contacts there are."""
    people = 0
    for sample in SAMPLES:
        addresses = list_addresses(workspace, sample)
        people += len(addresses)
        for part, at in ((addresses[:_FIRST], present_at - SPAN), (addresses[_FIRST:], present_at - _SECOND_BEFORE)):
            world.plan(at, lambda at, sample=sample, part=part: enroll_some(workspace, sample, part, at))  # type: ignore[misc]
    world.plan(present_at - _TRIALS_BEFORE, lambda at: _begin_trials(world, workspace, smtp_port, at))
    world.plan(present_at - _LAST_BEFORE, lambda at: _fill_queue(workspace, at))
    return people


def _cast_trials(addresses: tuple[str, ...]) -> dict[str, Persona]:
    number = len(TRIAL_CAST)
    return cast_personas(addresses[:number], TRIAL_CAST) | cast_personas(addresses[number:])


def _begin_trials(world: World, workspace: Workspace, smtp_port: int, now: datetime) -> None:
    add_trials(smtp_port)
    addresses = list_addresses(workspace, TRIALS)
    world.add_personas(_cast_trials(addresses))
    enroll_some(workspace, TRIALS, addresses[: len(TRIAL_CAST)], now)


def _fill_queue(workspace: Workspace, now: datetime) -> None:
    """Today's emails; and one contact, of those whose email has left, who asked for a pause."""
    addresses = list_addresses(workspace, TRIALS)
    enroll_some(workspace, TRIALS, addresses[len(TRIAL_CAST) :], now)
    active = Enrollment.objects.filter(
        workspace=workspace, contact__email=addresses[len(TRIAL_CAST) - 1], status=EnrollmentStatus.ACTIVE.value
    )
    pause_enrollments(
        list(active.values_list("pk", flat=True)),
        actor=SDRS[0],
        now=now,
        reason="asked us to wait until the trade fair is over",
        resume_at=now + _PAUSED_FOR,
    )
