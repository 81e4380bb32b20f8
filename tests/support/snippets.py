"""Templates and snippets for tests."""

from __future__ import annotations

from typing import Any

from sequences.models import Snippet, Workspace


def make_snippet(workspace: Workspace, **values: Any) -> Snippet:
    number = Snippet.objects.count()
    named = {"name": f"Snippet {number}", "body": "Does Tuesday suit you?", **values}
    return Snippet.objects.create(workspace=workspace, **named)
