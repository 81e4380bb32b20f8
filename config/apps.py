"""Registers the project's own checks and commands with Django."""

from django.apps import AppConfig
from django.core.checks import Tags, register


class HouseConfig(AppConfig):
    name = "config"
    label = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from config import checks

        register(checks.check_public_base_url, Tags.security, deploy=True)
        register(checks.check_hosts_and_origins, Tags.security, deploy=True)
