"""How a benchmark's main process begins."""

from __future__ import annotations

import logging
import os


def set_up() -> None:
    """Django on the benchmarks' own database, migrated and quiet. Call it before importing the product."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    logging.disable(logging.CRITICAL)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
