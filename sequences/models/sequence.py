"""Sequences and their steps. A step is addressed by identity; its number only orders it."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from sequences.choices import (
    BodyFormat,
    ConditionType,
    OnReply,
    SequenceStatus,
    StepType,
    TaskPriority,
    TaskType,
    label_of,
)
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace
from sequences.time.timing import TimingError, parse_window


def validate_window(value: object) -> None:
    try:
        parse_window(value)  # type: ignore[arg-type]
    except TimingError as error:
        raise ValidationError(str(error)) from None


class ContentHash(models.Func):
    """MD5 of subject and body as a UUID; runs of white space count as one blank."""

    template = r"(md5(btrim(regexp_replace(%(expressions)s, '\s+', ' ', 'g')))::uuid)"
    arg_joiner = " || ' ' || "
    output_field = models.UUIDField()


class Sequence(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="sequences")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=SequenceStatus.choices(), default=SequenceStatus.DRAFT.value)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="+",
        help_text="Who drafted it. Members who are no managers change drafts of their own.",
    )
    pause_reason = models.CharField(max_length=500, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    window = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_window],
        help_text='Such as {"timezone": "contact", "mon-fri": ["09:00-17:00"]}. Default: Monday to Friday 09:00-17:00.',
    )
    track_opens = models.BooleanField(null=True, blank=True, help_text="Unknown uses the setting of the workspace.")
    track_clicks = models.BooleanField(null=True, blank=True, help_text="Unknown uses the setting of the workspace.")
    on_reply = models.CharField(
        max_length=16,
        choices=OnReply.choices(),
        default=OnReply.STOP.value,
        db_default=OnReply.STOP.value,
        help_text="Stop ends the enrollment when the contact replies. With Continue, branches can check for replies.",
    )
    goal = models.JSONField(
        default=dict,
        blank=True,
        db_default={},
        help_text="The sequence ends for contacts who meet it. Leave empty for none.",
    )
    requires_approval = models.BooleanField(
        "approve emails before sending",
        default=False,
        db_default=False,
        help_text="Hold each email until a user has read and approved it. By default emails are sent without.",
    )
    priority = models.PositiveSmallIntegerField(
        default=50, help_text="From 0 (first) to 100 (last). The default is 50."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="sequence_name_once"),
            models.CheckConstraint(condition=models.Q(priority__lte=100), name="sequence_priority_range"),
            models.CheckConstraint(
                condition=~models.Q(status="paused") | ~models.Q(pause_reason=""), name="sequence_paused_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="steps")
    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    # Forms offer the choices, the database does not check them: a type this release does not know is an error of the
    # enrollment that meets it, never of the batch.
    type = models.CharField(max_length=32, choices=StepType.choices)
    name = models.CharField(max_length=200, blank=True)

    delay_days = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(730)])
    delay_hours = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(17_520)])
    delay_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(1_051_200)])
    skip_weekends = models.BooleanField(default=False)
    send_time = models.TimeField(null=True, blank=True)

    subject = models.CharField(max_length=500, blank=True, help_text="Liquid. Leave empty to reply in the same thread.")
    body = models.TextField(blank=True, help_text="Liquid in Markdown, or in HTML when it starts with a block element.")
    format = models.CharField(
        max_length=16,
        choices=BodyFormat.choices(),
        default=BodyFormat.AUTO.value,
        db_default=BodyFormat.AUTO.value,
        help_text="How the body is written. By default HTML when it starts with a block element, else Markdown.",
    )

    variants = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="Texts to compare, sent instead of subject and body. By default none.",
    )
    repeat = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Send it also to a contact who has had the same text. By default it is skipped.",
    )

    task_type = models.CharField(max_length=16, choices=TaskType.choices(), default=TaskType.GENERIC.value)
    task_priority = models.CharField(max_length=16, choices=TaskPriority.choices(), default=TaskPriority.NORMAL.value)
    instructions = models.TextField(blank=True, help_text="Liquid.")
    wait_for_completion = models.BooleanField(
        default=False, help_text="Wait until the task is completed. By default the enrollment continues at once."
    )

    condition_type = models.CharField(max_length=32, choices=ConditionType.choices, blank=True)
    condition_config = models.JSONField(
        default=dict, blank=True, help_text='Such as {"wait_hours": 48}, or {"field": "title", "operator": "is_set"}.'
    )
    if_true_goto = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="if yes, go to"
    )
    if_false_goto = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="if no, go to"
    )

    # Subject and body before personalisation, so that the final check can tell what a contact has had already. Made by
    # the database: no statement that writes a text can forget it.
    content_hash = models.GeneratedField(
        expression=ContentHash("subject", "body"), output_field=models.UUIDField(), db_persist=True
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["sequence_id", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["sequence", "number"], name="step_number_once", deferrable=models.Deferrable.DEFERRED
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.name or label_of(self.type)}"
