"""`/api/steps`: one step, read and edited where it stands; and its email as a contact would get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.addresses import AddressError
from emails.models import Mailbox
from emails.rendering.render import RenderedEmail
from emails.sending.test_send import render_for, send_test, variant_for
from emails.transport.send_result import Sent
from execution.api.sequence_edits import edit, find_contact, require_sequence_right
from execution.api.sequence_forms import (
    EditedStepSerializer,
    MoveStepSerializer,
    RemoveStepSerializer,
    StepFormSerializer,
    change_step,
    present_impact,
    present_step,
)
from execution.control.edit import EditOptions
from execution.insight.variants import VariantVerdict, read_variant_report
from sequences.access.roles import require_right
from sequences.api.sequences import StepSerializer
from sequences.authoring.queries import load_draft
from sequences.choices import StepType
from sequences.content.variants import MAX_KEY
from sequences.interface.api.base import BIGGEST_ID, IdFilter, ReadViewSet
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.named import NamedRowFilter
from sequences.interface.api.parameters import read_query_and_body, takes_body, takes_parameters
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictSerializer
from sequences.liquid.templating import TemplateError
from sequences.models import Sequence, Step


class StepFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    sequence = NamedRowFilter("sequence")
    type = django_filters.CharFilter(field_name="type")


class TryStepSerializer(StrictSerializer):
    contact = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)
    email = serializers.CharField(required=False, max_length=254, help_text="Instead of the contact's id.")
    mailbox = serializers.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID, help_text="Whose name and signature it bears."
    )
    variant = serializers.CharField(
        required=False,
        max_length=MAX_KEY,
        help_text="Of an email that has some; by default the one that this contact gets or has got.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("email" in attrs):
            raise serializers.ValidationError("Name the contact by its id in `contact`, or by address in `email`.")
        return attrs


class RenderedStepSerializer(StrictSerializer):
    variant = serializers.CharField(allow_null=True, help_text="Which one it is; null: the step has none.")
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()
    changes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What rendering changed of what the author wrote: what happens, and what to do.",
    )


class TestSentSerializer(StrictSerializer):
    sent_to = serializers.CharField(help_text="Your own address.")


class VariantQuerySerializer(StrictSerializer):
    difference = serializers.FloatField(
        required=False,
        min_value=0.0001,
        max_value=0.5,
        help_text="Of the rate of positive replies, as a share of 1; default: as much again as the workspace has.",
    )


class VariantReportSerializer(StrictSerializer):
    """`better` is a variant that is shown to be better than each other one; null: no difference is shown yet."""

    class VariantFiguresSerializer(StrictSerializer):
        key = serializers.CharField()
        weight = serializers.IntegerField()
        is_on = serializers.BooleanField()
        sent = serializers.IntegerField()
        delivered = serializers.IntegerField()
        positive = serializers.IntegerField(help_text="Answered with interest, or with the address of someone else.")
        opted_out = serializers.IntegerField()
        complained = serializers.IntegerField()
        bounced = serializers.IntegerField()
        positive_rate = serializers.FloatField(allow_null=True, help_text="Percent of delivered.")
        positive_rate_low = serializers.FloatField(allow_null=True, help_text="Of its 95 % interval (Wilson).")
        positive_rate_high = serializers.FloatField(allow_null=True)

    class NeededSendsSerializer(StrictSerializer):
        base_rate = serializers.FloatField(help_text="Positive replies per delivered email of the workspace.")
        is_assumed = serializers.BooleanField(help_text="The workspace has too few emails: the rate is assumed.")
        difference = serializers.FloatField()
        sends = serializers.IntegerField(help_text="For each variant, looked at once at the end.")
        sends_when_looking = serializers.IntegerField(help_text="For each variant, looked at all the time.")
        power = serializers.FloatField()
        alpha = serializers.FloatField()

    variants = VariantFiguresSerializer(many=True)
    verdict = serializers.ChoiceField(choices=VariantVerdict.choices())
    better = serializers.CharField(allow_null=True)
    harmful = serializers.ListField(
        child=serializers.CharField(),
        help_text="Variants with clearly more opt-outs, complaints and bounces than the others together.",
    )
    detail = serializers.CharField()
    needed = NeededSendsSerializer()


class StepViewSet(ReadViewSet):
    """Steps of all sequences. Every member reads them; managers and admins change them."""

    queryset = Step.objects.select_related("sequence")
    serializer_class = StepSerializer
    has_etags = True
    filterset_class = StepFilter
    ordering_fields = ("id", "number")

    @extend_schema(request=StepFormSerializer, responses=EditedStepSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. Text reaches every email that is not being sent yet; other times replan enrollments."""
        step = self._find_writable()
        form = StepFormSerializer(data=request.data, partial=True, context={"stored": present_step(step.pk)})
        form.is_valid(raise_exception=True)
        draft = load_draft(step.sequence)
        steps = [change_step(each, form.validated_data) if each.key == str(step.pk) else each for each in draft.steps]
        stored = edit(request, step.sequence, replace(draft, steps=tuple(steps)))
        return self._answer(step.pk, present_impact(stored, is_dry_run=is_dry_run(request)))

    @takes_body
    @takes_parameters(RemoveStepSerializer)
    @extend_schema(request=RemoveStepSerializer, responses={200: EditedStepSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove it. Enrollments at it go on at the next step, at `goes_to`, or exit (`exits`)."""
        step = self._find_writable()
        form = RemoveStepSerializer(data=read_query_and_body(request))
        form.is_valid(raise_exception=True)
        goes_to, exits = form.validated_data["goes_to"], form.validated_data["exits"]
        draft = load_draft(step.sequence)
        if goes_to and str(goes_to) not in {each.key for each in draft.steps if each.key != str(step.pk)}:
            raise ValidationError({"goes_to": ["Its sequence has no such step besides it."]})
        kept = tuple(each for each in draft.steps if each.key != str(step.pk))
        options = EditOptions(goes_to=str(goes_to) if goes_to else None, exits=exits)
        stored = edit(request, step.sequence, replace(draft, steps=kept), options)
        impact = present_impact(stored, is_dry_run=is_dry_run(request))
        return Response(EditedStepSerializer({"step": None, "impact": impact}).data)

    @extend_schema(request=MoveStepSerializer, responses=EditedStepSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Give it another number. No enrollment moves with it; the order holds from its next advance.

        Who has had its email or task is led past it.
        """
        step = self._find_writable()
        form = MoveStepSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        draft = load_draft(step.sequence)
        moved = next(each for each in draft.steps if each.key == str(step.pk))
        steps = [each for each in draft.steps if each is not moved]
        steps.insert(form.validated_data["position"] - 1, moved)
        stored = edit(request, step.sequence, replace(draft, steps=tuple(steps)))
        return self._answer(step.pk, present_impact(stored, is_dry_run=is_dry_run(request)))

    @extend_schema(request=TryStepSerializer, responses=RenderedStepSerializer)
    @action(detail=True, methods=["post"])
    def render(self, request: Request, pk: str) -> Response:
        """Its email as that contact would get it. Nothing is sent."""
        step = self._find_email_step()
        form = TryStepSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        mailbox = self._find_mailbox(step, form.validated_data)
        variant, email = self._render(step, form.validated_data, mailbox)
        shown = {"variant": variant, **{name: getattr(email, name) for name in ("subject", "text", "html", "changes")}}
        return Response(RenderedStepSerializer(shown).data)

    @extend_schema(request=TryStepSerializer, responses=TestSentSerializer)
    @action(detail=True, methods=["post"], url_path="test-send", calls_server=True)
    def test_send(self, request: Request, pk: str) -> Response:
        """Send it to your own address, as that contact would get it, through one of your mailboxes.

        A dry run renders it and sends nothing.
        """
        step = self._find_email_step()
        form = TryStepSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        mailbox = self._find_mailbox(step, form.validated_data)
        if mailbox is None:
            raise ValidationError({"mailbox": ["Name the mailbox to send it through."]})
        require_right(request.user, mailbox.workspace_id, mailbox.owner_id, is_shared_without_owner=False)
        address = getattr(request.user, "email", "")
        if not address:
            raise ConflictError("Your login has no email address to send it to: give it one in the admin.")
        if is_dry_run(request):
            self._render(step, form.validated_data, mailbox)
            return Response({"is_dry_run": True, "sent_to": address})
        contact = find_contact(step.sequence, form.validated_data)
        try:
            variant = variant_for(step, contact, form.validated_data.get("variant", ""))
            answer = send_test(step, contact, mailbox, request.user.pk, address, timezone.now(), variant)
        except (TemplateError, AddressError) as error:
            raise ValidationError([str(error)]) from None
        if not isinstance(answer, Sent):
            raise ConflictError(f"The mail server did not take it: {answer.error}")
        return Response(TestSentSerializer({"sent_to": address}).data)

    @takes_parameters(VariantQuerySerializer)
    @extend_schema(responses=VariantReportSerializer)
    @action(detail=True, methods=["get"])
    def variants(self, request: Request, pk: str) -> Response:
        """The figures of its variants, what they show, and how many sends a difference needs."""
        step = self._find_email_step()
        form = VariantQuerySerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        report = read_variant_report(step, timezone.now(), form.validated_data.get("difference"))
        return Response(VariantReportSerializer(report).data)

    def find_shown(self, data: Any) -> Mapping[str, Any] | None:
        return data.get("step", data) if isinstance(data, Mapping) else None

    def find_locked(self, row: Step) -> Sequence:
        return row.sequence

    def _find_writable(self) -> Step:
        step: Step = self.get_object()
        require_sequence_right(self.request, step.sequence)
        return step

    def _find_email_step(self) -> Step:
        step: Step = self.get_object()
        if step.type != StepType.EMAIL:
            raise ConflictError(f"The step is a {step.type.replace('_', ' ')}: only an email can be looked at.")
        return step

    def _find_mailbox(self, step: Step, values: Mapping[str, Any]) -> Mailbox | None:
        if "mailbox" not in values:
            return None
        mailbox: Mailbox | None = Mailbox.objects.filter(workspace=step.workspace_id, pk=values["mailbox"]).first()
        if mailbox is None:
            raise ValidationError({"mailbox": ["The workspace of the step has no such mailbox."]})
        return mailbox

    def _render(self, step: Step, values: dict[str, Any], mailbox: Mailbox | None) -> tuple[str | None, RenderedEmail]:
        contact = find_contact(step.sequence, values)
        try:
            variant = variant_for(step, contact, values.get("variant", ""))
            email = render_for(step, contact, mailbox, self.request.user.pk, timezone.now(), variant)
            return variant.key if variant else None, email
        except TemplateError as error:
            raise ValidationError([str(error)]) from None

    def _answer(self, step_id: int, impact: dict[str, Any]) -> Response:
        return Response({"step": present_step(step_id), "impact": impact})
