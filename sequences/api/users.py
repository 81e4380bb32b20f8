"""`/api/me`: who the user is and may do; `/api/users`: the members of the user's workspaces."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth import get_user_model
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sequences.access.roles import is_operator
from sequences.choices import ReplyNotices, Role
from sequences.interface.api.base import IdFilter, ReadViewSet, StrictView
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Membership, UserSettings, Workspace

_OWN = "own_memberships"


class _MembershipSerializer(StrictModelSerializer[Membership]):
    name = serializers.CharField(source="workspace.name")
    slug = serializers.SlugField(source="workspace.slug")
    role = serializers.ChoiceField(choices=Role.choices())

    class Meta:
        model = Membership
        fields = ["workspace", "name", "slug", "role"]
        read_only_fields = fields


class UserSerializer(StrictSerializer):
    """A member, with the roles in workspaces that you belong to as well."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    is_active = serializers.BooleanField()
    workspaces = _MembershipSerializer(source=_OWN, many=True)


class MeSerializer(UserSerializer):
    is_operator = serializers.SerializerMethodField(help_text="May pause the executor of the installation.")
    reply_notices = serializers.SerializerMethodField(help_text="When you are told of new replies by email.")

    def get_is_operator(self, user: Any) -> bool:
        return is_operator(user)

    @extend_schema_field(serializers.ChoiceField(choices=ReplyNotices.choices()))
    def get_reply_notices(self, user: Any) -> str:
        own = UserSettings.objects.filter(user=user).first()
        return own.reply_notices if own else ReplyNotices.AT_ONCE.value


class OwnSettingsSerializer(StrictSerializer):
    reply_notices = serializers.ChoiceField(choices=ReplyNotices.choices())


class UserFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="memberships__workspace_id")
    email = django_filters.CharFilter(field_name="email", lookup_expr="iexact")


def _users_seen_by(user: Any) -> QuerySet[Any]:
    workspaces = Workspace.objects.for_user(user).order_by().values("pk")
    own = Membership.objects.filter(workspace__in=workspaces).select_related("workspace").order_by("workspace_id")
    return get_user_model()._default_manager.prefetch_related(Prefetch("memberships", own, to_attr=_OWN))


class UserViewSet(ReadViewSet):
    """Members of the user's workspaces."""

    queryset = get_user_model()._default_manager.all()
    serializer_class = UserSerializer
    filterset_class = UserFilter
    ordering_fields = ("id", "email")

    def get_queryset(self) -> QuerySet[Any]:
        members = Membership.objects.for_user(self.request.user).order_by().values("user")
        return _users_seen_by(self.request.user).filter(pk__in=members)


class MeViewSet(StrictView):
    """The user whose key or session the request carries."""

    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def retrieve(self, request: Request) -> Response:
        """Who you are, your workspaces and your role in each."""
        user = _users_seen_by(request.user).get(pk=request.user.pk)
        return Response(MeSerializer(user).data)

    @extend_schema(operation_id="me_partial_update", request=OwnSettingsSerializer, responses=MeSerializer)
    def partial_update(self, request: Request) -> Response:
        """Change your own settings: whether an email tells you of new replies `at_once`, `daily` or not (`off`)."""
        form = OwnSettingsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user: Any = request.user
        UserSettings.objects.update_or_create(user=user, defaults=form.validated_data)
        return self.retrieve(request)
