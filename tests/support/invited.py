"""An invitation that was sent at `NOW`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory as factory_boy

from sequences.choices import Role
from sequences.models import Invitation
from tests.factories import NOW, WorkspaceFactory

# Its declarations carry no types.
factory: Any = factory_boy


class InvitationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Invitation

    workspace = factory.SubFactory(WorkspaceFactory)
    email = factory.Sequence(lambda n: f"invited{n}@sender.example")
    role = Role.SDR.value
    invited_by = "ada@sender.example"
    created_at = NOW
    expires_at = NOW + timedelta(days=7)
