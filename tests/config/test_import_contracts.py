"""Docstrings and import contracts agree: a module that calls itself pure is held to it by import-linter."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return settings


def _product_modules() -> dict[str, Path]:
    """Modules of the product by dotted name, without migrations."""
    found = {}
    for package in _settings()["root_packages"]:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                found[name.removesuffix(".__init__")] = path
    return found


def _claims_to_be_pure(path: Path) -> bool:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return re.search(r"\bPure\b", docstring) is not None


def _is_within(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_the_pure_contract_covers_every_module_that_claims_it() -> None:
    contract = next(each for each in _settings()["contracts"] if each["id"] == "pure")
    claiming = [name for name, path in _product_modules().items() if _claims_to_be_pure(path)]
    assert len(claiming) > 30
    assert [name for name in claiming if not _is_within(name, contract["source_modules"])] == []


def test_the_order_of_rooms_of_every_app_is_under_contract() -> None:
    layered = [app for each in _settings()["contracts"] for app in each.get("containers", [])]
    assert sorted(layered) == ["emails", "execution", "sequences", "tasks_app"]
