"""Contacts and accounts with what needs the engine: the parts of a score, and the release of colleagues."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from emails.choices import EventType
from emails.facts.opted_out import suppress_opted_out
from emails.facts.scores import explain_score
from emails.facts.scoring import score
from execution.api.logged import LoggedChanges
from execution.api.replanning import ReplansOnUpdate
from execution.api.serializers import ReasonSerializer
from execution.choices import ControlTarget
from execution.control.colleagues import release_colleagues
from execution.control.replan_calendar import replan_contacts
from execution.maintenance.erase_contact import InFlightError, erase_contact, export_contact
from sequences.access.roles import is_admin, is_manager, name_actor, require_right
from sequences.api.contacts import AccountViewSet, ContactViewSet
from sequences.contacts.csv_import import ImportedContacts
from sequences.interface.api.exports import Exports
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictSerializer


class EraseSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500, help_text="Kept in the log; must not name the person.")


class ErasedSerializer(StrictSerializer):
    contact = serializers.IntegerField()
    enrollments_ended = serializers.IntegerField()
    rows = serializers.DictField(child=serializers.IntegerField(), help_text="Blanked or removed, by table.")


class PersonalDataSerializer(StrictSerializer):
    """Everything that is stored about the person, by kind: `contacts`, `enrollments`, `email_messages` …"""

    exported_at = serializers.DateTimeField()
    email = serializers.CharField()


class _ScorePartSerializer(StrictSerializer):
    type = serializers.ChoiceField(choices=EventType.choices())
    count = serializers.IntegerField(help_text="Emails with such a fact.")
    newest_at = serializers.DateTimeField()
    points = serializers.FloatField()


class EngagementSerializer(StrictSerializer):
    """`score` is the sum of the parts' points, at most 100, as of now."""

    score = serializers.IntegerField()
    parts = _ScorePartSerializer(many=True)


class EngagedContactViewSet(Exports, LoggedChanges, ReplansOnUpdate, ContactViewSet):
    __doc__ = ContactViewSet.__doc__
    export_name = "contacts"
    log_target = ControlTarget.CONTACT

    def note_imported(self, workspace_id: int, imported: ImportedContacts) -> None:
        actor, now = name_actor(self.request.user), timezone.now()
        replan_contacts(imported.old_zones, actor=actor, now=now)
        suppress_opted_out(workspace_id, imported.opted_out, actor, now)

    @extend_schema(responses=EngagementSerializer)
    @action(detail=True, methods=["get"], serializer_class=EngagementSerializer)
    def engagement(self, request: Request, pk: str) -> Response:
        """The parts of the contact's score: human opens, clicks and replies, each worth half after a fortnight."""
        parts = explain_score(self.get_object().pk, timezone.now())
        return Response(EngagementSerializer({"score": score(parts), "parts": parts}).data)

    @extend_schema(request=EraseSerializer, responses=ErasedSerializer)
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, pk: str) -> Response:
        """Erase the person's data in all tables; for admins. What caps and reports count stays.

        A keyed hash of the address stays too, so that it is never stored or mailed again. Live enrollments end first.
        """
        contact = self.get_object()
        if not is_admin(request.user, contact.workspace_id):
            raise PermissionDenied("Only an admin of the workspace erases a person's data.")
        form = EraseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        actor = name_actor(request.user)
        try:
            erased = erase_contact(contact, actor=actor, now=timezone.now(), **form.validated_data)
        except InFlightError as error:
            raise ConflictError(f"Not possible now: {error}.") from None
        return Response(ErasedSerializer(erased.present()).data)

    @extend_schema(operation_id="contacts_export_person", responses=PersonalDataSerializer)
    @action(detail=True, methods=["get"], url_path="export")
    def export_data(self, request: Request, pk: str) -> Response:
        """Everything that is stored about the person, to hand it out; for managers and admins."""
        contact = self.get_object()
        if not is_manager(request.user, contact.workspace_id):
            raise PermissionDenied("Only a manager or an admin hands out a person's data.")
        return Response(export_contact(contact, timezone.now()))


class ReleasedContactsSerializer(StrictSerializer):
    released = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of enrollments.")


class ReleasableAccountViewSet(LoggedChanges, ReplansOnUpdate, AccountViewSet):
    __doc__ = AccountViewSet.__doc__
    log_target = ControlTarget.ACCOUNT

    @extend_schema(request=ReasonSerializer, responses=ReleasedContactsSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """Resume the enrollments that a colleague's reply has paused; for managers and admins."""
        account = self.get_object()
        require_right(request.user, account.workspace_id, None, is_shared_without_owner=False)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        report = release_colleagues(
            [account.pk], actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"]
        )
        return Response(ReleasedContactsSerializer({"released": report.changed}).data)
