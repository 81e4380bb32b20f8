"""`/api/sequences`: write, edit, activate, pause, preview, move as YAML. Single steps are in steps.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.sequence_answers import (
    ControlLogSerializer,
    DuplicateSerializer,
    ImportSequenceSerializer,
    PreviewFormSerializer,
    PreviewSerializer,
    SequenceValidationSerializer,
    StatsSerializer,
)
from execution.api.sequence_edits import edit, find_contact, require_sequence_right
from execution.api.sequence_forms import (
    EditedSequenceSerializer,
    EditedStepSerializer,
    InsertStepSerializer,
    NewSequenceSerializer,
    SequenceFormSerializer,
    change_step,
    draft_sequence,
    explain_problems,
    present_impact,
    present_step,
)
from execution.api.serializers import ReasonSerializer
from execution.choices import ControlTarget
from execution.control import switches
from execution.control.edit import EditOptions, create_sequence, delete_sequence, duplicate_sequence, store_sequence
from execution.insight.preview import preview_sequence
from execution.insight.sequence_stats import read_stats
from execution.models import ControlLog
from sequences.access.roles import name_actor, require_manager_of
from sequences.access.sequence_rights import lock_writable
from sequences.api.sequences import SequenceSerializer, SequenceViewSet, StepSerializer
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError
from sequences.authoring.queries import load_draft
from sequences.authoring.step_fields import StepDraft
from sequences.authoring.validation import validate_sequence
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.paging import CursorPages
from sequences.interface.api.parameters import PAGES, only_workspace, takes_no_body, takes_parameters
from sequences.interface.api.parsers import FormParser, StorableJSONParser
from sequences.interface.api.problems import ConflictError
from sequences.models import Sequence, Step
from sequences.yaml.export import export_sequence
from sequences.yaml.form import MAX_STEPS, YamlFormError, parse_text
from sequences.yaml.nodes import MAX_BYTES

# of a step that a dry run would have made: no ids
_NEW_STEP: dict[str, None] = {"id": None, "if_true_goto": None, "if_false_goto": None}


class WrittenSequenceViewSet(SequenceViewSet):
    """Sequences with their steps, in order. Every member reads them and drafts; managers and admins change all."""

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        steps = [{**step, **_NEW_STEP} for step in data.get("steps", ())]
        return {**super().blank_new(data), "steps": steps} if "steps" in data else super().blank_new(data)

    def _present(self, pk: int) -> dict[str, Any]:
        return dict(SequenceSerializer(self.get_queryset().get(pk=pk)).data)

    @extend_schema(request=NewSequenceSerializer, responses={201: SequenceSerializer})
    def create(self, request: Request) -> Response:
        """A draft, with its steps or still without."""
        form = NewSequenceSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.get("workspace") or only_workspace(request)
        draft = draft_sequence(values)
        try:
            stored = create_sequence(
                workspace, draft, actor=name_actor(request.user), now=timezone.now(), owner=request.user
            )
        except InvalidSequenceError as error:
            raise explain_problems(error.problems, len(draft.steps)) from None
        except SequenceStateError as error:
            raise ValidationError({"name": [f"{error}."]}) from None
        return Response(self._present(stored.saved.sequence.pk), status=status.HTTP_201_CREATED)

    @extend_schema(request=SequenceFormSerializer, responses=EditedSequenceSerializer)
    def update(self, request: Request, pk: str, *, partial: bool = False) -> Response:
        """Change it, also while enrollments are in it; `impact` counts the effects on them."""
        sequence = self.get_object()
        require_sequence_right(request, sequence)
        context = {"stored": self._present(sequence.pk)}
        form = SequenceFormSerializer(data=request.data, partial=partial, context=context)
        form.is_valid(raise_exception=True)
        stored = edit(request, sequence, draft_sequence(form.validated_data, load_draft(sequence)))
        is_dry = is_dry_run(request)
        return Response({**self._present(sequence.pk), "impact": present_impact(stored, is_dry_run=is_dry)})

    @extend_schema(request=SequenceFormSerializer, responses=EditedSequenceSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given, also while enrollments are in it; `impact` counts the effects on them."""
        return self.update(request, pk, partial=True)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Drafts only; sequences that ran are archived instead."""
        sequence = self.get_object()
        require_sequence_right(request, sequence)
        try:
            delete_sequence(sequence, actor=name_actor(request.user), now=timezone.now())
        except SequenceStateError as error:
            raise ConflictError(f"Not possible: {error}.") from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=StepSerializer(many=True))
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def steps(self, request: Request, pk: str) -> Response:
        """All of them, in order."""
        return Response(StepSerializer(Step.objects.filter(sequence=self.get_object()), many=True).data)

    @extend_schema(
        request=InsertStepSerializer,
        responses={200: EditedStepSerializer, 201: EditedStepSerializer},
    )
    @steps.mapping.post
    def insert_step(self, request: Request, pk: str) -> Response:
        """Insert a step. Enrollments before it reach it; those past it never do, unless `send_to_past`."""
        sequence = self.get_object()
        require_sequence_right(request, sequence)
        form = InsertStepSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        position, to_past = values.pop("position", MAX_STEPS), values.pop("send_to_past")
        draft = load_draft(sequence)
        if len(draft.steps) >= MAX_STEPS:
            raise ConflictError(f"Not possible: the sequence has {MAX_STEPS} steps, and more are not allowed.")
        steps = list(draft.steps)
        steps.insert(position - 1, change_step(StepDraft(key="new", type=values["type"]), values))
        options = EditOptions(past=frozenset({"new"}) if to_past else frozenset())
        stored = edit(request, sequence, replace(draft, steps=tuple(steps)), options)
        is_dry = is_dry_run(request)
        answer = {
            "step": None if is_dry else present_step(stored.saved.step_ids["new"]),
            "impact": present_impact(stored, is_dry_run=is_dry),
        }
        return Response(answer, status=status.HTTP_200_OK if is_dry else status.HTTP_201_CREATED)

    @extend_schema(request=ReasonSerializer, responses=SequenceSerializer)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Let a draft run. 409 with every problem that forbids it."""
        return self._switch(switches.activate_sequence, request)

    @extend_schema(request=ReasonSerializer, responses=SequenceSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """No enrollment in it advances, and no email of it is sent, until it is resumed."""
        return self._switch(switches.pause_sequence, request)

    @extend_schema(request=ReasonSerializer, responses=SequenceSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Its enrollments go on, replanned inside the sending window."""
        return self._switch(switches.resume_sequence, request)

    @extend_schema(request=ReasonSerializer, responses=SequenceSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """For good: its enrollments exit, and queued messages are withdrawn."""
        return self._switch(switches.archive_sequence, request)

    @takes_no_body
    @extend_schema(request=None, responses=SequenceValidationSerializer)
    @action(detail=True, methods=["get", "post"], filter_backends=[])
    def validate(self, request: Request, pk: str) -> Response:
        """Everything that is wrong with it, and what to do."""
        problems = validate_sequence(self.get_object().pk)
        valid = not any(problem.severity == "error" for problem in problems)
        return Response(SequenceValidationSerializer({"valid": valid, "problems": problems}).data)

    @takes_parameters(PreviewFormSerializer)
    @extend_schema(responses=PreviewSerializer)
    @action(detail=True, methods=["get"], filter_backends=[])
    def preview(self, request: Request, pk: str) -> Response:
        """A contact's whole future in it, with dates. A split shows both of its branches. Nothing is sent."""
        return self._preview(request.query_params)

    @extend_schema(request=PreviewFormSerializer, responses=PreviewSerializer)
    @preview.mapping.post
    def preview_for(self, request: Request, pk: str) -> Response:
        """A contact's whole future in it, with dates. A split shows both of its branches. Nothing is sent."""
        return self._preview(request.data)

    def _preview(self, given: Any) -> Response:
        sequence = self.get_object()
        form = PreviewFormSerializer(data=given)
        form.is_valid(raise_exception=True)
        contact = find_contact(sequence, form.validated_data)
        start_at = form.validated_data.get("start_at", timezone.now())
        found = preview_sequence(sequence, contact, start_at, owner=self.request.user)
        return Response(PreviewSerializer(found).data)

    @extend_schema(responses=StatsSerializer)
    @action(detail=True, methods=["get"], filter_backends=[])
    def stats(self, request: Request, pk: str) -> Response:
        """Enrollments by step and status, and the figures of each step's emails. Only human opens and clicks count."""
        return Response(StatsSerializer(read_stats(self.get_object().pk)).data)

    @takes_parameters(*PAGES)
    @extend_schema(responses=ControlLogSerializer(many=True))
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=CursorPages)
    def history(self, request: Request, pk: str) -> Response:
        """Its edits, activations, pauses and resumptions, newest first, with every field before and after."""
        rows = ControlLog.objects.filter(target=ControlTarget.SEQUENCE.value, target_id=self.get_object().pk)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ControlLogSerializer(page or [], many=True).data)

    @extend_schema(responses={(200, "application/yaml"): OpenApiTypes.ANY})
    @action(detail=True, methods=["get"], filter_backends=[])
    def export(self, request: Request, pk: str) -> HttpResponse:
        """As YAML, in the form that can be imported."""
        sequence = self.get_object()
        headers = {"Content-Disposition": f'attachment; filename="sequence-{sequence.pk}.yaml"'}
        text = export_sequence(load_draft(sequence))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)

    @extend_schema(request=DuplicateSerializer, responses={201: SequenceSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, pk: str) -> Response:
        """The same steps as a new draft, without enrollments."""
        sequence = self.get_object()
        form = DuplicateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            stored = duplicate_sequence(
                sequence,
                form.validated_data.get("name", ""),
                actor=name_actor(request.user),
                now=timezone.now(),
                owner=request.user,
            )
        except SequenceStateError as error:
            raise ValidationError({"name": [f"{error}."]}) from None
        return Response(self._present(stored.saved.sequence.pk), status=status.HTTP_201_CREATED)

    @extend_schema(
        request={"multipart/form-data": ImportSequenceSerializer, "application/json": ImportSequenceSerializer},
        responses=EditedSequenceSerializer,
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[FormParser, StorableJSONParser])
    def import_file(self, request: Request) -> Response:
        """Create the sequence of a YAML file, or make the stored one of that name equal to it."""
        form = ImportSequenceSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        values = form.validated_data
        workspace = values.get("workspace") or only_workspace(request)
        if values["activate"]:
            require_manager_of(request.user, workspace.pk)
        where = "file" if "file" in values else "yaml"
        data = values["file"].read(MAX_BYTES + 1) if "file" in values else values["yaml"].encode()
        try:
            parsed = parse_text(values["file"].name if "file" in values else "yaml", data)
        except YamlFormError as error:
            raise ValidationError({where: list(error.problems)}) from None
        is_dry = is_dry_run(request)
        actor, now = name_actor(request.user), timezone.now()
        try:
            with transaction.atomic():
                if known := Sequence.objects.filter(workspace=workspace, name=parsed.draft.name).first():
                    lock_writable(request.user, known.pk)
                stored = store_sequence(
                    workspace, parsed.draft, activate=values["activate"], actor=actor, now=now, owner=request.user
                )
                presented = self._present(stored.saved.sequence.pk)
                transaction.set_rollback(is_dry)
        except InvalidSequenceError as error:
            messages = [f"{parsed.place(problem.step_number)}: {problem}" for problem in error.problems]
            raise ValidationError({where: messages}) from None
        except SequenceStateError as error:
            raise ConflictError(f"Not possible: {error}.") from None
        answer = {**presented, "impact": present_impact(stored, is_dry_run=is_dry)}
        return Response(self._blank_missing(answer) if is_dry else answer)

    def _blank_missing(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Without the ids of rows that the import would have created."""
        stored = set(self.get_queryset().filter(pk=answer["id"]).values_list("steps", flat=True))
        if not stored:
            return self.blank_new(answer)
        steps = [
            {name: None if name in _NEW_STEP and value not in stored else value for name, value in step.items()}
            for step in answer["steps"]
        ]
        return {**answer, "steps": steps}

    def _switch(self, switch: Callable[..., None], request: Request) -> Response:
        sequence = self.get_object()
        require_manager_of(request.user, sequence.workspace_id)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            switch(sequence, actor=name_actor(request.user), now=timezone.now(), **form.validated_data)
        except switches.NotPossibleError as error:
            raise ConflictError(f"Not possible: {error}") from None
        return Response(self._present(sequence.pk))
