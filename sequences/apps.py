"""Registers the app `sequences` with Django; nothing else happens at start."""

from django.apps import AppConfig


class SequencesConfig(AppConfig):
    name = "sequences"
    label = "sequences"
    verbose_name = "Sequences"
    default_auto_field = "django.db.models.BigAutoField"
