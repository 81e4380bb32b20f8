"""Registers the app `tasks_app` with Django; nothing else happens at start."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks_app"
    label = "tasks_app"
    verbose_name = "Tasks"
    default_auto_field = "django.db.models.BigAutoField"
