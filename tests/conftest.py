"""Fixtures that every test may use. Must not hold anything that belongs to one area only."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def is_ci() -> bool:
    """Whether a missing tool (Chromium, dovecot) is a failure: CI installs everything, a laptop may skip."""
    return os.environ.get("CI", "").lower() in {"1", "true"}
