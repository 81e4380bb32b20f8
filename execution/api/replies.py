"""`/api/replies`: what contacts wrote, to read, classify, answer. An SDR sees those of own enrollments, mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.api.serializers import MessageSerializer
from emails.choices import ReplyIntent
from emails.models import Reply
from execution.api.expanding import Expands
from execution.control.answers import LONGEST_BODY, AnswerError, answer_reply, explain_refusal
from execution.control.replies import ClassifyError, Wanted, classify_reply, mark_handled
from execution.insight.replies import filter_readable, read_intent_figures, read_thread
from sequences.access.roles import name_actor, workspace_ids_of
from sequences.interface.api.base import BIGGEST_ID, IdFilter, ReadViewSet, TimeFilter, UpdatedFilter, YesNoFilter
from sequences.interface.api.expanded import Expandable
from sequences.interface.api.exports import Exports
from sequences.interface.api.named import NamedRowFilter, match_named
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Sequence


class ReplyFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    intent = django_filters.ChoiceFilter(choices=ReplyIntent.choices())
    is_handled = YesNoFilter(field_name="is_handled")
    mailbox = NamedRowFilter("mailbox")
    contact = IdFilter(field_name="contact_id")
    owner = NamedRowFilter("mailbox__owner", method="filter_owner", label="Of the enrollment, or of the mailbox.")
    sequence = NamedRowFilter("enrollment__sequence")
    received_after = TimeFilter(field_name="received_at", lookup_expr="gt")

    def filter_owner(self, rows: QuerySet[Reply], name: str, value: str) -> QuerySet[Reply]:
        self.filters[name].refuse_unknown(Reply, value)
        of_mailbox = Q(enrollment__owner=None) & match_named("mailbox__owner", value)
        return rows.filter(match_named("enrollment__owner", value) | of_mailbox)


class AttachmentSerializer(StrictSerializer):
    name = serializers.CharField()
    type = serializers.CharField()
    size = serializers.IntegerField(help_text="In bytes.")


class AuthenticationSerializer(StrictSerializer):
    """What the receiving server says of the sender (RFC 8601); empty where it says nothing."""

    spf = serializers.CharField(default="")
    dkim = serializers.CharField(default="")
    dmarc = serializers.CharField(default="")
    is_authenticated = serializers.BooleanField(default=False)


class CorrectionSerializer(StrictSerializer):
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    intent_before = serializers.ChoiceField(choices=ReplyIntent.choices())
    intent_after = serializers.ChoiceField(choices=ReplyIntent.choices())
    until_before = serializers.DateField(allow_null=True)
    until_after = serializers.DateField(allow_null=True)
    referral_before = serializers.CharField()
    referral_after = serializers.CharField()


class ThreadEntrySerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=["email", "answer", "reply"])
    id = serializers.IntegerField(help_text="Of the message, or of the reply.")
    at = serializers.DateTimeField()
    sender = serializers.CharField()
    recipient = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()
    quoted = serializers.CharField()
    status = serializers.CharField(help_text="The message's; `received` for a reply.")
    written_by = serializers.CharField(help_text="The user, for an answer.")


class ReplySerializer(Expandable, StrictModelSerializer[Reply]):
    """One reply in a list."""

    email = serializers.CharField(source="contact.email", help_text="The contact's address.")
    sequence = serializers.IntegerField(source="enrollment.sequence_id", default=None, allow_null=True)
    intent = serializers.ChoiceField(choices=ReplyIntent.choices())
    found_intent = serializers.ChoiceField(choices=ReplyIntent.choices(), help_text="What the rules found.")

    class Meta:
        model = Reply
        fields = [
            "id", "workspace", "contact", "email", "enrollment", "sequence", "message", "mailbox", "sender",
            "sender_name", "subject", "text", "received_at", "kind", "intent", "found_intent", "intent_reason",
            "until", "referral", "classified_by", "classified_at", "is_handled", "handled_by", "handled_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class WholeReplySerializer(ReplySerializer):
    """`text` is what was written, `quoted` what it quotes, `html_text` its HTML part as plain text."""

    attachments = AttachmentSerializer(many=True)
    authentication = AuthenticationSerializer()
    corrections = CorrectionSerializer(many=True)
    thread = serializers.SerializerMethodField()
    cannot_answer = serializers.SerializerMethodField(help_text="Why the reply cannot be answered; empty when it can.")

    class Meta(ReplySerializer.Meta):
        fields = [
            *ReplySerializer.Meta.fields, "quoted", "html_text", "attachments", "header_id", "header_date",
            "authentication", "corrections", "thread", "cannot_answer",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ThreadEntrySerializer(many=True))
    def get_thread(self, reply: Reply) -> Any:
        return ThreadEntrySerializer(read_thread(reply), many=True).data

    def get_cannot_answer(self, reply: Reply) -> str:
        return explain_refusal(reply)


class ClassifySerializer(StrictSerializer):
    intent = serializers.ChoiceField(choices=ReplyIntent.choices())
    until = serializers.DateField(required=False, help_text="For `not_now`: the day to write again.")
    referral = serializers.CharField(
        required=False, max_length=320, help_text="For `referral`: the address; by default the one in the reply."
    )
    sequence = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text="For `not_now`: enroll the contact in it on that day, instead of making a task.",
    )


class ClassifiedSerializer(StrictSerializer):
    reply = ReplySerializer()
    consequences = serializers.ListField(child=serializers.CharField(), help_text="What was done, one line each.")


class AnswerSerializer(StrictSerializer):
    body = serializers.CharField(max_length=LONGEST_BODY, help_text="Markdown; the mailbox's signature is added.")


class HandledSerializer(StrictSerializer):
    is_handled = serializers.BooleanField(default=True, help_text="False: it waits for a user again.")


class IntentFiguresSerializer(StrictSerializer):
    intent = serializers.ChoiceField(choices=ReplyIntent.choices())
    found = serializers.IntegerField(help_text="Replies in which the rules found it.")
    classified = serializers.IntegerField(help_text="Those of them that users confirmed or corrected.")
    corrected = serializers.IntegerField(help_text="Those that users gave another intent.")
    missed = serializers.IntegerField(help_text="Replies that users gave it and the rules did not.")


class ReplyFiguresSerializer(StrictSerializer):
    intents = IntentFiguresSerializer(many=True)


class ReplyViewSet(Expands, Exports, ReadViewSet):
    """What contacts wrote, the newest first."""

    queryset = Reply.objects.select_related("contact", "enrollment__sequence", "mailbox", "workspace")
    serializer_class = ReplySerializer
    filterset_class = ReplyFilter
    export_name = "replies"
    expandable = {
        "contact": "contact", "account": "contact.account", "enrollment": "enrollment", "sequence": "sequence",
        "message": "message", "mailbox": "mailbox",
    }  # fmt: skip
    ordering = ("-received_at",)
    ordering_fields = ("id", "received_at", "updated_at")
    has_etags = True

    def get_queryset(self) -> QuerySet[Any]:
        return filter_readable(super().get_queryset(), self.request.user)

    def find_shown(self, data: Any) -> Mapping[str, Any] | None:
        """The ETag is of what a list shows too, so that answers and classifications can name it."""
        return {name: data[name] for name in ReplySerializer.Meta.fields}

    def get_serializer_class(self) -> Any:
        return WholeReplySerializer if self.action == "retrieve" else super().get_serializer_class()

    @extend_schema(request=ClassifySerializer, responses=ClassifiedSerializer)
    @action(detail=True, methods=["post"])
    def classify(self, request: Request, pk: str) -> Response:
        """Say what it means, with the consequences: an opt-out suppresses, a day plans a task. Who said it is kept."""
        reply = self.get_object()
        form = ClassifySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        wanted = Wanted(
            ReplyIntent(values["intent"]),
            values.get("until"),
            values.get("referral", "").strip(),
            self._find_sequence(reply, values.get("sequence")),
        )
        try:
            done = classify_reply(reply, wanted, user=request.user, now=timezone.now())
        except ClassifyError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        return Response(ClassifiedSerializer({"reply": reply, "consequences": done}).data)

    @extend_schema(request=AnswerSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Queue an answer in its thread, from the mailbox that received it. 409 for contacts who opted out."""
        reply = self.get_object()
        form = AnswerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            message = answer_reply(reply, form.validated_data["body"], user=request.user, now=timezone.now())
        except AnswerError as error:
            raise ConflictError(f"Not possible: {error}.") from None
        return Response(MessageSerializer(message).data)

    @extend_schema(request=HandledSerializer, responses=ReplySerializer)
    @action(detail=True, methods=["post"])
    def handled(self, request: Request, pk: str) -> Response:
        """Nothing is left to do about it."""
        reply = self.get_object()
        form = HandledSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        is_handled = form.validated_data["is_handled"]
        mark_handled(reply, is_handled=is_handled, actor=name_actor(request.user), now=timezone.now())
        return Response(ReplySerializer(reply).data)

    @extend_schema(responses=ReplyFiguresSerializer)
    @action(detail=False, methods=["get"], filter_backends=[], pagination_class=None)
    def figures(self, request: Request) -> Response:
        """How often users corrected the rules, per intent, in your workspaces."""
        figures = read_intent_figures(workspace_ids_of(request.user))
        return Response(ReplyFiguresSerializer({"intents": figures}).data)

    def _find_sequence(self, reply: Reply, sequence_id: int | None) -> Sequence | None:
        if sequence_id is None:
            return None
        found: Sequence | None = Sequence.objects.filter(workspace=reply.workspace_id, pk=sequence_id).first()
        if found is None:
            raise ValidationError({"sequence": ["The workspace has no such sequence."]})
        return found
