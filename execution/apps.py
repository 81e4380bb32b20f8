"""Registers the app `execution` with Django; nothing else happens at start."""

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "execution"
    label = "execution"
    verbose_name = "Execution"
    default_auto_field = "django.db.models.BigAutoField"
