"""The vocabulary of sequences, each word once: the same in code, column, API and log.

Plain enumerations without Django, so that pure modules may use them.
"""

from __future__ import annotations

from enum import StrEnum

# What is not written as an ordinary word.
_NAMES = {
    "amazon_ses": "Amazon SES",
    "auto_exited": "Stopped",
    "conditional_split": "Branch",
    "html": "HTML",
    "imap": "IMAP",
    "linkedin": "LinkedIn",
    "mailersend": "MailerSend",
    "ok": "OK",
    "sdr": "SDR",
    "sendgrid": "SendGrid",
    "smtp": "SMTP",
    "sparkpost": "SparkPost",
    "starttls": "STARTTLS",
    "tls": "TLS",
    "unisender_go": "Unisender Go",
    "unknown_outcome": "Delivery unconfirmed",
}


def label_of(word: str) -> str:
    """A word of the API and the database as the screen shows it."""
    return _NAMES.get(word) or word.replace("_", " ").capitalize()


class Choice(StrEnum):
    """A closed set of words; `choices()` is the form Django fields take."""

    @property
    def label(self) -> str:
        return label_of(self.value)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.label) for member in cls]


class Role(Choice):
    SDR = "sdr"
    MANAGER = "manager"
    ADMIN = "admin"


class InvitationStatus(Choice):
    """Of an invitation to a workspace."""

    #: its link can be used
    PENDING = "pending"
    #: its link was used, once
    ACCEPTED = "accepted"
    #: its link is older than 7 days
    EXPIRED = "expired"
    #: an admin took it back, or invited the address again
    WITHDRAWN = "withdrawn"


class ImportKind(Choice):
    """What the rows of a stored import are."""

    CONTACTS = "contacts"
    SUPPRESSIONS = "suppressions"


class ImportState(Choice):
    """Of a stored import."""

    #: an executor takes it up within seconds
    WAITING = "waiting"
    #: an executor reads and stores its rows
    RUNNING = "running"
    #: all rows are stored or rejected
    DONE = "done"
    #: the file cannot be read, or an error in the program; `problem` says which
    FAILED = "failed"


class SecurityEventKind(Choice):
    """What happened to a login, a key, or the rights of a user."""

    LOGIN = "login"
    SINGLE_SIGN_ON = "single_sign_on"
    LOGIN_FAILED = "login_failed"
    LOGIN_LOCKED = "login_locked"
    PASSWORD_CHANGED = "password_changed"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    KEY_REFUSED = "key_refused"
    #: of a member, also when added or removed
    ROLE_CHANGED = "role_changed"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    #: members of a workspace need one from now on, or no longer
    SECOND_FACTOR_RULE = "second_factor_rule"


class ReplyNotices(Choice):
    """When a user is told of new replies by email."""

    OFF = "off"
    AT_ONCE = "at_once"
    DAILY = "daily"


class BodyFormat(Choice):
    """How the body of an email is written."""

    #: HTML when a block element or a doctype comes first, else Markdown
    AUTO = "auto"
    #: CommonMark with tables and strikethrough; each line break of the source is one of the email
    MARKDOWN = "markdown"
    #: HTML, taken as it is
    HTML = "html"


class AccountReplyPolicy(Choice):
    """What a reply means for the sender's colleagues at the same account."""

    IGNORE = "ignore"
    DELAY = "delay"
    PAUSE = "pause"
    STOP = "stop"


class HolidaySource(Choice):
    """Whose public holidays move steps. Without a known country of the contact those of the workspace do."""

    WORKSPACE = "workspace"
    CONTACT = "contact"
    BOTH = "both"


class HandWrittenPolicy(Choice):
    """What happens when the owner of a mailbox writes by hand to a contact in a sequence."""

    IGNORE = "ignore"
    PAUSE = "pause"


class SequenceStatus(Choice):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class OnReply(Choice):
    """What a reply of the contact does to their enrollment in the sequence.

    `stop` ends it. `continue` ends nothing: the reply is a fact that a split on `email_replied` can ask for.
    """

    STOP = "stop"
    CONTINUE = "continue"


class StepType(Choice):
    EMAIL = "email"
    TASK = "task"
    DELAY = "delay"
    CONDITIONAL_SPLIT = "conditional_split"


class ConditionType(Choice):
    EMAIL_OPENED = "email_opened"
    EMAIL_CLICKED = "email_clicked"
    EMAIL_REPLIED = "email_replied"
    TASK_COMPLETED = "task_completed"
    CONTACT_FIELD = "contact_field"
    ENGAGEMENT_SCORE = "engagement_score"


class Operator(Choice):
    """How a `contact_field` or `engagement_score` condition compares."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class SnippetKind(Choice):
    #: a whole email with its subject
    TEMPLATE = "template"
    #: a part of a body
    SNIPPET = "snippet"


class TaskType(Choice):
    CALL = "call"
    LINKEDIN = "linkedin"
    GENERIC = "generic"
    MANUAL_EMAIL = "manual_email"


class TaskPriority(Choice):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class EnrollmentStatus(Choice):
    ACTIVE = "active"
    PAUSED = "paused"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    REPLIED = "replied"
    AUTO_EXITED = "auto_exited"


LIVE_STATUSES = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED, EnrollmentStatus.QUARANTINED)
ENDED_STATUSES = (EnrollmentStatus.COMPLETED, EnrollmentStatus.REPLIED, EnrollmentStatus.AUTO_EXITED)


class ExitReason(Choice):
    REPLIED = "replied"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ACCOUNT_REPLIED = "account_replied"
    SUPPRESSED = "suppressed"
    MANUAL = "manual"
    SEQUENCE_ARCHIVED = "sequence_archived"
    GOAL_MET = "goal_met"
    LEFT_COMPANY = "left_company"
