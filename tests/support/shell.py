"""The result of a command in the shell, and the required form of its errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on standard output; anything beside it fails the test."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Shell(Protocol):
    def __call__(self, name: str, *args: str | Path) -> Ended: ...


def one_error(ended: Ended, status: int) -> str:
    assert ended.status == status, ended
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    assert ended.err.count("\n") == 1
    return ended.err
