"""The enumerations of messages, mailboxes and events. No Django, so that pure modules may use them."""

from __future__ import annotations

from sequences.choices import Choice


class Transport(Choice):
    """How a mailbox sends. All but `smtp` are ESPs that django-anymail supports."""

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
    """How a connection to a mailbox's server is encrypted."""

    #: begins in plain text and switches to TLS before the login
    STARTTLS = "starttls"
    #: TLS from the start
    TLS = "tls"
    #: no encryption
    NONE = "none"


class AuthMethod(Choice):
    """How a mailbox logs in to its servers."""

    NONE = "none"
    PASSWORD = "password"
    #: OAuth 2 (XOAUTH2) with a refresh token
    GOOGLE = "google"
    MICROSOFT = "microsoft"


class Inbound(Choice):
    """How replies and bounces to a mailbox are received."""

    #: not at all: replies stop nothing
    NONE = "none"
    #: its folders are read by IMAP
    IMAP = "imap"
    #: a provider posts incoming mail
    WEBHOOK = "webhook"


class MailboxStatus(Choice):
    """Whether a mailbox may send."""

    ACTIVE = "active"
    #: by a user, or because too many of its messages bounced
    PAUSED = "paused"
    #: its server refuses the login or the sender: fix it, then resume
    BROKEN = "broken"


class BreakerState(Choice):
    """The circuit breaker of a mailbox's lane."""

    #: sends normally
    CLOSED = "closed"
    #: repeated failures: nothing is sent until its time
    OPEN = "open"
    #: one message is sent as a probe
    HALF_OPEN = "half_open"


class LimitScope(Choice):
    """What a cap on sending counts."""

    MAILBOX = "mailbox"
    USER = "user"
    WORKSPACE = "workspace"
    RECIPIENT_DOMAIN = "recipient_domain"


class LimitWindow(Choice):
    """The rolling window of a cap."""

    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return 3_600 if self is LimitWindow.HOUR else 86_400


class MessageStatus(Choice):
    """The state of an email in the outbox."""

    #: waits in its mailbox's lane
    QUEUED = "queued"
    #: a worker is sending it under a lease
    SENDING = "sending"
    #: the server or ESP accepted it
    SENT = "sent"
    #: certainly not sent; `error_class` says why
    FAILED = "failed"
    #: not sent on purpose; `withheld_reason` says why
    WITHHELD = "withheld"
    #: it may have been sent: waits for evidence or a user
    UNKNOWN = "unknown"


class ErrorClass(Choice):
    """Why sending failed, which decides what follows."""

    #: the recipient does not exist: a hard bounce, the enrollment exits
    RECIPIENT_PERMANENT = "recipient_permanent"
    #: the recipient cannot take it now: retried with back-off
    RECIPIENT_TEMPORARY = "recipient_temporary"
    #: refused for its content or by policy: quarantine, counts against the mailbox's health
    CONTENT = "content"
    #: the mailbox may not send (login, quota, sender address): the mailbox stops
    MAILBOX = "mailbox"
    #: the server does not answer or is busy: the message goes back, the breaker counts
    SERVER = "server"
    #: the email could not be rendered: quarantine
    TEMPLATE = "template"
    #: a refusal that no rule knows: quarantine, never treated as a bounce
    UNCLASSIFIED = "unclassified"
    #: an error in the program: quarantine
    BUG = "bug"


class EventType(Choice):
    """What happened to an email, or a mail that was received."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    #: an out-of-office answer
    AUTO_REPLIED = "auto_replied"
    #: `bounce_type` says what it concerns
    BOUNCED = "bounced"
    #: reported as spam
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    #: a mail that the mailbox's owner wrote to the contact outside of the sequence
    HAND_WRITTEN = "hand_written"
    LEFT_COMPANY = "left_company"
    #: mail that no person wrote and that has no consequence: a delay notice, a challenge, a ticket system's receipt
    AUTOMATED = "automated"


class ReplyIntent(Choice):
    """What the writer of a reply wants, by the rules or by a user's correction."""

    INTERESTED = "interested"
    NOT_INTERESTED = "not_interested"
    NOT_NOW = "not_now"
    REFERRAL = "referral"
    OPT_OUT = "opt_out"
    #: near an opt-out: the contact cannot be enrolled until a user decides
    POSSIBLE_OPT_OUT = "possible_opt_out"
    UNCLEAR = "unclear"


# Why an email is withheld: its step was removed.
STEP_REMOVED = "step_removed"
# Why: its step was skipped.
STEP_SKIPPED = "skipped"
# Why: this sequence has already sent the same text to the contact.
SAME_TEXT = "same_text"
# Why, until the engine queues it again: the contact's address has changed.
ADDRESS_CHANGED = "address_changed"
# Why, until the engine queues it again: the variant that it was to be is gone or switched off.
VARIANT_CHANGED = "variant_changed"

# Why, until the engine queues it again: it is not the email that was approved any more.
APPROVAL_OUTDATED = "approval_outdated"


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


class AddressState(Choice):
    """Whether an address, or a domain, takes email. `unknown`: there was no answer, which holds no email."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
