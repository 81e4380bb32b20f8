"""`/api/sequence-enrollments`: read, enroll, pause, resume, skip a step, and the log of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.enrolling import EnrollRequestError, enroll
from execution.api.serializers import (
    EnrollAnswerSerializer,
    EnrollmentAnswerSerializer,
    EnrollmentSerializer,
    EnrollSerializer,
    LogPageSerializer,
    LogSerializer,
    PauseSerializer,
    ReasonSerializer,
    WhyAnswerSerializer,
    present_enrollments,
)
from execution.controls import (
    Report,
    exit_enrollments,
    pause_enrollments,
    resume_enrollments,
    retry_enrollments,
    skip_steps,
)
from execution.enrolling import EnrollError
from execution.explain import explain_enrollments
from execution.models import ExecutionLog
from sequences.api.base import CursorPages, IdFilter, ReadViewSet
from sequences.api.problems import ConflictError
from sequences.api.roles import name_actor, require_right
from sequences.choices import EnrollmentStatus
from sequences.models import Enrollment, Sequence

_CURSOR = OpenApiParameter("cursor", str, description="From the links `next` and `previous`.")
_PAGE_SIZE = OpenApiParameter("page_size", int, description="At most 200; 50 by default.")


class EnrollmentFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    status = django_filters.ChoiceFilter(choices=EnrollmentStatus.choices())
    sequence = IdFilter(field_name="sequence_id")
    contact = IdFilter(field_name="contact_id")
    owner = IdFilter(field_name="owner_id")
    mailbox = IdFilter(field_name="mailbox_id")
    due_before = django_filters.IsoDateTimeFilter(field_name="next_step_at", lookup_expr="lt")


class LogPages(CursorPages):
    """`{"logs", "next", "previous"}`, newest first."""

    ordering = ("-at", "-id")

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return ("-at", "-id")

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"logs": data, "next": self.get_next_link(), "previous": self.get_previous_link()})


class EnrollmentViewSet(ReadViewSet):
    """Contacts in sequences, and where they stand."""

    queryset = Enrollment.objects.select_related("contact", "current_step")
    serializer_class = EnrollmentSerializer
    filterset_class = EnrollmentFilter
    ordering_fields = ("id", "enrolled_at", "updated_at")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(present_enrollments(page or [], timezone.now()))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(present_enrollments([self.get_object()], timezone.now())[0])

    @extend_schema(request=EnrollSerializer, responses={201: EnrollAnswerSerializer})
    def create(self, request: Request) -> Response:
        """Start a sequence for contacts. Who is suppressed or already in it is skipped with the reason."""
        form = EnrollSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        sequence = Sequence.objects.for_user(request.user).filter(pk=values.pop("sequence")).first()
        if sequence is None:
            raise ValidationError({"sequence": ["There is no such sequence."]})
        try:
            result = enroll(request.user, sequence, now=timezone.now(), **values)
        except EnrollRequestError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except EnrollError as error:
            if sequence.status in {"draft", "archived"}:
                raise ConflictError(str(error)) from None
            raise ValidationError([str(error)]) from None
        answer = {
            "enrolled": result.enrolled,
            "skipped": [{"contact": left.email or left.contact_id, "reason": left.reason} for left in result.skipped],
        }
        return Response(EnrollAnswerSerializer(answer).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[_CURSOR, _PAGE_SIZE], responses=LogPageSerializer)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=LogPages)
    def logs(self, request: Request, pk: str) -> Response:
        """What happened, by whom and why, newest first."""
        rows = self.paginate_queryset(ExecutionLog.objects.filter(enrollment=self.get_object()))
        return self.get_paginated_response(LogSerializer(rows or [], many=True).data)

    @extend_schema(request=PauseSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Stop until somebody resumes, or until `resume_at`. What is paused stays as it is."""
        form = PauseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        resume_at = form.validated_data["resume_at"]
        if resume_at is not None and resume_at <= timezone.now():
            raise ValidationError({"resume_at": ["It must lie in the future."]})
        return self._control(pause_enrollments, **form.validated_data)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on from the same step, planned anew. What is active stays as it is."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._control(resume_enrollments, **form.validated_data)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"], url_path="skip-step")
    def skip_step(self, request: Request, pk: str) -> Response:
        """End the current step unexecuted and go on with the next one."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._control(skip_steps, **form.validated_data)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def exit(self, request: Request, pk: str) -> Response:
        """End it here: nothing more is sent, what is queued is withdrawn."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._control(exit_enrollments, **form.validated_data)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Try at once what failed. Who waits for no retry stays as they are."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._control(retry_enrollments, **form.validated_data)

    @extend_schema(responses=WhyAnswerSerializer)
    @action(detail=True, methods=["get"], filter_backends=[])
    def why(self, request: Request, pk: str) -> Response:
        """Everything that holds it, and until when; empty: it goes on at its next look."""
        enrollment = self.get_object()
        holds = explain_enrollments([enrollment.pk], timezone.now()).get(enrollment.pk, ())
        return Response(WhyAnswerSerializer({"why": holds}).data)

    def _control(self, control: Callable[..., Report], **values: Any) -> Response:
        enrollment = self.get_object()
        user = self.request.user
        require_right(user, enrollment.workspace_id, enrollment.owner_id, is_shared_without_owner=True)
        now = timezone.now()
        report = control([enrollment.pk], actor=name_actor(user), now=now, **values)
        if enrollment.pk in report.refused:
            raise ConflictError(f"Not possible: {report.refused[enrollment.pk]}.")
        if enrollment.pk not in {*report.changed, *report.unchanged}:
            raise NotFound
        return Response({"enrollment": present_enrollments([self.get_object()], now)[0]})
