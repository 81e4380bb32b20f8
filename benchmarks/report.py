"""The results of a run: rates, figures and whether they reach their targets; as text, as JSON, in the documentation."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.rounds import Rates, Spread

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_PEERS = ("procrastinate", "dramatiq", "django-q2", "django-post_office", "django-mailer")


@dataclass(frozen=True, slots=True)
class Aim:
    """The target of a figure."""

    text: str
    is_met: Callable[[float], bool]


def least(bound: float) -> Aim:
    return Aim(f"≥ {bound:g}", lambda value: value >= bound)


def most(bound: float, unit: str = "") -> Aim:
    return Aim(f"≤ {bound:g}{unit}", lambda value: value <= bound)


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    text: str
    value: float
    aim: Aim | None

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "reached" if self.aim.is_met(self.value) else "missed"


@dataclass(slots=True)
class Report:
    """Filled by the parts of a run in order."""

    arguments: str
    started_at: datetime
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    rates: dict[str, tuple[str, Rates, Sequence[str]]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def add_rates(self, title: str, unit: str, rates: Rates, notes: Sequence[str] = ()) -> None:
        self.rates[title] = (unit, rates, notes)

    def add(self, name: str, text: str, value: float, aim: Aim | None = None) -> None:
        self.figures.append(Figure(name, text, value, aim))

    def add_ratio(self, name: str, found: Spread, aim: Aim | None = None) -> None:
        digits = 2 if found.median < 10 else 1
        spread = f"{found.median:.{digits}f} ({found.least:.{digits}f}–{found.most:.{digits}f})"
        self.add(name, spread, found.median, aim)

    def as_text(self) -> str:
        lines = []
        for title, (unit, rates, notes) in self.rates.items():
            lines.append(f"{title} (median of the rounds, least and most)")
            lines += [f"  {name:<66} {_rate(values)} {unit}" for name, values in rates.items()]
            lines += [f"  {note}" for note in notes]
            lines.append("")
        for figure in self.figures:
            aim = f"{figure.aim.text:>10}  {figure.verdict}" if figure.aim else ""
            lines.append(f"{figure.name:<70} {figure.text:>20}  {aim}".rstrip())
        lines.append(f"({self._burden()})")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "started_at": self.started_at.isoformat(),
            "arguments": self.arguments,
            "load_before": self.load,
            "load_after": os.getloadavg()[0],
            "rates": {title: {"unit": unit, "rounds": dict(rates)} for title, (unit, rates, _) in self.rates.items()},
            "figures": [
                {
                    "name": figure.name,
                    "value": figure.value,
                    "text": figure.text,
                    "reach": figure.aim.text if figure.aim else None,
                    "verdict": figure.verdict or None,
                }
                for figure in self.figures
            ],
        }

    def _burden(self) -> str:
        """Whether the machine was idle otherwise."""
        return f"load average {self.load:.1f} before and {os.getloadavg()[0]:.1f} after"

    def as_markdown(self) -> str:
        command = f'make bench ARGS="{self.arguments}"' if self.arguments else "make bench"
        lines = [
            f"`{command}` on {self.started_at:%d %B %Y}: " + ", ".join([*machine().values(), self._burden()]) + ".",
            "",
            "| Figure | Measured | Reach | |",
            "|---|---:|---:|---|",
        ]
        lines += [
            f"| {figure.name} | {figure.text} | {figure.aim.text if figure.aim else ''} | {figure.verdict} |"
            for figure in self.figures
        ]
        for title, (unit, rates, notes) in self.rates.items():
            lines += ["", f"{title}, {unit}: median of the rounds (least–most).", "", f"| Way | {unit} |", "|---|---:|"]
            lines += [f"| {name} | {_rate(values).strip()} |" for name, values in rates.items()]
            lines += [line for note in notes for line in ("", f"{note}.")]
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Put the tables between the two marks of a Markdown file. Raises `ValueError` when it has none."""
        text = path.read_text("utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise ValueError(f"{path} has no lines {BEGIN} and {END} to write between")
        path.write_text(f"{before}{BEGIN}\n{self.as_markdown()}\n{END}{after}", "utf-8")


def _rate(values: Sequence[float]) -> str:
    return f"{statistics.median(values):>9,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def machine() -> Mapping[str, str]:
    """The machine and the versions."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0].split()[0]
    found = {
        "cores": f"{os.cpu_count()} cores of {_processor()}",
        "python": f"Python {platform.python_version()}",
        "postgresql": f"PostgreSQL {server} with full durability",
    }
    found |= {name: f"{name} {version(name)}" for name in ("Django", "psycopg", *_PEERS)}
    return found


def _processor() -> str:
    """Its name from the kernel."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
