"""Create or change the sending account of an SDR."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandParser
from django.utils import timezone

from common.encryption import Secrets
from emails.choices import AuthMethod, Inbound, LimitScope, LimitWindow, MailboxStatus
from emails.models import Mailbox, SendLimit
from emails.sending.lanes import apply_new_caps, probe_now
from emails.transport.endpoints import find_refused_endpoint
from emails.transport.tls import CA_PEM, CertificateOptionError, validate_certificate_options
from execution.control.replan_calendar import replanning
from execution.management.base import BAD_ARGUMENTS, ProductCommand
from execution.management.values import ServerAddress, count, email_address, imap_url, smtp_url
from sequences.models import Workspace

_MOST_MESSAGES = 1_000_000
_DAY = 86_400


class Command(ProductCommand):
    help = (
        "Create a mailbox, or change the one of that address: only what is given changes. A password that is not in "
        "the URL is read from standard input (--password-stdin) or typed. It is used for SMTP and IMAP."
    )
    example = (
        "manage.py create_mailbox ada@example.com --workspace acme --owner ada@example.com \\\n"
        "    --smtp-url 'smtp://ada%40example.com@smtp.example.com:587?tls=starttls' --password-stdin < password.txt"
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="its email address")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace's slug")
        parser.add_argument("--owner", metavar="EMAIL", help="the user who owns the mailbox")
        parser.add_argument(
            "--smtp-url", type=smtp_url, metavar="URL", help="smtp://user:pass@host:port?tls=starttls, tls or none"
        )
        parser.add_argument(
            "--imap-url", type=imap_url, metavar="URL", help="imap://user:pass@host:port?tls=…: where replies are read"
        )
        parser.add_argument(
            "--ca-certificate",
            metavar="FILE",
            help="PEM file of the authority that signed the servers' certificates; its text is stored",
        )
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument(
            "--daily", type=count, metavar="N", help="at most N messages in any 24 hours (default: SEND_DAILY_DEFAULT)"
        )
        parser.add_argument(
            "--hourly", type=count, metavar="N", help="at most N messages in any hour (default: SEND_HOURLY_DEFAULT)"
        )
        parser.add_argument(
            "--gap",
            type=count,
            metavar="SECONDS",
            help="the minimum between two messages (default: SEND_GAP_SECONDS)",
        )
        parser.add_argument(
            "--jitter",
            type=count,
            metavar="SECONDS",
            help="a random addition of up to this (default: SEND_JITTER_SECONDS)",
        )
        parser.add_argument("--no-ramp", action="store_true", help="allow the full number from the first day")
        parser.add_argument("--display-name", help="the sender's name that recipients see")
        parser.add_argument("--timezone", help="IANA name; used for contacts whose own zone is not known")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = self.find_workspace(options["workspace"])
        mailbox = Mailbox.objects.filter(workspace=workspace, address__iexact=options["address"]).first()
        is_new = mailbox is None
        if mailbox is None:
            self._require_for_new(options)
            mailbox = Mailbox(workspace=workspace, address=options["address"])
        if options["owner"]:
            mailbox.owner = self._find_owner(workspace, options["owner"])
        if options["ca_certificate"]:
            mailbox.transport_options = {**mailbox.transport_options, CA_PEM: self._read(options["ca_certificate"])}
        self._set_servers(mailbox, options)
        for option, column in (("gap", "gap_seconds"), ("jitter", "jitter_seconds"), ("display_name", "display_name")):
            if options[option] is not None:
                setattr(mailbox, column, options[option])
        for option, most in (("daily", _MOST_MESSAGES), ("hourly", _MOST_MESSAGES), ("gap", _DAY), ("jitter", _DAY)):
            if (options[option] or 0) > most:
                self.fail(f"--{option} must be at most {most}", BAD_ARGUMENTS)
        if options["timezone"] is not None:
            mailbox.timezone = options["timezone"]
        if options["no_ramp"]:
            mailbox.ramp_enabled = False
        self.check_fields(mailbox, {})
        zone = {"timezone": mailbox.timezone}
        with (
            self.keeping_changes(dry_run=options["dry_run"]),
            replanning(mailbox, zone, actor=self.actor(), now=timezone.now()),
        ):
            if refused := find_refused_endpoint(vars(mailbox)):
                self.fail(f"{refused.field}: {refused.text}", BAD_ARGUMENTS)
            mailbox.save(update_fields=None if is_new else _changeable_columns())
            daily = _keep_limit(mailbox, LimitWindow.DAY, options["daily"], settings.SEND_DAILY_DEFAULT)
            hourly = _keep_limit(mailbox, LimitWindow.HOUR, options["hourly"], settings.SEND_HOURLY_DEFAULT)
            if not is_new:
                apply_new_caps([mailbox.pk], timezone.now())
                probe_now(mailbox.pk, timezone.now())
        done = f"{'Created' if is_new else 'Updated'} the mailbox {mailbox.address}: {daily} a day, {hourly} an hour."
        if mailbox.status != MailboxStatus.ACTIVE:
            done += f" It is {mailbox.status} ({mailbox.status_reason}): resume it when test_mailbox succeeds."
        self.emit(
            {
                "id": None if options["dry_run"] and is_new else mailbox.pk,
                "address": mailbox.address,
                "created": is_new,
                "daily": daily,
                "hourly": hourly,
                "status": mailbox.status,
            },
            f"Dry run. {done}" if options["dry_run"] else done,
            as_json=options["json"],
        )

    def _require_for_new(self, options: dict[str, Any]) -> None:
        for option in ("owner", "smtp_url"):
            if not options[option]:
                name = option.replace("_", "-")
                self.fail(f"--{name}: a new mailbox needs it; {options['address']} does not exist yet", BAD_ARGUMENTS)

    def _read(self, path: str) -> str:
        try:
            pem = Path(path).read_text()
            validate_certificate_options({CA_PEM: pem})
        except CertificateOptionError:
            self.fail(f"--ca-certificate: {path} holds no certificate in PEM form", BAD_ARGUMENTS)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text"
            self.fail(f"--ca-certificate: {path} cannot be read: {reason}", BAD_ARGUMENTS)
        return pem

    def _find_owner(self, workspace: Workspace, email: str) -> AbstractBaseUser:
        owner = get_user_model().objects.filter(username__iexact=email, memberships__workspace=workspace).first()
        if owner is None:
            self.fail(
                f"--owner: {email} is not a member of {workspace.slug}: add the login with create_user", BAD_ARGUMENTS
            )
        return owner

    def _set_servers(self, mailbox: Mailbox, options: dict[str, Any]) -> None:
        smtp: ServerAddress | None = options["smtp_url"]
        imap: ServerAddress | None = options["imap_url"]
        is_inbox_moved = imap is not None and _is_inbox_moved(mailbox, imap)
        secrets = _keep_for_the_same_servers(mailbox, smtp, imap)
        if smtp:
            mailbox.smtp_host, mailbox.smtp_port = smtp.host, smtp.port
            mailbox.smtp_security, mailbox.smtp_username = smtp.security.value, smtp.username
            mailbox.auth_method = (AuthMethod.PASSWORD if smtp.username else AuthMethod.NONE).value
            if smtp.password is not None:
                secrets["password"] = smtp.password
        if imap:
            mailbox.inbound = Inbound.IMAP.value
            mailbox.imap_host, mailbox.imap_port = imap.host, imap.port
            mailbox.imap_security, mailbox.imap_username = imap.security.value, imap.username
            if imap.password is not None:
                secrets["imap_password"] = imap.password
        needs_password = (
            smtp is not None and smtp.username and smtp.password is None and "password" not in secrets
        ) or (
            imap is not None
            and imap.password is None
            and (is_inbox_moved or not {"imap_password", "password"} & secrets.keys())
        )
        if options["password_stdin"]:
            secrets["password"] = self.read_secret("", from_stdin=True)
        elif needs_password:
            if not sys.stdin.isatty():
                self.fail("the password is missing: give it with --password-stdin or in the URL", BAD_ARGUMENTS)
            secrets["password"] = self.read_secret(f"Password of {mailbox.address}: ", from_stdin=False)
        mailbox.credentials = Secrets(secrets)


def _keep_for_the_same_servers(
    mailbox: Mailbox, smtp: ServerAddress | None, imap: ServerAddress | None
) -> dict[str, Any]:
    """The stored secrets, without those that would go to another host, port or security than they were given for."""
    secrets = dict(mailbox.credentials or {})
    stored = (mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security)
    if smtp and smtp.username and mailbox.smtp_host and stored != (smtp.host, smtp.port, smtp.security.value):
        secrets.pop("password", None)
    if imap and _is_inbox_moved(mailbox, imap):
        secrets.pop("imap_password", None)
    return secrets


def _is_inbox_moved(mailbox: Mailbox, imap: ServerAddress) -> bool:
    stored = (mailbox.imap_host, mailbox.imap_port, mailbox.imap_security)
    return bool(mailbox.imap_host) and stored != (imap.host, imap.port, imap.security.value)


def _changeable_columns() -> list[str]:
    # Never the state of the lane, which a worker may be changing right now.
    return [
        "owner", "display_name", "timezone", "smtp_host", "smtp_port", "smtp_security", "smtp_username", "auth_method",
        "transport_options", "credentials", "inbound", "imap_host", "imap_port", "imap_security", "imap_username",
        "gap_seconds", "jitter_seconds", "ramp_enabled", "updated_at",
    ]  # fmt: skip


def _keep_limit(mailbox: Mailbox, window: LimitWindow, given: int | None, default: int) -> int:
    """Store the cap that was given, else keep the stored one, else store the default; answers which holds."""
    limit, is_new = SendLimit.objects.get_or_create(
        workspace_id=mailbox.workspace_id,
        scope=LimitScope.MAILBOX.value,
        window=window.value,
        mailbox=mailbox,
        user=None,
        recipient_domain="",
        first_touch_only=False,
        defaults={"maximum": default if given is None else given},
    )
    if not is_new and given is not None and limit.maximum != given:
        limit.maximum = given
        limit.save(update_fields=["maximum", "updated_at"])
    return int(limit.maximum)
