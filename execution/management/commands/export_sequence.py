"""A sequence as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.authoring.queries import load_draft
from sequences.yaml.export import export_sequence


class Command(ProductCommand):
    help = "Print a sequence as YAML, which import_sequence reads."
    example = 'manage.py export_sequence "Warm intro" --workspace acme > warm-intro.yaml'

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", metavar="NAME", nargs="?", help="of the sequence")
        parser.add_argument("--sequence", metavar="NAME", help="the same as NAME")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--output", metavar="FILE", type=Path, help="write to a file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"] or options["sequence"]
        if not name or (options["sequence"] or name) != name:
            self.fail("name one sequence, as NAME or by --sequence", BAD_ARGUMENTS)
        sequence = self.find_sequence(self.find_workspace(options["workspace"]), name)
        text = export_sequence(load_draft(sequence))
        path: Path | None = options["output"]
        if path is not None:
            try:
                path.write_text(text, encoding="utf-8", newline="\n")
            except OSError as error:
                self.fail(f"{path}: cannot be written ({error.strerror}): check the path")
        message = text.removesuffix("\n") if path is None else f"Wrote {path}."
        self.emit({"name": sequence.name, "yaml": text}, message, as_json=options["json"])
