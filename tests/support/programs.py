"""Programs of the operating system that some tests need: a laptop may lack them, CI installs them (`.ci/run`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin")
_FAKETIME = (
    "/usr/lib/*/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/*.so.1",
)


def find_program(name: str) -> str | None:
    """Distributions keep servers outside the usual path."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_FOLDERS))


def find_faketime() -> str | None:
    """The library that gives a process another clock when it is preloaded."""
    return next((str(path) for pattern in _FAKETIME for path in _glob(pattern)), None)


def _glob(pattern: str) -> Iterable[Path]:
    return sorted(Path("/").glob(pattern.lstrip("/")))


def required(found: str | None, package: str, is_ci: bool) -> str:
    """What was found. Without it the test is skipped with its reason, except in CI, where it fails."""
    if found is None:
        assert not is_ci, f"CI must have {package}: apt-get install {package}"
        pytest.skip(f"needs {package}: apt-get install {package}")
    return found
