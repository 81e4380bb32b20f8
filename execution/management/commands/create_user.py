"""Create a user or change the role in a workspace."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management.base import CommandParser
from django.utils import timezone

from execution.control.keys import VALID_FOR, make_key
from execution.control.members import log_role
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import email_address, key_days, key_name
from sequences.access.roles import OPERATE_EXECUTOR
from sequences.choices import Role
from sequences.models import Membership

_KEY_NAME = "command line"
_OPERATORS = "Operators"


class Command(ProductCommand):
    help = (
        "Create a login whose name is its email address, or change the role of one that exists. "
        "Without --password-stdin a new login has no password: until changepassword gives it one, it can use its API "
        "key only."
    )
    example = "manage.py create_user ada@example.com --workspace acme --role manager --operator --token"
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL", type=email_address, help="the address, which is the login's name")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role], help="what it may do there")
        parser.add_argument("--operator", action="store_true", help="may also pause and resume the executor")
        parser.add_argument("--token", action="store_true", help="make an API key; it is shown once")
        parser.add_argument(
            "--token-name", metavar="NAME", type=key_name, help=f"make one that is called so, not {_KEY_NAME!r}"
        )
        parser.add_argument(
            "--expires", metavar="DAYS|never", type=key_days, default=argparse.SUPPRESS,
            help="when the API key ends: after that many days, or never (default: 365)",
        )  # fmt: skip
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument("--first-name", default="", help="for signatures and merge fields")
        parser.add_argument("--last-name", default="", help="for signatures and merge fields")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        password = self.read_secret("", from_stdin=True) if options["password_stdin"] else None
        users = get_user_model().objects
        now = timezone.now()
        name = options["token_name"] or (_KEY_NAME if options["token"] else None)
        if "expires" in options and name is None:
            self.fail("expires: is about the API key: add --token", BAD_ARGUMENTS)
        email: str = options["email"]
        with self.keeping_changes(dry_run=options["dry_run"]):
            user = users.filter(username__iexact=email).first()
            is_new = user is None
            if user is None:
                user = get_user_model()(username=email, email=email)
            if is_new or password is not None:
                user.set_password(password)
            user.first_name = options["first_name"] or user.first_name
            user.last_name = options["last_name"] or user.last_name
            user.is_staff = True
            self.check_fields(user, {"username": "EMAIL"})
            user.save()
            if options["operator"]:
                user.groups.add(operators_group())
            found = Membership.objects.filter(workspace=workspace, user=user).first()
            before = found.role if found else None
            member, _ = Membership.objects.update_or_create(
                workspace=workspace, user=user, defaults={"role": options["role"]}
            )
            if before != member.role:
                log_role(workspace, user.get_username(), before, member.role, actor=self.actor(), now=now)
            days: int | None = options.get("expires", VALID_FOR.days)
            expires_at = None if days is None else now + timedelta(days=days)
            token = make_key(user, name, expires_at, now, actor=self.actor())[1] if name else None
        done = f"{'Created' if is_new else 'Updated'} {email}: {options['role']} of {workspace.slug}."
        if not user.has_usable_password():
            done += f" To log in to the desk it needs a password: manage.py changepassword {user.get_username()}"
        if options["dry_run"]:
            token, done = None, f"Dry run. {done}"
        data: dict[str, Any] = {"id": user.pk}
        if token is not None:
            data["token"] = token
        self.emit(data, f"{done}\nToken (shown once): {token}" if token else done, as_json=options["json"])


def operators_group() -> Group:
    """The group whose members pause and resume the executor. It gives nothing else: roles give the rest."""
    group, _ = Group.objects.get_or_create(name=_OPERATORS)
    app_label, codename = OPERATE_EXECUTOR.split(".")
    group.permissions.set(Permission.objects.filter(content_type__app_label=app_label, codename=codename))
    return group
