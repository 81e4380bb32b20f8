"""The package that `pip install` gets: complete, with its command, and at home in any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("common", "config", "emails", "execution", "sequences", "simulation", "tasks_app")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package's files are, made from those that are in the repository."""
    place = tmp_path_factory.mktemp("package")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place / "wheel")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (place / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "installed")
    return place / "installed"


def test_nothing_of_the_product_is_missing(installed: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *PRODUCT], cwd=ROOT, check=True, capture_output=True, text=True)
    missing = [name for name in listed.stdout.split() if not (installed / name).exists()]
    assert missing == []
    templates = {path.relative_to(ROOT / "templates") for path in (ROOT / "templates").rglob("*.html")}
    assert templates <= {path.relative_to(installed / "config" / "templates") for path in installed.rglob("*.html")}
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "sequence-executor = config.command_line:main" in entry.read_text()


def test_it_finds_its_templates_and_keeps_its_data_where_it_is_run(installed: Path, tmp_path: Path) -> None:
    script = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from django.template.loader import get_template\n"
        "print(get_template('admin/second_factor.html').origin.name)\n"
        "print(settings.DATA_DIR)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(installed), "DJANGO_SETTINGS_MODULE": "config.settings"}
    for name in ("ENV_FILE", "DATA_DIR", "SECRET_KEY"):
        environ.pop(name, None)
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environ, check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == [
        str(installed / "config" / "templates" / "admin" / "second_factor.html"),
        str(tmp_path / ".data"),
    ]
