"""What can be done to enrollments and dead letters from the admin: each action names its control, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone

from execution.admin.confirm import Action, PauseForm, SnoozeForm
from execution.control.dead_letters import resolve_letters
from execution.control.enrollments import (
    Report,
    exit_enrollments,
    pause_enrollments,
    resume_enrollments,
    retry_enrollments,
    skip_steps,
    snooze_enrollments,
)
from sequences.interface.admin.base import name_actor


def _call(control: Callable[..., Report], **fixed: Any) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        return control(ids, actor=name_actor(request), now=timezone.now(), **answers, **fixed)

    return run


def _resolve(answer: Literal["replay", "discard"]) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        return resolve_letters(ids, answer, actor=name_actor(request), now=timezone.now(), **answers)

    return run


PAUSE = Action(
    "pause",
    "Pause",
    "Paused",
    "pause",
    "Nothing more is sent until it is resumed; what waits in the outbox stays there.",
    _call(pause_enrollments),
    PauseForm,
)
SNOOZE = Action(
    "snooze",
    "Snooze",
    "Snoozed",
    "snooze",
    "Nothing of it happens before that time; then it goes on where it stands, inside its sending window.",
    _call(snooze_enrollments),
    SnoozeForm,
)
RESUME = Action(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "It goes on from the same step, planned anew inside its sending window.",
    _call(resume_enrollments),
)
SKIP = Action(
    "skip",
    "Skip step",
    "Skipped a step of",
    "skip_next",
    "The current step ends unexecuted and the next one is planned; its email, if it waits, is withdrawn.",
    _call(skip_steps),
)
RETRY = Action(
    "retry",
    "Retry",
    "Retried",
    "refresh",
    "What failed is tried again at once; whoever is quarantined is released.",
    _call(retry_enrollments),
)
EXIT = Action(
    "exit",
    "Exit",
    "Exited",
    "logout",
    "It ends here for good: waiting emails are withdrawn and open tasks cancelled.",
    _call(exit_enrollments),
    is_danger=True,
)
REPLAY = Action(
    "replay",
    "Replay",
    "Replayed",
    "refresh",
    "The enrollment is released and its step is tried again at once.",
    _resolve("replay"),
)
DISCARD = Action(
    "discard",
    "Discard",
    "Discarded",
    "delete",
    "The enrollment exits for good: waiting emails are withdrawn and open tasks cancelled.",
    _resolve("discard"),
    is_danger=True,
)
