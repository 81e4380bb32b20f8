"""`/api/forecast`: what leaves in the next days, by mailbox and day."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.insight.forecast import DEFAULT_DAYS, MOST_DAYS, forecast_workspaces
from execution.insight.forecast_accuracy import COMPARED_DAYS, compare_forecasts, median_errors
from sequences.access.roles import workspace_ids_of
from sequences.interface.api.base import StrictView
from sequences.interface.api.parameters import takes_parameters
from sequences.interface.api.strict import StrictSerializer


class ForecastDaysSerializer(StrictSerializer):
    days = serializers.IntegerField(
        default=DEFAULT_DAYS, min_value=1, max_value=MOST_DAYS, help_text="How many days, today included."
    )


class _DaySerializer(StrictSerializer):
    date = serializers.DateField(help_text="In the mailbox's time zone.")
    mailbox = serializers.IntegerField()
    follow_ups = serializers.IntegerField(help_text="Emails after the first of an enrollment that are sent.")
    first_touches = serializers.IntegerField(help_text="First emails of an enrollment that are sent.")
    cap = serializers.IntegerField(allow_null=True, help_text="The most it may send in 24 hours; null: no limit.")
    unplaced = serializers.IntegerField(help_text="Due by the end of the day, and not sent.")


class _ComparedDaySerializer(StrictSerializer):
    date = serializers.DateField(help_text="In the mailbox's time zone; over.")
    mailbox = serializers.IntegerField()
    days_ahead = serializers.IntegerField(help_text="How many days before it was forecast: 1 or 7.")
    forecast = serializers.IntegerField(help_text="Emails of sequences that were to be sent.")
    sent = serializers.IntegerField(help_text="Those that were.")


class _MedianErrorSerializer(StrictSerializer):
    days_ahead = serializers.IntegerField()
    error = serializers.FloatField(
        allow_null=True,
        help_text="From 0 to 1: the difference by the larger number, in the median of mailboxes and days.",
    )


@extend_schema_serializer(many=False)
class WorkForecastSerializer(StrictSerializer):
    days = _DaySerializer(many=True)
    assumptions = serializers.ListField(child=serializers.CharField())
    compared = _ComparedDaySerializer(many=True, help_text=f"The last {COMPARED_DAYS} days against their forecasts.")
    median_errors = _MedianErrorSerializer(many=True)


class ForecastViewSet(StrictView):
    """What leaves on each day, by mailbox, and what will not fit."""

    @takes_parameters(ForecastDaysSerializer)
    @extend_schema(responses=WorkForecastSerializer)
    def list(self, request: Request) -> Response:
        """Every mailbox of your workspaces, by the engine's own planning and caps, with what is assumed."""
        form = ForecastDaysSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        workspaces, now = workspace_ids_of(request.user), timezone.now()
        found = forecast_workspaces(workspaces, now, form.validated_data["days"])
        compared = compare_forecasts(workspaces, now)
        errors = median_errors(compared).items()
        answer = {
            "days": found.days,
            "assumptions": found.assumptions,
            "compared": compared,
            "median_errors": [{"days_ahead": ahead, "error": error} for ahead, error in errors],
        }
        return Response(WorkForecastSerializer(answer).data)
