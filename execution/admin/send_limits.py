"""The admin of send limits, whose changes are in the log of controls."""

from __future__ import annotations

from django.contrib import admin

from emails.admin.rules import SendLimitBaseAdmin
from emails.models import SendLimit
from execution.admin.logged import LogsChanges
from execution.choices import ControlTarget


@admin.register(SendLimit)
class SendLimitAdmin(LogsChanges, SendLimitBaseAdmin):
    log_target = ControlTarget.SEND_LIMIT
