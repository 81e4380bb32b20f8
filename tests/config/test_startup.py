"""What a process loads when it starts: workers load no admin, and its checks still run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import Tags, run_checks
from django_q.models import OrmQ

WHAT_A_WORKER_LOADS = """
import sys
import django
django.setup()
import execution.management.commands.run_executor
print(*sorted(name for name in sys.modules if name.split(".")[0] in {"authlib", "execution", "emails", "config"}))
"""


@pytest.fixture
def broken_page() -> Iterator[None]:
    class BrokenAdmin(admin.ModelAdmin[Any]):
        list_display = ("no_such_column",)

    admin.autodiscover()
    usual = type(admin.site.get_model_admin(OrmQ))
    admin.site.unregister(OrmQ)
    admin.site.register(OrmQ, BrokenAdmin)
    yield
    admin.site.unregister(OrmQ)
    admin.site.register(OrmQ, usual)


def test_a_worker_starts_without_the_admin() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    answer = subprocess.run(
        [sys.executable, "-c", WHAT_A_WORKER_LOADS], env=environment, capture_output=True, text=True, check=True
    )

    loaded = answer.stdout.split()
    assert "execution.worker.runner" in loaded
    assert [name for name in loaded if "admin" in name.split(".") or name.startswith("authlib")] == []


@pytest.mark.usefixtures("broken_page")
def test_an_admin_error_is_reported_once() -> None:
    assert [found.id for found in run_checks(tags=[Tags.admin])] == ["admin.E108"]
