"""Registers the project's own checks and commands with Django, and loads the admin's modules late."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_dependencies
from django.core.checks import Tags, register


class HouseConfig(AppConfig):
    name = "config"
    label = "config"
    verbose_name = "Project"
    default = True

    def ready(self) -> None:
        from config import checks

        register(checks.check_public_base_url, Tags.security, deploy=True)
        register(checks.check_hosts_and_origins, Tags.security, deploy=True)


class DeskConfig(SimpleAdminConfig):
    """The admin's modules come with the addresses (config/urls.py): workers and commands start without them."""

    def ready(self) -> None:
        from config import checks

        register(check_dependencies, Tags.admin)
        register(checks.check_desk, Tags.admin)
