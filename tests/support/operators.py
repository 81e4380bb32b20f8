"""The group whose members pause and resume the executor, as `create_user --operator` makes it."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission


def operators() -> Group:
    group, _ = Group.objects.get_or_create(name="Operators")
    group.permissions.set(Permission.objects.filter(codename="operate_executor"))
    return group
