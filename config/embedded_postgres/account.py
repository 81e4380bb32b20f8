"""Which system account runs the embedded server: PostgreSQL refuses to run as root.

An ordinary user runs it as themselves; root hands it to an account of its own, or to the owner of an existing database.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from config.embedded_postgres.errors import EmbeddedPostgresError

ACCOUNT_NAME: Final = "embedded_postgres"


class SubprocessOptions(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The account of the server. `switched`: it is not the one this process runs as."""

    name: str
    uid: int
    gid: int
    switched: bool

    def subprocess_options(self) -> SubprocessOptions:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def own(self, path: Path) -> None:
        """Give a directory to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid)


def find_account(data_dir: Path) -> ServerAccount:
    """The account for this data directory; as root, makes the account on first use."""
    if os.geteuid() != 0:
        entry = _entry_of(os.geteuid())
        return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=False)
    owner = data_dir.stat().st_uid if data_dir.exists() else 0
    entry = _entry_of(owner) if owner else _own_account()
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)


def _entry_of(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL runs only as a user with a name; the user id {uid} has none in /etc/passwd. Set DATABASE_URL."
        ) from error


def _own_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
        try:
            subprocess.run(command, check=True, capture_output=True)
            return pwd.getpwnam(ACCOUNT_NAME)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise EmbeddedPostgresError(
                "PostgreSQL does not run as root, and the account for it cannot be made with useradd. "
                "Run as an ordinary user, or set DATABASE_URL."
            ) from error


def is_reachable(path: Path, account: ServerAccount) -> bool:
    """Whether the account may go through every directory to `path`. Always so for the account of this process."""
    if not account.switched:
        return True
    for folder in (path, *path.parents):
        status = folder.stat()
        owned = status.st_uid == account.uid and status.st_mode & stat.S_IXUSR
        if not (owned or status.st_mode & stat.S_IXOTH):
            return False
    return True
