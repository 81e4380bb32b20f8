"""The words of messages, mailboxes and events, once each. No Django, so that pure modules may use them."""

from __future__ import annotations

from sequences.choices import Choice


class Transport(Choice):
    """How a mailbox hands mail over. Everything but `smtp` is an ESP that django-anymail speaks to."""

    SMTP = "smtp"
    AMAZON_SES = "amazon_ses"
    BREVO = "brevo"
    MAILERSEND = "mailersend"
    MAILGUN = "mailgun"
    MAILJET = "mailjet"
    MAILTRAP = "mailtrap"
    MANDRILL = "mandrill"
    POSTAL = "postal"
    POSTMARK = "postmark"
    RESEND = "resend"
    SCALEWAY = "scaleway"
    SENDGRID = "sendgrid"
    SPARKPOST = "sparkpost"
    UNISENDER_GO = "unisender_go"


class Security(Choice):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class AuthMethod(Choice):
    """How a mailbox proves itself to its servers."""

    NONE = "none"
    PASSWORD = "password"
    GOOGLE = "google"
    MICROSOFT = "microsoft"


class Inbound(Choice):
    NONE = "none"
    IMAP = "imap"
    WEBHOOK = "webhook"


class MailboxStatus(Choice):
    ACTIVE = "active"
    PAUSED = "paused"
    BROKEN = "broken"


class BreakerState(Choice):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class LimitScope(Choice):
    MAILBOX = "mailbox"
    USER = "user"
    WORKSPACE = "workspace"
    RECIPIENT_DOMAIN = "recipient_domain"


class LimitWindow(Choice):
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return 3_600 if self is LimitWindow.HOUR else 86_400


class MessageStatus(Choice):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    UNKNOWN = "unknown"


class ErrorClass(Choice):
    """Who pays for a failed hand-over (SPEC section 5)."""

    RECIPIENT_PERMANENT = "recipient_permanent"
    RECIPIENT_TEMPORARY = "recipient_temporary"
    CONTENT = "content"
    MAILBOX = "mailbox"
    SERVER = "server"
    TEMPLATE = "template"
    UNCLASSIFIED = "unclassified"
    BUG = "bug"


class EventType(Choice):
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    AUTO_REPLIED = "auto_replied"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    HAND_WRITTEN = "hand_written"
    LEFT_COMPANY = "left_company"
    #: mail that no person wrote and that has no consequence: a delay notice, a challenge, a ticket system's receipt
    AUTOMATED = "automated"


# Why an email is withheld whose step is no more.
STEP_REMOVED = "step_removed"
# Why one is whose person was led past its step.
STEP_SKIPPED = "skipped"
# Why one is whose contact has had the same text from this sequence.
SAME_TEXT = "same_text"
# Why it is withheld until the engine queues it again: its contact has another address since.
ADDRESS_CHANGED = "address_changed"


class BounceType(Choice):
    """What a bounce concerns: the recipient for good, the recipient for now, or the sender (reputation, policy)."""

    HARD = "hard"
    SOFT = "soft"
    BLOCKED = "blocked"


class Verdict(Choice):
    """Whether a person or a machine (scanner, prefetch) caused an event. Machines never branch, score or exit.

    `pending`: a visit that came just now; it counts for nothing until it is settled, seconds later.
    """

    HUMAN = "human"
    MACHINE = "machine"
    PENDING = "pending"


class SuppressionReason(Choice):
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LEFT_COMPANY = "left_company"
    MANUAL = "manual"


class SuppressionAction(Choice):
    ADDED = "added"
    EXTENDED = "extended"
    REMOVED = "removed"
    EXPIRED = "expired"
