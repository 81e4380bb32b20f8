"""Dovecot as a private IMAP server on a free loopback port: a real server, with nothing of the machine's own set-up."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from emails.choices import Inbound, Security
from emails.models import Mailbox
from simulation.certificates import make_certificate
from tests.factories import MailboxFactory

_PROGRAMS = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot")
_START_SECONDS = 15.0
PASSWORD = "inbox-secret"

_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/run
instance_name = {name}
log_path = {home}/dovecot.log
default_login_user = {login_user}
default_internal_user = {internal}
default_internal_group = {internal_group}
mail_home = {home}/mail/%u
mail_location = maildir:~/Maildir
first_valid_uid = 0
first_valid_gid = 0
ssl = yes
ssl_cert = <{chain}
ssl_key = <{chain}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0 secs
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Outbox {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Bulk {{
    auto = create
    special_use = \\Junk
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


def find_dovecot() -> str | None:
    """The server's program, which distributions keep outside the usual path."""
    return shutil.which("dovecot") or next((path for path in _PROGRAMS if Path(path).exists()), None)


@contextmanager
def running_imap(is_ci: bool) -> Iterator[ImapServer]:
    """The server for a fixture. Without dovecot a laptop skips, CI fails."""
    program = find_dovecot()
    if program is None:
        assert not is_ci, "CI must have dovecot: apt-get install dovecot-imapd"
        pytest.skip("needs a real IMAP server: apt-get install dovecot-imapd")
    with Dovecot(program) as server:
        yield server


def imap_mailbox(imap: ImapServer, **fields: Any) -> Mailbox:
    """A mailbox whose inbox is on that server."""
    given = {
        "inbound": Inbound.IMAP.value,
        "imap_host": imap.host,
        "imap_port": imap.port,
        "imap_security": Security.NONE.value,
        "credentials": {"imap_password": PASSWORD},
    }
    mailbox: Mailbox = MailboxFactory(**given | fields)
    return mailbox


class ImapServer:
    """A running server. Any user name logs in with `PASSWORD` and has an inbox and a Sent folder called Outbox."""

    def __init__(self, port: int, tls_port: int, folder: Path, ca_file: Path) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.tls_port = tls_port
        self.ca_file = ca_file
        self._folder = folder

    def append(self, user: str, message: EmailMessage | bytes, at: datetime, folder: str = "INBOX") -> None:
        """Put a mail into a folder as if it had come in at `at`."""
        raw = message if isinstance(message, bytes) else message.as_bytes()
        with self.log_in(user) as client:
            client.append(folder, raw, msg_time=at.astimezone(UTC))

    def flags(self, user: str) -> list[tuple[bytes, ...]]:
        with self.log_in(user) as client:
            client.select_folder("INBOX", readonly=True)
            return [answer[b"FLAGS"] for _, answer in sorted(client.fetch(client.search(), ["FLAGS"]).items())]

    def renew_uidvalidity(self, user: str, folder: str = "") -> None:
        """Let the inbox, or another folder, renumber its mails, as a server does after a restore."""
        inbox = self._folder / "mail" / user / "Maildir" / (f".{folder}" if folder else "")
        for name in (
            "dovecot-uidlist",
            "dovecot.index.log",
            "dovecot.index",
            "dovecot.index.cache",
            "dovecot-uidvalidity",
        ):
            (inbox / name).unlink(missing_ok=True)
        for old in inbox.glob("dovecot-uidvalidity.*"):
            old.unlink()
        (inbox / "dovecot-uidlist").write_text("3 V4000000000 N1000\n")

    @contextmanager
    def log_in(self, user: str) -> Iterator[Any]:
        with IMAPClient(self.host, self.port, ssl=False, timeout=10) as client:
            client.login(user, PASSWORD)
            client.normalise_times = False
            yield client


class Dovecot:
    """Starts on entering and ends on leaving; only processes of its own are touched."""

    def __init__(self, program: str) -> None:
        self._program = program
        # sockets have short names, and the server's login processes run as another user
        self._folder = Path(tempfile.mkdtemp(prefix="imap-"))
        self._folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ImapServer:
        port, tls_port = _free_ports(2)
        certificate = make_certificate(self._folder)
        config = self._folder / "dovecot.conf"
        config.write_text(self._config(port, tls_port, certificate.chain_file))
        self._process = subprocess.Popen(
            [self._program, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self._log()
                self.stop()
                raise RuntimeError(f"dovecot does not start: {text}")
            time.sleep(0.02)
        return ImapServer(port, tls_port, self._folder, certificate.ca_file)

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(timeout=10)
            if self._process.stderr is not None:
                self._process.stderr.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _log(self) -> str:
        log = self._folder / "dovecot.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        if self._process is not None and self._process.stderr is not None and self._process.poll() is not None:
            text += self._process.stderr.read().decode(errors="replace")
        return text[-2000:]

    def _config(self, port: int, tls_port: int, chain: Path) -> str:
        is_root = os.getuid() == 0
        mail = self._folder / "mail"
        mail.mkdir()
        # dovecot opens no mail as root
        owner = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.getuid())  # codespell:ignore nobody
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        return _CONFIG.format(
            home=self._folder,
            name=self._folder.name,
            port=port,
            tls_port=tls_port,
            chain=chain,
            password=PASSWORD,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            login_user="dovenull" if is_root else getpass.getuser(),
            internal="dovecot" if is_root else getpass.getuser(),
            internal_group="dovecot" if is_root else grp.getgrgid(os.getgid()).gr_name,
        )


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as found:
            return found.recv(4).startswith(b"* OK")
    except OSError:
        return False
