"""Sequences from YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from execution.control.edit import StoredSequence, store_sequence
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError
from sequences.models import Workspace
from sequences.yaml.form import ParsedFile, YamlFormError, parse_file


class Command(ProductCommand):
    help = (
        "Create sequences from YAML files, or make the stored sequence of the same name equal to its file. People in "
        "it stay at their steps; who stands at a removed step goes on at the next. Several files: all or none."
    )
    example = "manage.py import_sequence warm-intro.yaml --workspace acme --activate"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="one sequence as YAML")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--activate", action="store_true", help="let it run at once")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        parsed = self._parse(options["files"])
        with self.keeping_changes(dry_run=options["dry_run"]):
            stored = [self._store(workspace, file, activate=options["activate"]) for file in parsed]
        lines = []
        for file, result in zip(parsed, stored, strict=True):
            if not options["json"]:
                for problem in result.saved.warnings:
                    self.stderr.write(f"warning: {file.place(problem.step_number)}: {problem}")
                for warning in result.order_warnings:
                    self.stderr.write(f"warning: {file.file}: {warning}")
            lines.append(_describe(result))
        text = "\n".join(lines)
        self.emit(
            {"sequences": [_present(result) for result in stored]},
            f"Dry run, nothing was changed.\n{text}" if options["dry_run"] else text,
            as_json=options["json"],
        )

    def _parse(self, paths: list[Path]) -> list[ParsedFile]:
        parsed: list[ParsedFile] = []
        problems: list[str] = []
        for path in paths:
            try:
                parsed.append(parse_file(path))
            except YamlFormError as error:
                problems.extend(error.problems)
            except OSError as error:
                self.fail(f"{path}: cannot be read ({error.strerror}): check the path", BAD_ARGUMENTS)
        if problems:
            self.fail("\n".join(problems))
        return parsed

    def _store(self, workspace: Workspace, file: ParsedFile, *, activate: bool) -> StoredSequence:
        try:
            return store_sequence(workspace, file.draft, activate=activate, actor=self.actor(), now=timezone.now())
        except InvalidSequenceError as error:
            self.fail("\n".join(f"{file.place(problem.step_number)}: {problem}" for problem in error.problems))
        except SequenceStateError as error:
            self.fail(f"{file.file}: {error}")


def _present(result: StoredSequence) -> dict[str, Any]:
    sequence = result.saved.sequence
    return {
        "id": sequence.pk,
        "name": sequence.name,
        "status": sequence.status,
        "created": result.saved.created,
        "steps": result.steps,
        **result.counts,
        "warnings": result.warnings,
    }


def _describe(result: StoredSequence) -> str:
    sequence = result.saved.sequence
    done = "Created" if result.saved.created else "Updated"
    line = f"{done} the sequence {sequence.name!r} ({result.steps} steps, {sequence.status})."
    impact = [f"{name.replace('_', ' ')} {count}" for name, count in result.counts.items()]
    return line if not result.touched else f"{line} Enrollments: {', '.join(impact)}."
