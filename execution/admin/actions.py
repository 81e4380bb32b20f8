"""The actions on enrollments and dead letters in the admin: their words, and the control function each one calls."""

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
    "No further steps run until resumed. Queued emails stay queued and are not sent.",
    _call(pause_enrollments),
    PauseForm,
)
SNOOZE = Action(
    "snooze",
    "Snooze",
    "Snoozed",
    "snooze",
    "No steps run before that time. Then continues from the current step, inside the sending window.",
    _call(snooze_enrollments),
    SnoozeForm,
)
RESUME = Action(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "Continues from the same step, replanned inside the sending window.",
    _call(resume_enrollments),
)
SKIP = Action(
    "skip",
    "Skip step",
    "Skipped the current step of",
    "skip_next",
    "Ends the current step without running it and plans the next one. If its email is still queued, it is withdrawn.",
    _call(skip_steps),
)
RETRY = Action(
    "retry",
    "Retry",
    "Retried",
    "refresh",
    "Runs the failed step again now and releases quarantined enrollments.",
    _call(retry_enrollments),
)
EXIT = Action(
    "exit",
    "Exit",
    "Exited",
    "logout",
    "Ends the enrollment for good: queued emails are withdrawn and open tasks are cancelled.",
    _call(exit_enrollments),
    is_danger=True,
)
REPLAY = Action(
    "replay",
    "Replay",
    "Replayed",
    "refresh",
    "Releases the enrollment from quarantine and runs its step again now.",
    _resolve("replay"),
)
DISCARD = Action(
    "discard",
    "Discard",
    "Discarded",
    "delete",
    "Ends the enrollment for good: queued emails are withdrawn and open tasks are cancelled.",
    _resolve("discard"),
    is_danger=True,
)
