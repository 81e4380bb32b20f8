"""Secrets at rest: ciphertext in the database, nothing in a repr, and keys that rotate."""

from __future__ import annotations

from base64 import b64encode
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from common.encryption import DecryptionError
from emails.models import Mailbox
from execution.models import WebhookSubscription
from execution.webhooks_out.operations import subscribe
from tests.factories import NOW, MailboxFactory
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db


def stored(mailbox: Mailbox) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM emails_mailbox WHERE id = %s", [mailbox.pk])
        text: str = cursor.fetchone()[0]
    return text


def test_a_secret_is_ciphertext_at_rest_and_never_in_a_repr() -> None:
    mailbox = MailboxFactory(credentials={"password": "hunter2"})
    assert "hunter2" not in stored(mailbox)
    loaded = Mailbox.objects.get(pk=mailbox.pk)
    assert loaded.credentials["password"] == "hunter2"
    assert "hunter2" not in f"{loaded!r} {loaded.credentials!r} {loaded.credentials}"


def test_rotation_moves_secrets_to_the_first_key(settings: Any) -> None:
    mailbox = MailboxFactory(credentials={"password": "hunter2"})
    secret = f"whsec_{b64encode(b'hunter2' * 4).decode()}"
    values = {"url": "http://127.0.0.1:9/", "events": ["*"], "secret": secret}
    webhook = subscribe(mailbox.workspace, values, actor="ada", now=NOW)
    old, new = settings.FIELD_ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
    settings.FIELD_ENCRYPTION_KEYS = new + old
    message = StringIO()
    call_command("rotate_encryption_keys", "--dry-run", stdout=message)
    assert message.getvalue() == "Dry run, nothing was changed. 2 mailboxes and webhooks re-encrypted\n"
    call_command("rotate_encryption_keys")
    settings.FIELD_ENCRYPTION_KEYS = new
    assert Mailbox.objects.get(pk=mailbox.pk).credentials["password"] == "hunter2"
    assert WebhookSubscription.objects.get(pk=webhook.pk).secret == {"secret": secret}


def test_a_lost_key_is_one_line_that_names_the_setting(settings: Any) -> None:
    MailboxFactory(credentials={"password": "hunter2"})
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(DecryptionError, match="FIELD_ENCRYPTION_KEYS"):
        Mailbox.objects.get()
    with pytest.raises(CommandError, match="FIELD_ENCRYPTION_KEYS"):
        call_command("rotate_encryption_keys")


def test_a_command_that_meets_a_lost_key_names_the_setting_without_a_traceback(shell: Shell, settings: Any) -> None:
    mailbox = MailboxFactory(credentials={"password": "hunter2"})
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "FIELD_ENCRYPTION_KEYS" in one_error(shell("test_mailbox", mailbox.address), 1)
