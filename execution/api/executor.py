"""`/api/sequence-executor`: status and queue for every user, pause and resume for operators."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.serializers import (
    ExecutorStatusSerializer,
    QueuePageSerializer,
    QueueQuerySerializer,
    ReasonSerializer,
    SuccessSerializer,
)
from execution.control.switches import pause_executor, resume_executor
from execution.insight.queue import QueueFilter, read_queue, read_status
from sequences.access.roles import is_operator, name_actor, workspace_ids_of
from sequences.interface.api.base import StrictView
from sequences.interface.api.parameters import takes_parameters

_SUCCESS = {"success": True}


class IsOperator(BasePermission):
    """The permission of the group "Operators"."""

    message = "Only operators pause and resume the executor. Ask an operator, or pause the workspace instead."

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_operator(request.user)


class ExecutorViewSet(StrictView):
    """The engine as a whole."""

    @extend_schema(responses=ExecutorStatusSerializer)
    @action(detail=False, methods=["get"], permission_classes=[IsAuthenticated])
    def status(self, request: Request) -> Response:
        """Whether it runs, and its figures of the last hour in the reader's workspaces."""
        status = read_status(workspace_ids_of(request.user), timezone.now())
        return Response(ExecutorStatusSerializer(status).data)

    @extend_schema(request=ReasonSerializer, responses=SuccessSerializer)
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated, IsOperator])
    def pause(self, request: Request) -> Response:
        """Decide nothing and send nothing until resumed. Pausing twice changes nothing."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        pause_executor(actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"])
        return Response(_SUCCESS)

    @extend_schema(request=ReasonSerializer, responses=SuccessSerializer)
    @action(detail=False, methods=["post"], permission_classes=[IsAuthenticated, IsOperator])
    def resume(self, request: Request) -> Response:
        """Go on. Resuming what runs changes nothing."""
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        resume_executor(actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"])
        return Response(_SUCCESS)

    @takes_parameters(QueueQuerySerializer)
    @extend_schema(responses=QueuePageSerializer)
    @action(detail=False, methods=["get"], permission_classes=[IsAuthenticated])
    def queue(self, request: Request) -> Response:
        """Who waits for the engine, most overdue first, with the first thing that holds each."""
        form = QueueQuerySerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        chosen = form.validated_data.get("filter")
        items = read_queue(
            workspace_ids_of(request.user),
            timezone.now(),
            form.validated_data["limit"],
            QueueFilter(chosen) if chosen else None,
        )
        return Response(QueuePageSerializer({"queue": items}).data)
