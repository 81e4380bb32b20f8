"""Django's permissions of a member, derived from the roles in their workspaces: nothing is stored with the user.

They say which kinds of rows a role works on in the admin. Which of those rows is decided by `admin_rights`; this module
must not look at rows other than memberships.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.apps import apps
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from sequences.access.roles import OPERATE_EXECUTOR
from sequences.choices import Role
from sequences.models import Membership

_READ_APPS = ("sequences", "emails", "tasks_app", "execution")
_SDR = {
    "sequences.account": "add change delete",
    "sequences.contact": "add change delete",
    "sequences.enrollment": "add change",
    "sequences.sequence": "add change delete",
    "sequences.snippet": "add change delete",
    "sequences.step": "add change delete",
    "sequences.timeoff": "add change delete",
    "emails.mailbox": "add change delete",
    "emails.emailmessage": "change",
    "emails.reply": "change",
    "emails.suppression": "add change delete",
    "tasks_app.task": "change",
    "execution.deadletter": "change",
    "execution.apikey": "add delete",
}
_MANAGER = {**_SDR, "emails.mailboxpool": "add change delete", "sequences.enrollrule": "add change delete"}
_ADMIN = {
    **_MANAGER,
    "sequences.workspace": "change",
    "sequences.invitation": "add change",
    "sequences.membership": "add change delete",
    "emails.sendlimit": "add change delete",
    "execution.webhooksubscription": "add change delete",
    "execution.webhookdelivery": "change",
}
_OPERATOR = frozenset({"emails.view_executorstate", "execution.view_worker", "execution.view_alert"})
_EDITED: dict[Role, dict[str, str]] = {Role.SDR: _SDR, Role.MANAGER: _MANAGER, Role.ADMIN: _ADMIN}


@cache
def permissions_of(role: Role) -> frozenset[str]:
    """As `app.codename`: reading everything of a workspace, and changing what the role works on."""
    models = [model._meta for app in _READ_APPS for model in apps.get_app_config(app).get_models()]
    read = {f"{opts.app_label}.view_{opts.model_name}" for opts in models}
    edited = {
        f"{label.split('.')[0]}.{verb}_{label.split('.')[1]}"
        for label, verbs in _EDITED[role].items()
        for verb in verbs.split()
    }
    return frozenset(read | edited)


class RoleBackend(BaseBackend):
    """Gives active members the permissions of their roles, and operators the pages of the engine.

    Beside what other backends give. Authenticates no user.
    """

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Any = None) -> set[str]:
        if obj is not None or user_obj.pk is None or not user_obj.is_active:
            return set()
        # read once for each request, which loads its user again
        known: set[str] | None = user_obj.__dict__.get("_role_permissions")
        if known is None:
            roles = Membership.objects.filter(user=user_obj.pk).order_by().values_list("role", flat=True).distinct()
            known = {name for role in roles for name in permissions_of(Role(role))}
            # cached with the user by Django's own backend, which is asked for every permission too
            if OPERATE_EXECUTOR in cast("Any", ModelBackend()).get_all_permissions(user_obj):
                known |= _OPERATOR
            user_obj.__dict__["_role_permissions"] = known
        return known

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))
