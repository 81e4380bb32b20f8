"""`/api/sequence-enrollments`: read, enroll, pause, resume, skip a step, and the log of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import django_filters
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from execution.api.enrolling import EnrollRequestError, enroll, list_contacts
from execution.api.enrollment_forms import (
    BulkAnswerSerializer,
    BulkSerializer,
    MoveSerializer,
    PauseSerializer,
    SnoozeSerializer,
    TimelineSerializer,
    present_bulk,
)
from execution.api.expanding import Expands
from execution.api.serializers import (
    EnrollAnswerSerializer,
    EnrollmentAnswerSerializer,
    EnrollmentSerializer,
    EnrollPreviewSerializer,
    EnrollSerializer,
    LogPageSerializer,
    LogSerializer,
    ReasonSerializer,
    WhyAnswerSerializer,
    present_enrollments,
)
from execution.control.bulk import act_on_all
from execution.control.enroll import EnrollError
from execution.control.enrollments import (
    Report,
    exit_enrollments,
    move_enrollments,
    pause_enrollments,
    resume_enrollments,
    retry_enrollments,
    skip_steps,
    snooze_enrollments,
)
from execution.insight.explain import explain_enrollments
from execution.insight.forecast import forecast_enrollments
from execution.insight.preview import preview_rest
from execution.insight.timeline import read_timeline
from execution.models import ExecutionLog
from sequences.access.roles import filter_actable, name_actor, require_right
from sequences.choices import EnrollmentStatus
from sequences.interface.api.base import IdFilter, ReadViewSet, TimeFilter, UpdatedFilter
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.exports import (
    EXPORT_FORMAT,
    EXPORT_RENDERERS,
    Exports,
    read_batches,
    read_format,
    stream_rows,
)
from sequences.interface.api.named import NamedRowFilter, find_named
from sequences.interface.api.paging import CursorPages
from sequences.interface.api.parameters import PAGES, takes_parameters
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import MOST_NAMED, explain_unknown, shorten_name
from sequences.models import Enrollment, Sequence, Step

Check = Callable[[Enrollment, Mapping[str, Any]], None]


class EnrollmentFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    status = django_filters.ChoiceFilter(choices=EnrollmentStatus.choices())
    sequence = NamedRowFilter("sequence")
    contact = IdFilter(field_name="contact_id")
    owner = NamedRowFilter("owner")
    mailbox = NamedRowFilter("mailbox")
    pool = NamedRowFilter("pool")
    due_before = TimeFilter(field_name="next_step_at", lookup_expr="lt")


class LogPages(CursorPages):
    """`{"logs", "next", "previous"}`, newest first."""

    ordering = ("-at", "-id")

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return ("-at", "-id")

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"logs": data, "next": self.get_next_link(), "previous": self.get_previous_link()})


class EnrollmentPages(CursorPages):
    """Ordered by `enrolled_at` through the ids, which follow it: so that the engine maintains no index for that."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        return tuple(field.replace("enrolled_at", "id") for field in ordering)


class _PresentedViewSet(ReadViewSet):
    """Rows with what holds them."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(present_enrollments(page or [], timezone.now()))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(present_enrollments([self.get_object()], timezone.now())[0])


class EnrollmentViewSet(Expands, Exports, _PresentedViewSet):
    """Contacts in sequences, and where they stand."""

    queryset = Enrollment.objects.select_related("contact", "current_step")
    serializer_class = EnrollmentSerializer
    filterset_class = EnrollmentFilter
    pagination_class = EnrollmentPages
    ordering_fields = ("id", "enrolled_at", "updated_at")
    export_name = "enrollments"
    expandable = {
        "contact": "contact", "account": "account", "sequence": "sequence", "step": "current_step",
        "mailbox": "mailbox", "owner": "owner",
    }  # fmt: skip

    def present_rows(self, rows: Any) -> Any:
        return present_enrollments(rows, timezone.now())

    @extend_schema(
        request=EnrollSerializer,
        responses={200: EnrollPreviewSerializer, 201: EnrollAnswerSerializer},
    )
    def create(self, request: Request) -> Response:
        """Start a sequence for contacts. A contact that a rule keeps out is skipped with a code and a reason.

        `again` overrides the rules that a manager may override. A dry run is 200, answers the contacts in
        `would_enroll`, and forecasts when the last of them would have had the first email and the last step.
        """
        form = EnrollSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        sequence = find_named(Sequence.objects.for_user(request.user), "sequence", values.pop("sequence"))
        if sequence is None:
            raise ValidationError({"sequence": ["There is no such sequence."]})
        is_dry, now = is_dry_run(request), timezone.now()
        try:
            result = enroll(request.user, sequence, now=now, **values)
            forecast = forecast_enrollments(result.enrolled, now) if is_dry else None
        except EnrollRequestError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except EnrollError as error:
            if sequence.status in {"draft", "archived"}:
                raise ConflictError(str(error)) from None
            raise ValidationError([str(error)]) from None
        answer = {
            "enrolled": [] if is_dry else result.enrolled,
            "would_enroll": list_contacts(result.enrolled) if is_dry else [],
            "skipped": [skipped.present() for skipped in result.skipped],
            "forecast": forecast,
        }
        if is_dry:
            return Response(EnrollPreviewSerializer(answer).data)
        return Response(EnrollAnswerSerializer(answer).data, status=status.HTTP_201_CREATED)

    @takes_parameters(*PAGES, EXPORT_FORMAT)
    @extend_schema(responses={(200, "application/json"): LogPageSerializer})
    @action(
        detail=True, methods=["get"], filter_backends=[], pagination_class=LogPages, renderer_classes=EXPORT_RENDERERS
    )
    def logs(self, request: Request, pk: str) -> Any:
        """What happened, with actor and reason, newest first; as a file the oldest first."""
        logs = ExecutionLog.objects.filter(enrollment=self.get_object())
        if form := read_format(request):
            lines = read_batches(logs, lambda batch: LogSerializer(batch, many=True).data)
            return stream_rows(f"enrollment-{pk}-logs", form, LogSerializer.Meta.fields, lines)
        rows = self.paginate_queryset(logs)
        return self.get_paginated_response(LogSerializer(rows or [], many=True).data)

    @extend_schema(request=PauseSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Pause until a user resumes it, or until `resume_at`. A paused enrollment stays as it is."""
        return self._control(pause_enrollments, PauseSerializer)

    @extend_schema(request=SnoozeSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Not before `until`, then at the next opening of its window. It stays where it stands."""
        return self._control(snooze_enrollments, SnoozeSerializer)

    @extend_schema(request=MoveSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Go to another step of its sequence, which may run at once. No contact gets an email step twice by this."""
        return self._control(move_enrollments, MoveSerializer, _require_own_step)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on from the same step, replanned. An active enrollment stays as it is."""
        return self._control(resume_enrollments, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"], url_path="skip-step")
    def skip_step(self, request: Request, pk: str) -> Response:
        """End the current step unexecuted and go on with the next one."""
        return self._control(skip_steps, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def exit(self, request: Request, pk: str) -> Response:
        """End it here: nothing more is sent, what is queued is withdrawn."""
        return self._control(exit_enrollments, ReasonSerializer)

    @extend_schema(request=ReasonSerializer, responses=EnrollmentAnswerSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Try at once what failed. An enrollment that waits for no retry stays as it is."""
        return self._control(retry_enrollments, ReasonSerializer)

    @extend_schema(responses=WhyAnswerSerializer)
    @action(detail=True, methods=["get"], filter_backends=[])
    def why(self, request: Request, pk: str) -> Response:
        """Everything that holds it, and until when; empty: it runs in the next cycle."""
        enrollment = self.get_object()
        holds = explain_enrollments([enrollment.pk], timezone.now()).get(enrollment.pk, ())
        return Response(WhyAnswerSerializer({"why": holds}).data)

    @extend_schema(responses=TimelineSerializer)
    @action(detail=True, methods=["get"], filter_backends=[])
    def timeline(self, request: Request, pk: str) -> Response:
        """What happened, newest first, what its emails brought, and the plan ahead with dates."""
        enrollment = self.get_object()
        now = timezone.now()
        ahead = preview_rest(enrollment, now)
        answer = {"entries": read_timeline(enrollment), "ahead": ahead.steps if ahead else ()}
        return Response(TimelineSerializer(answer).data)

    @extend_schema(request=BulkSerializer, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"], filter_backends=[])
    def bulk(self, request: Request) -> Response:
        """One action on all that are named or match the filters of the list. Rows of other users are refused."""
        form = BulkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values, is_dry = form.validated_data, is_dry_run(request)
        control, fields = _BULK[values["action"]]
        rows = self.get_queryset().select_related(None)
        matching = rows.filter(pk__in=values["ids"]) if "ids" in values else _filter(rows, values["filter"], request)
        given = {"actor": name_actor(request.user), "now": timezone.now(), **{name: values[name] for name in fields}}
        report = act_on_all(
            matching,
            filter_actable(rows, request.user),
            lambda ids: control(ids, **given),
            dry_run=is_dry,
        )
        return Response(BulkAnswerSerializer(present_bulk(report, is_dry_run=is_dry)).data)

    def _control(
        self, control: Callable[..., Report], serializer: type[Serializer[Any]], check: Check | None = None
    ) -> Response:
        enrollment = self.get_object()
        user = self.request.user
        require_right(user, enrollment.workspace_id, enrollment.owner_id, is_shared_without_owner=True)
        form = serializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        if check is not None:
            check(enrollment, form.validated_data)
        now = timezone.now()
        report = control([enrollment.pk], actor=name_actor(user), now=now, **form.validated_data)
        if enrollment.pk in report.refused:
            raise ConflictError(f"Not possible: {report.refused[enrollment.pk]}.")
        if enrollment.pk not in {*report.changed, *report.unchanged}:
            raise NotFound
        return Response({"enrollment": present_enrollments([self.get_object()], now)[0]})


def _require_own_step(enrollment: Enrollment, values: Mapping[str, Any]) -> None:
    if not Step.objects.filter(sequence=enrollment.sequence_id, pk=values["step_id"]).exists():
        raise ValidationError({"step": ["Its sequence has no such step."]})


_BULK: dict[str, tuple[Callable[..., Report], tuple[str, ...]]] = {
    "pause": (pause_enrollments, ("reason", "resume_at")),
    "resume": (resume_enrollments, ("reason",)),
    "snooze": (snooze_enrollments, ("reason", "until")),
    "skip-step": (skip_steps, ("reason",)),
    "retry": (retry_enrollments, ("reason",)),
    "exit": (exit_enrollments, ("reason",)),
}


def _filter(rows: QuerySet[Any], given: Mapping[str, Any], request: Request) -> QuerySet[Any]:
    known = set(EnrollmentFilter.base_filters)
    if unknown := sorted(set(given) - known):
        errors = {shorten_name(name): [explain_unknown(name, known)] for name in unknown[:MOST_NAMED]}
        raise ValidationError({"filter": errors})
    chosen = EnrollmentFilter({name: str(value) for name, value in given.items()}, rows, request=request)
    if not chosen.is_valid():
        raise ValidationError({"filter": chosen.errors})
    if empty := sorted(name for name in given if chosen.form.cleaned_data[name] in EMPTY_VALUES):
        raise ValidationError(
            {"filter": {empty[0]: ["It is empty, which would match every enrollment: leave it out."]}}
        )
    found: QuerySet[Any] = chosen.qs
    return found
